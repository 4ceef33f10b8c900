// Forms.

// Fields that do not narrow a search stay out of its address.
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (!ctx.sourceElement.matches("form[data-filter]")) return;
  const { body } = ctx.request;
  for (const [name, value] of [...body]) if (value === "") body.delete(name);
});

// A form that has done its work and is still there is emptied for the next time, and ready for it.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const form = ctx.sourceElement;
  if (!form?.matches?.("form[method=post]") || !form.isConnected || !ctx.response?.raw.redirected) return;
  form.reset();
  form.querySelector("textarea, input:not([type=hidden])")?.focus({ preventScroll: true });
});

// Enter sends what was typed; with Shift it begins a new line.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  if (!event.target.matches("[data-submit-on-enter]")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

// The header outlives navigation, so its forms learn only now where to return to.
document.addEventListener("submit", ({ target }) => {
  if (target.matches("[data-preferences]")) target.elements.return_to.value = location.pathname + location.search;
});
