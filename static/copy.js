// Buttons that copy an address: that of the element's data-copy, in full. Where the browser lets no page copy, they are not there.
import { failure, toast } from "./toasts.js";

document.documentElement.toggleAttribute("data-copies", Boolean(navigator.clipboard));

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(new URL(button.dataset.copy, location.href).href);
    toast({ message: [button.dataset.copied] });
  } catch {
    failure("uncopied");
  }
});
