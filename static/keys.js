// Single keys. An element says with data-key which one leads to it: a field gets the focus, anything else a click. Whoever
// needs the keys for something else, such as speech input, switches them off in the list of them.

const setting = "ates.shortcuts";
const box = document.querySelector("[data-shortcuts-switch]");

if (box) {
  box.checked = localStorage.getItem(setting) !== "off";
  box.addEventListener("change", () => localStorage.setItem(setting, box.checked ? "on" : "off"));
}

// letter is the Latin letter of a key, also where the keyboard is Cyrillic.
const letter = ({ key, code }) =>
  /^\p{Script=Cyrillic}$/u.test(key) && code.startsWith("Key") ? code.slice(3).toLowerCase() : key;

document.addEventListener("keydown", (event) => {
  if (!box?.checked || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  const pressed = letter(event);
  const element = [...document.querySelectorAll("[data-key]")].find(({ dataset }) => dataset.key === pressed);
  if (!element) return;
  event.preventDefault();
  if (element.matches("input, textarea, select")) element.focus();
  else element.click();
});
