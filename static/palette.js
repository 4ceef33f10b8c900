// The palette: one field that finds pages, tasks and actions, as the combobox of the ARIA authoring practices works. The server finds;
// what was looked at lately in this window is remembered here.
import { latin } from "./keys.js";

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const options = () => [...dialog.querySelectorAll("[role=option]")];
const active = () => dialog.querySelector("[role=option][aria-selected=true]");

// ---- What was looked at lately. Another person in the same window does not see it.

const key = "ates.recent." + dialog?.dataset.viewer;
const kept = 6;
const recent = () => JSON.parse(sessionStorage.getItem(key) ?? "[]");

function remember() {
  const page = { href: location.pathname + location.search, title: document.title.replace(/ · aTES$/, "") };
  if (location.pathname === "/palette") return;
  const others = recent().filter(({ title }) => title !== page.title);
  sessionStorage.setItem(key, JSON.stringify([page, ...others].slice(0, kept)));
}

function showRecent() {
  const pages = recent().filter(({ href }) => href !== location.pathname + location.search);
  if (input.value !== "" || pages.length === 0) return;
  const group = dialog.querySelector("template").content.firstElementChild.cloneNode(true);
  const option = group.querySelector("[role=option]");
  option.remove();
  for (const [n, { href, title }] of pages.entries()) {
    const link = option.cloneNode(true);
    link.id = "palette-recent-" + n;
    link.href = href;
    link.querySelector("span").textContent = title;
    group.append(link);
  }
  dialog.querySelector("[role=listbox]").prepend(group);
  htmx.process(group);
}

// ---- The option that Enter chooses.

function select(option) {
  active()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
}

function move(by) {
  const list = options();
  select(list.at((list.indexOf(active()) + by) % list.length));
}

const moves = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  PageDown: () => select(options().at(-1)),
  PageUp: () => select(options()[0]),
  Enter: () => active()?.click(),
};

function open() {
  document.querySelector("details.personal")?.removeAttribute("open");
  dialog.showModal();
  input.value = "";
  htmx.trigger(input.form, "palette", {}, false);
}

if (dialog) {
  remember();
  document.addEventListener("htmx:finally:swap", ({ detail: { ctx } }) => ctx.target?.id === "main" && remember());
  document.addEventListener("submit", ({ target }) => {
    if (target.getAttribute("action") === "/logout") sessionStorage.removeItem(key);
  });

  // This comes before htmx sees the click.
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-palette]") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    open();
  }, { capture: true });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || latin(event) !== "k") return;
    if (dialog.open) dialog.close();
    else if (document.querySelector("dialog[open]")) return;
    else open();
    event.preventDefault();
  });

  input.addEventListener("keydown", (event) => {
    if (!moves[event.key] || event.isComposing) return;
    event.preventDefault();
    moves[event.key]();
  });
  // The field keeps the focus while the mouse chooses.
  dialog.addEventListener("mousedown", (event) => event.target.closest("[role=listbox]") && event.preventDefault());
  dialog.addEventListener("click", ({ target }) => {
    if (target.closest("[role=option]")) setTimeout(() => dialog.close());
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.sourceElement !== input.form) return;
    showRecent();
    select(options()[0]);
    dialog.querySelector("[role=status]").textContent = dialog.querySelector("[role=listbox]").dataset.said;
  });
}
