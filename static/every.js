// Parts of a page that nobody tells of changes look again by themselves: every data-every seconds, while somebody looks at them.
// Not while something in them is chosen or typed, which a new copy would take away.
const looked = new WeakMap();

function look() {
  if (document.hidden) return;
  const now = performance.now();
  for (const element of document.querySelectorAll("[data-every]:not([data-every='0'])")) {
    if (!looked.has(element)) looked.set(element, now);
    if (now - looked.get(element) < element.dataset.every * 1000 || !document.getSelection().isCollapsed) continue;
    looked.set(element, now);
    htmx.trigger(element, "live", {}, false);
  }
}

setInterval(look, 500);
