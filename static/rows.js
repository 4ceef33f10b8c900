// Rows of lists. The link of a row is what the keyboard goes to; a row that is no longer there leaves its place to the next one.

const rows = () => [...document.querySelectorAll("main [data-row]")];
const linkOf = (row) => row?.querySelector(".cell-text a");

let place; // the row that has the focus, and which one it is
let anchor; // the row at the top of the window, and how far below the edge it is

function remember() {
  const row = document.activeElement?.closest("main [data-row]");
  place = row ? { id: row.id, index: rows().indexOf(row) } : undefined;
}
document.addEventListener("focusin", remember);

// step moves the focus by so many rows, from the first one that can be seen where none has it. It reports whether there is a list.
export function step(by) {
  const list = rows();
  if (list.length === 0) return false;
  const current = document.activeElement?.closest("main [data-row]");
  const next = current ? list[list.indexOf(current) + by] : (list.find((row) => row.getBoundingClientRect().top >= 0) ?? list[0]);
  linkOf(next)?.focus({ preventScroll: true, focusVisible: true });
  next?.scrollIntoView({ block: "nearest" });
  return true;
}

// activate clicks what matches in the row that has the focus. It reports whether there was something to click.
export function activate(selector) {
  const element = document.activeElement?.closest("main [data-row]")?.querySelector(selector);
  element?.click();
  return Boolean(element);
}

// What stands in the window stays where it is while rows come and go above it.
document.addEventListener("htmx:before:swap", () => {
  const top = rows().find((row) => row.getBoundingClientRect().bottom > 0);
  anchor = top && scrollY > 0 && top.getBoundingClientRect().top < innerHeight ? { list: rows().map(({ id }) => id), id: top.id, top: top.getBoundingClientRect().top } : undefined;
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id !== "main" && !ctx.sourceElement?.matches?.("[data-live]")) return;
  if (place && document.activeElement === document.body && !document.getElementById(place.id)?.contains(document.activeElement)) {
    const list = rows();
    const row = list.find(({ id }) => id === place.id) ?? list[Math.min(place.index, list.length - 1)];
    linkOf(row)?.focus({ preventScroll: true });
  }
  if (!anchor || !ctx.sourceElement?.matches?.("[data-live]")) return;
  const left = anchor.list.slice(anchor.list.indexOf(anchor.id)).map((id) => document.getElementById(id)).find(Boolean);
  if (left) scrollBy({ top: left.getBoundingClientRect().top - anchor.top, behavior: "instant" });
});

// A list that is being searched says that it is not what is asked for yet.
const searched = ({ sourceElement }) => sourceElement?.matches?.("form[data-filter]") && document.getElementById(sourceElement.getAttribute("hx-target")?.slice(1) ?? "");
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (searched(ctx)) searched(ctx).setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (searched(ctx)) searched(ctx).removeAttribute("aria-busy");
});
