const LONG_TEXT = 2000;
const MANY_LINES = 24;

/**
 * Long code blocks and long pasted turns begin folded, with a button that shows all. Only for messages that
 * come whole: what streams in front of the reader never folds by itself.
 */
export function fold(root) {
  for (const figure of root.querySelectorAll(".code--long:not(.code--folded)")) {
    figure.classList.add("code--folded");
    const lines = figure.querySelector("code").textContent.split("\n").length;
    figure.append(button("code__more", `Show all ${lines} lines`));
  }
  for (const text of root.querySelectorAll(".message__text")) foldTurn(text);
}

export function foldTurn(text) {
  const content = text.textContent;
  if (content.length < LONG_TEXT && content.split("\n").length < MANY_LINES) return;
  text.classList.add("message__text--folded");
  text.after(button("message__unfold", "Show all"));
}

function button(name, label) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = name;
  element.dataset.act = "unfold";
  element.textContent = label;
  return element;
}

export function unfold(element) {
  const folded = element.closest(".code--folded");
  folded?.classList.remove("code--folded");
  const target = folded?.querySelector("pre") ?? element.previousElementSibling;
  target.classList.remove("message__text--folded");
  element.remove();
  if (folded) target.focus({ preventScroll: true });
}
