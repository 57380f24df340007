import { MarkdownTail } from "../models/markdown-tail.js";
import { CHUNK_LINES } from "./long-content.js";

/** Draws text that is not rendered yet at the end of a host: only ever appends to the last text node. */
export class Paragraphs {
  #host;
  #tail;
  #node = null;
  #element = null;
  #elements = [];

  /** `inside`: an element whose text goes on, `mark` its open emphasis; otherwise paragraphs are added to `host`. */
  constructor(host, { inside = null, mark = null } = {}) {
    this.#host = host;
    this.#tail = new MarkdownTail({ continues: inside !== null, mark });
    this.#begin(inside ?? host, inside ? "span" : "p");
  }

  get last() {
    return this.#element;
  }

  append(text) {
    for (const step of this.#tail.push(text)) {
      if (step === null) this.#begin(this.#host, "p");
      else if (typeof step === "string") this.#node.appendData(step);
      else if (step.kind) this.#element.classList.add(`tail--${step.kind}`);
      else if (step.open) this.#write(step.open);
      else this.#write(null);
    }
  }

  remove() {
    for (const element of this.#elements) element.remove();
  }

  #begin(parent, name) {
    this.#element = document.createElement(name);
    this.#element.className = "tail";
    this.#elements.push(this.#element);
    this.#write(null);
    parent.append(this.#element);
  }

  /* What follows goes into emphasis of its own, or plainly on. */
  #write(emphasis) {
    this.#node = document.createTextNode("");
    const place = emphasis ? document.createElement(emphasis) : this.#node;
    if (emphasis) place.append(this.#node);
    this.#element.append(place);
  }
}

/* The line that closes code, or what may become it. */
const FENCE = /\n[ \t]*(?:`+[ \t]*$|`{3,}[ \t]*\n(?<rest>[^]*))/;

/**
 * Text inside code goes on as it is, up to the fence that closes it; after so many lines in a chunk of its own, so that
 * the rest stays laid out. What follows the code is drawn at the end of `host`. `before`: the character in front.
 */
export class CodeTail {
  /* The last character that was drawn, and what waits after it. */
  #before;
  #held = "";
  #code;
  #host;
  #after = null;
  #elements = [];
  #node = null;
  #lines = 0;

  constructor(code, host, before) {
    this.#before = before;
    this.#code = code;
    this.#host = host;
    this.#begin("tail");
  }

  get last() {
    return this.#after?.last ?? this.#elements.at(-1);
  }

  append(text) {
    if (this.#after) return this.#after.append(text);
    const all = this.#before + this.#held + text;
    const fence = FENCE.exec(all);
    const end = Math.max(fence?.index ?? all.length, 1);
    this.#before = all[end - 1];
    this.#held = all.slice(end);
    this.#draw(all.slice(1, end));
    const rest = fence?.groups.rest;
    if (rest === undefined) return;
    this.#after = new Paragraphs(this.#host);
    this.#after.append(rest);
  }

  #draw(text) {
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
    this.#after?.remove();
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
