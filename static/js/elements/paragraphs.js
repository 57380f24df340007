import { MarkdownTail } from "../models/markdown-tail.js";
import { CHUNK_LINES } from "./lighten.js";

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

/** Text inside code goes on as it is; after so many lines in a chunk of its own, so that the rest stays laid out. */
export class CodeTail {
  #code;
  #elements = [];
  #node = null;
  #lines = 0;

  constructor(code) {
    this.#code = code;
    this.#begin("tail");
  }

  get last() {
    return this.#elements.at(-1);
  }

  append(text) {
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      this.#lines += 1;
      if (this.#lines < CHUNK_LINES) continue;
      this.#node.appendData(text.slice(from, at + 1));
      from = at + 1;
      this.#begin("tail chunk");
    }
    this.#node.appendData(text.slice(from));
  }

  remove() {
    for (const element of this.#elements) element.remove();
  }

  #begin(name) {
    const element = document.createElement("span");
    element.className = name;
    this.#node = document.createTextNode("");
    element.append(this.#node);
    this.#elements.push(element);
    this.#code.append(element);
    this.#lines = 0;
  }
}
