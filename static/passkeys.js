// Passkeys. Forms that need one stay hidden where the browser has none; without JavaScript they stay hidden too.

const supported = typeof window.PublicKeyCredential?.parseRequestOptionsFromJSON === "function";

// answer is what the passkey signs for a form, or nothing when the server has other reasons: then the form, sent without it, is
// answered with the page that says so.
async function answer(form) {
  const asked = await fetch(form.dataset.options, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!asked.ok) return "";
  const { publicKey } = await asked.json();
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
  return JSON.stringify(credential);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-passkey]")) return;
  event.preventDefault();
  const button = form.querySelector("button"), said = form.querySelector("[role=alert]");
  button.disabled = true;
  said.hidden = true;
  try {
    form.elements.passkey.value = await answer(form);
    form.submit();
  } catch (error) {
    // The person has changed their mind, or has no passkey here.
    said.textContent = (error.name === "InvalidStateError" && said.dataset.passkeyKnown) || said.dataset.passkeyFailed;
    said.hidden = false;
  } finally {
    button.disabled = false;
  }
});

for (const form of document.querySelectorAll("form[data-passkey]")) form.hidden = !supported;
for (const note of document.querySelectorAll("[data-passkey-unsupported]")) note.hidden = supported;
