import { announce } from "./lib/page.js";
import { confirmOn, copy } from "./lib/clipboard.js";

/** A pressed button over a code block: wrap its lines, or copy it. */
export async function actOn(button) {
  const figure = button.closest(".code");
  if (button.matches(".code__wrap")) button.setAttribute("aria-pressed", String(figure.classList.toggle("code--wrapped")));
  else if (await copyCode(figure)) confirm(button);
}

/** Copies the last code block on the page. */
export async function copyLastCode(root) {
  const figure = [...root.querySelectorAll(".code")].at(-1);
  if (figure) await copyCode(figure);
  else announce("There is no code here.");
}

async function copyCode(figure) {
  const done = await copy(figure.querySelector("code").textContent);
  announce(done ? "Code copied." : "The browser did not allow copying.");
  return done;
}

function confirm(button) {
  if (button.querySelector("use")) {
    confirmOn(button);
    return;
  }
  const before = button.textContent;
  if (before === "Copied") return;
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = before;
  }, 1600);
}
