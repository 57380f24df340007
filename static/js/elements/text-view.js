import { nodesOf } from "../lib/html.js";
import { lighten } from "./long-content.js";
import { CodeTail, Paragraphs } from "./paragraphs.js";

/* HTML drawn in one animation frame; a long answer that arrives all at once takes several. */
const PER_FRAME = 48 * 1024;
/* HTML below this length holds nothing that would be too long to lay out. */
const LONG = 12000;

/** Draws a text block: rendered Markdown as far as it goes, plain text after it. */
export class TextView {
  #block;
  #element;
  #before;
  #joined;
  /* Nodes of each closed Markdown block, then those of the open one. */
  #closed = [];
  #provisional = [];
  #tail = null;
  #shown = 0;

  constructor(block, element, before) {
    this.#block = block;
    this.#element = element;
    this.#before = before;
    element.replaceChildren();
  }

  /** Draws what is new. Returns true when there is more to draw in the next frame. */
  flush() {
    const block = this.#block;
    if (this.#before && block.text) this.#join();
    const end = this.#joined?.lastElementChild?.previousSibling;
    if (end?.data === "\n") end.remove();
    const changed = block.changedFrom !== Infinity;
    if (changed && this.#drawHTML()) return true;
    if (changed || !this.#tail) this.#newTail();
    if (block.text.length > this.#shown) {
      this.#tail.append(block.text.slice(this.#shown));
      this.#shown = block.text.length;
    }
    return false;
  }

  get caretHost() {
    return this.#tail?.last;
  }

  /** Nothing provisional or plain is left: what is shown is what the server will render. */
  settle() {
    this.#tail?.remove();
    this.#tail = null;
  }

  /* A text split for its sources stays one paragraph, without white space between its parts. */
  #join() {
    const { type, text } = this.#before;
    const seam = text.slice(-1) + this.#block.text[0];
    this.#before = null;
    if (type !== "text" || seam.includes("\n")) return;
    this.#element.classList.add("prose--joined");
    this.#joined = this.#element.previousElementSibling;
    this.#joined?.classList.add("prose--continued");
    this.#element.parentElement.classList.add("message__blocks--joined");
    if (/\s/.test(seam)) this.#element.prepend(" ");
  }

  #drawHTML() {
    const block = this.#block;
    this.settle();
    this.#remove(this.#provisional);
    this.#provisional = [];
    while (this.#closed.length > block.changedFrom) this.#remove(this.#closed.pop());
    let budget = PER_FRAME;
    while (this.#closed.length < block.closed.length) {
      const html = block.closed[this.#closed.length];
      this.#closed.push(this.#insert(html));
      budget -= html.length;
      if (budget < 0 && this.#closed.length < block.closed.length) {
        block.changedFrom = this.#closed.length;
        return true;
      }
    }
    block.changedFrom = Infinity;
    if (block.provisional) this.#provisional = this.#insert(block.provisional);
    return false;
  }

  #insert(html) {
    const fragment = html.length > LONG ? lighten(nodesOf(html)) : nodesOf(html);
    const nodes = [...fragment.childNodes];
    this.#element.append(fragment);
    return nodes;
  }

  #remove(nodes) {
    for (const node of nodes) node.remove();
  }

  #newTail() {
    this.#tail?.remove();
    const block = this.#block;
    this.#shown = Math.min(block.covered, block.text.length);
    const inside = block.provisional ? hostOf(this.#element.lastElementChild) : null;
    if (inside?.matches("pre > code")) this.#tail = new CodeTail(inside, this.#element, block.text[this.#shown - 1] ?? "\n");
    else this.#tail = new Paragraphs(this.#element, inside ? openEmphasis(inside) : {});
  }
}

/* The innermost element where the text of an open Markdown block goes on; null: after it. */
function hostOf(element) {
  if (!element) return null;
  if (element.matches("p, h1, h2, h3, h4, h5, h6")) return element;
  if (element.matches("figure, pre")) return element.querySelector("code");
  if (element.matches("ul, ol, blockquote")) return hostOf(element.lastElementChild);
  if (element.matches("li")) return hostOf(element.lastElementChild) ?? element;
  return null;
}

/*
 * Emphasis that has not ended yet is still plain marks in the provisional HTML: from its opening mark on, the text
 * is shown as what it will be. Returns where the text goes on, and the mark that will end it.
 */
function openEmphasis(host) {
  const text = host.lastChild;
  const found = text?.nodeType === Node.TEXT_NODE && /(\*\*|`)(?=[^\s*`])[^*`]*\n?$/.exec(text.data);
  if (!found) return { inside: host };
  const element = document.createElement(found[1] === "`" ? "code" : "strong");
  const rest = text.splitText(found.index);
  rest.deleteData(0, found[1].length);
  rest.replaceWith(element);
  element.append(rest);
  return { inside: element, mark: found[1] };
}
