/** Draws a tool call: one line with its name and state, its input behind it. */
export class ToolView {
  #block;
  #element;

  constructor(block, element) {
    this.#block = block;
    this.#element = element;
    element.querySelector(".tool__name").textContent = block.name;
  }

  flush() {
    const { text, open } = this.#block;
    this.#element.querySelector(".tool__state").textContent = open ? "preparing" : "called";
    if (!open) this.#element.querySelector(".tool__input").textContent = pretty(text);
    return false;
  }

  settle() {}

  get caretHost() {
    return null;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text || "{}"), null, 2);
  } catch {
    return text;
  }
}
