// Dialogs. What a page elsewhere asks, before something is done or so that it can be, is asked on the spot, and what is done leads
// back to here.

const dialog = document.getElementById("dialog");

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id !== "dialog-body") return;
  dialog.showModal();
  for (const field of dialog.querySelectorAll("[name=return_to]")) field.value = location.pathname + location.search;
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector("h1")).focus();
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
});

// Behind a dialog nothing can be read or clicked, so the short messages go to where it is.
const toasts = document.getElementById("toasts");
for (const element of document.querySelectorAll("dialog")) {
  element.addEventListener("toggle", ({ newState }) => (newState === "open" ? element : document.body).append(toasts));
}

// A link with data-close leads back to where the question was asked from. In a dialog that is right behind it. This comes before
// htmx sees the click.
document.addEventListener("click", (event) => {
  const link = event.target.closest("dialog [data-close]");
  if (!link) return;
  event.preventDefault();
  event.stopPropagation();
  link.closest("dialog").close();
}, { capture: true });

// The personal menu closes like one.
const personal = document.querySelector("details.personal");
document.addEventListener("click", ({ target }) => {
  if (!personal.contains(target)) personal.open = false;
});
personal.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || !personal.open) return;
  personal.open = false;
  personal.querySelector("summary").focus();
});
