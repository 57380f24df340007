import { Paragraphs } from "./paragraphs.js";

const LINE_EVERY = 250;

/** Draws a thinking block: one quiet line with the last line of the summary, all of it behind it. */
export class ThinkingView {
  #block;
  #element;
  #label;
  #line;
  #text;
  #shown = 0;
  #lineAt = 0;

  constructor(block, element) {
    this.#block = block;
    this.#element = element;
    this.#label = element.querySelector(".thinking__label");
    this.#line = element.querySelector(".thinking__line");
    const body = element.querySelector(".thinking__text");
    body.replaceChildren();
    this.#text = new Paragraphs(body);
    this.#label.textContent = "Thinking";
  }

  flush() {
    const { text, open } = this.#block;
    if (text.length > this.#shown) {
      this.#text.append(text.slice(this.#shown));
      this.#shown = text.length;
    }
    if (open) return this.#showLine(text);
    this.#finish();
  }

  /* Returns true where it is too early for the newest line. */
  #showLine(text) {
    const now = performance.now();
    if (now - this.#lineAt < LINE_EVERY) return true;
    this.#lineAt = now;
    const end = text.trimEnd();
    this.#line.textContent = end.slice(Math.max(end.lastIndexOf("\n") + 1, end.length - 160));
  }

  #finish() {
    const { seconds, text } = this.#block;
    this.#label.textContent = seconds ? `Thought for ${duration(seconds)}` : "Thought";
    this.#line.textContent = "";
    if (!text) this.#element.querySelector(".thinking__text").textContent = "The provider does not show this thinking.";
  }
}

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
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text || "{}"), null, 2);
  } catch {
    return text;
  }
}

/* Seconds as the server writes them: `0.8 s`, `12 s`, `2 min 5 s`. */
function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
