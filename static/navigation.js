// Moving between pages without loading them anew: htmx exchanges #main, and this sees to what a load would have done besides.
import { failure, toast } from "./toasts.js";

const main = document.getElementById("main");
const isMain = (ctx) => ctx.target === main || ctx.target?.id === "main";
let path = location.pathname;

// The menu item that the page belongs to is the longest whose address the page's lies under.
function markCurrent() {
  const links = [...document.querySelectorAll("#menu a")];
  const slashed = (pathname) => pathname.replace(/\/?$/, "/");
  const current = links
    .filter((link) => slashed(location.pathname).startsWith(slashed(link.pathname)))
    .sort((a, b) => b.pathname.length - a.pathname.length)[0];
  for (const link of links) {
    if (link === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

// What a request has done is said in a toast, which is announced and is seen wherever the page is scrolled to. Errors stay
// in their place.
function showFlash() {
  for (const flash of main.querySelectorAll("[data-flash]:not([data-flash=error])")) {
    flash.remove();
    toast({ message: [...flash.querySelector("p").childNodes] });
  }
}

// On a new page reading starts at its heading. On the same page the focus stays where it was, as long as that is still there.
function moveFocus() {
  const moved = location.pathname !== path;
  path = location.pathname;
  if (main.querySelector("[autofocus]")) return;
  if (moved || document.activeElement === document.body) main.querySelector("h1")?.focus({ preventScroll: true });
}

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!isMain(ctx)) return;
  for (const filter of main.querySelectorAll("form[data-filter]:not(:focus-within)")) filter.reset();
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  document.querySelector("details.personal")?.removeAttribute("open");
  markCurrent();
  moveFocus();
  showFlash();
});

// A form that is answered at once, without being sent on to another page, leaves the address as it was: the address it was
// sent to may not be one that can be looked at.
document.addEventListener("htmx:before:history:update", (event) => {
  const { sourceElement, response } = event.detail;
  if (sourceElement?.method === "post" && response?.raw && !response.raw.redirected) event.preventDefault();
});

// A form that was not taken because the server could not, or not yet, stays as it is with what was typed, to be sent again.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  const status = ctx.response?.status;
  if (!ctx.request || ctx.request.method === "GET" || !(status === 429 || status >= 500)) return;
  event.preventDefault();
  failure(status === 429 ? "busy" : "server", ctx);
});

// An answer without the part that was to be shown is not one of these pages: a proxy's error, say, or a page with a layout of
// its own. What was asked for with GET is loaded as it is; the rest is a failure.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  if (event.defaultPrevented) return;
  const task = tasks.find(({ type }) => type === "main");
  if (!ctx.select || !task || task.fragment.childElementCount > 0) return;
  event.preventDefault();
  if (ctx.request.method === "GET") location.assign(ctx.response.raw.url);
  else failure("server", ctx);
});

showFlash();
