// The keyboard. An element says with data-key which key, or which two in turn, lead to it: a field gets the focus, anything else a
// click. In a list j and k go from row to row. Whoever needs the keys for something else, such as speech input, switches them off
// in the list of them.
import { activate, step } from "./rows.js";

const setting = "ates.shortcuts";
const box = document.querySelector("[data-shortcuts-switch]");
if (box) {
  box.checked = localStorage.getItem(setting) !== "off";
  box.addEventListener("change", () => localStorage.setItem(setting, box.checked ? "on" : "off"));
}

// Where a Cyrillic keyboard has another sign on the key that is "/" and "?" on a Latin one.
const cyrillicSigns = { ".": "/", ",": "?" };

// latin is the sign of a key as a Latin keyboard has it, also where the keyboard is Cyrillic.
export function latin({ key, code }) {
  if (/^\p{Script=Cyrillic}$/u.test(key)) {
    if (code.startsWith("Key")) return code.slice(3).toLowerCase();
    return { BracketLeft: "[", BracketRight: "]" }[code] ?? key;
  }
  return code === "Slash" ? (cyrillicSigns[key] ?? key) : key;
}

const rowKeys = {
  j: () => step(1),
  k: () => step(-1),
  o: () => activate(".cell-text a"),
  e: () => activate("[data-resolve]"),
};

const within = 1500; // how long the first of two keys waits for the second
let first = "";
let forget;

function leadsTo(keys) {
  const element = [...document.querySelectorAll("[data-key]")].find(({ dataset }) => dataset.key === keys);
  if (!element) return false;
  if (element.matches("input, textarea, select")) element.focus();
  else element.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (!box?.checked || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  const pressed = latin(event);
  const keys = first ? first + " " + pressed : pressed;
  clearTimeout(forget);
  first = "";
  if (!keys.includes(" ") && document.querySelector(`[data-key^="${CSS.escape(pressed)} "]`)) {
    first = pressed;
    forget = setTimeout(() => (first = ""), within);
  } else if (!(keys.includes(" ") ? leadsTo(keys) : rowKeys[pressed]?.() || leadsTo(keys))) {
    return;
  }
  event.preventDefault();
});

// The list of keys has those that lead somewhere on the page at hand.
document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-opens=shortcuts]")) return;
  for (const entry of document.querySelectorAll("#shortcuts [data-needs]")) {
    entry.hidden = !document.querySelector(entry.dataset.needs);
  }
});
