// The bell in the header, and what is read by being opened.
import { toast } from "./toasts.js";

const bell = () => document.querySelector("#bell a");
let newest = Number(bell()?.dataset.newest);
let takeAway;

// What comes while the page is open is said once, in the place of what was said before. The bell counts the rest.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.sourceElement?.id !== "bell") return;
  const link = bell();
  const { headline, open } = link.dataset;
  if (!headline || Number(link.dataset.newest) <= newest) return;
  newest = Number(link.dataset.newest);
  const inbox = document.createElement("a");
  inbox.href = link.href;
  inbox.textContent = open;
  takeAway?.();
  takeAway = toast({ message: [headline + " ", inbox] });
  htmx.process(inbox);
});

// A notification is read when what it leads to is opened, in this tab or another. Looking at a page changes nothing by itself, so that is
// told to the server apart; without scripts there is a button for it.
for (const kind of ["click", "auxclick"]) {
  document.addEventListener(kind, ({ target, button }) => {
    const link = button < 2 && target.closest?.("a[data-read]");
    if (!link) return;
    const form = link.closest("[data-row]").querySelector("form");
    fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), keepalive: true, redirect: "manual" })
      .catch(() => {}); // it stays unread, which says so itself
  });
}
