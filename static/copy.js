// Buttons that copy what their data-copy says: a reference as it is, an address in full. Where the browser lets no page copy, they are not there.
import { failure, toast } from "./toasts.js";

document.documentElement.toggleAttribute("data-copies", Boolean(navigator.clipboard));

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  try {
    const text = button.dataset.copy;
    await navigator.clipboard.writeText(text.startsWith("/") ? new URL(text, location.href).href : text);
    toast({ message: [button.dataset.copied] });
  } catch {
    failure("uncopied");
  }
});
