import { copy } from "./lib/clipboard.js";

/* A link that is shown once: one press takes it along. */
for (const button of document.querySelectorAll("[data-copy]")) {
  const field = button.previousElementSibling;
  button.hidden = false;
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    button.textContent = (await copy(field.value)) ? "Copied" : "Not allowed here";
  });
}
