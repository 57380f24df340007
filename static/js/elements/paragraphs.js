import { MarkdownTail } from "../models/markdown-tail.js";

/** Draws growing plain text at the end of a host: only ever appends to the last text node. */
export class Paragraphs {
  #host;
  #tail;
  #node = null;
  #element = null;
  #elements = [];

  /** `inside`: an element whose text goes on; otherwise paragraphs are added to `host`. */
  constructor(host, inside = null) {
    this.#host = host;
    this.#tail = new MarkdownTail({ continues: inside !== null });
    this.#begin(inside ?? host, inside ? "span" : "p");
  }

  get last() {
    return this.#element;
  }

  append(text) {
    for (const step of this.#tail.push(text)) {
      if (step === null) this.#begin(this.#host, "p");
      else this.#node.appendData(step);
    }
  }

  remove() {
    for (const element of this.#elements) element.remove();
  }

  #begin(parent, name) {
    this.#element = document.createElement(name);
    this.#element.className = "tail";
    this.#node = document.createTextNode("");
    this.#element.append(this.#node);
    this.#elements.push(this.#element);
    parent.append(this.#element);
  }
}

/** Text inside code goes on as it is: line ends matter there, and lines are short. */
export class CodeTail {
  #element = document.createElement("span");
  #node = document.createTextNode("");

  constructor(code) {
    this.#element.className = "tail";
    this.#element.append(this.#node);
    code.append(this.#element);
  }

  get last() {
    return this.#element;
  }

  append(text) {
    this.#node.appendData(text);
  }

  remove() {
    this.#element.remove();
  }
}
