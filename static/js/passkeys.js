/** Passkeys: before a form with `data-passkey` goes out, the browser makes or uses one, and the form carries it. */

const SENTENCES = {
  NotAllowedError: "No passkey was given. Try again, or choose another way.",
  InvalidStateError: "This device already has a passkey for this account.",
  SecurityError: "Passkeys do not work at this address. Open the site at its usual address.",
};

function made(options) {
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
}

function used(options) {
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

/** What the server wants to know: written into the page, or asked for where the page stands for long. */
async function optionsOf(form) {
  const written = document.getElementById("js_data");
  if (written) return JSON.parse(written.textContent);
  const response = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error("The site did not answer. Try again.");
  return response.json();
}

async function credentialFor(form) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
    throw new Error("Passkeys are not available here. They need an up-to-date browser and a secure (https) address.");
  }
  const { creation_options: creation, request_options: request } = await optionsOf(form);
  if (!creation) return used(request.publicKey);
  const alone = form.elements.passwordless.checked;
  const selection = { ...creation.publicKey.authenticatorSelection };
  selection.residentKey = alone ? "required" : "discouraged";
  selection.requireResidentKey = alone;
  if (alone) selection.userVerification = "required";
  return made({ ...creation.publicKey, authenticatorSelection: selection });
}

async function submit(form) {
  const problem = form.querySelector("[data-problem]");
  problem.textContent = "";
  form.setAttribute("aria-busy", "true");
  try {
    const credential = await credentialFor(form);
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch (error) {
    problem.textContent = SENTENCES[error.name] ?? error.message;
  } finally {
    form.removeAttribute("aria-busy");
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.hasAttribute("aria-busy")) submit(form);
  });
}
