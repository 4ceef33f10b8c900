// Short messages at the foot of the window. Their words come from the server, in the viewer's language.

const region = document.getElementById("toasts");
const patience = 10_000;

// The page that is being left cancels its requests, which is no reason to worry anybody.
let leaving = false;
addEventListener("pagehide", () => { leaving = true; });
addEventListener("pageshow", () => { leaving = false; });

// toast shows a message. An error is announced at once and stays until it is dismissed; anything else goes away by itself,
// though not while somebody is on it. The message may hold nodes, such as a link; action is a button to offer beside it. What is
// returned takes the message away.
export function toast({ message, error = false, action }) {
  const box = region.querySelector("template").content.firstElementChild.cloneNode(true);
  box.querySelector("p").append(...message);
  const close = () => box.remove();
  box.querySelector("[data-dismiss]").addEventListener("click", close);
  if (action) {
    const button = document.createElement("button");
    button.className = "toast-action";
    button.textContent = action.label;
    button.addEventListener("click", () => { close(); action.run(); });
    box.querySelector("[data-dismiss]").before(button);
  }
  if (!error) {
    const later = () => setTimeout(() => box.matches(":hover, :focus-within") ? later() : close(), patience);
    later();
  }
  region.querySelector(error ? "[role=alert]" : "[role=status]").append(box);
  return close;
}

// failure says that a request came to nothing, and offers to send it again.
export function failure(words, ctx) {
  if (leaving) return;
  region.querySelector("[role=alert]").replaceChildren();
  toast({ message: [region.dataset[words]], error: true, action: ctx && { label: region.dataset.retry, run: () => again(ctx) } });
}

// again does once more what led to a request. Forms carry an idempotency key, so that this is safe even when the server has
// got the first one.
function again({ sourceElement: element, sourceEvent: event, request }) {
  if (!event.type) location.reload(); // the way back in the history
  else if (element.matches("form")) element.requestSubmit(request.submitter?.isConnected ? request.submitter : null);
  else element.click();
}
