// Buttons that copy a reference, and say so.
import { toast } from "./toasts.js";

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast({ message: [button.dataset.copied] });
  } catch {
    // Without a clipboard, as over plain HTTP from another machine, the id is chosen, to be copied by hand.
    getSelection().selectAllChildren(button.previousElementSibling);
  }
});
