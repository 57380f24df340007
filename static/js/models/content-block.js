/* Provisional HTML beyond this length is not drawn again and again: its text goes on as plain text. */
const TOO_LONG_TO_REDRAW = 16 * 1024;

/** One content block of a running answer: its raw text and what the server has rendered of it so far. */
export class ContentBlock {
  constructor(index, content = {}) {
    this.index = index;
    this.type = content.type ?? "unknown";
    this.name = content.name ?? "";
    this.text = content.text ?? content.thinking ?? "";
    this.open = true;
    /** HTML of the Markdown blocks that have closed. */
    this.closed = [];
    /** Provisional HTML of the one that is still open. */
    this.provisional = "";
    /** UTF-16 units of `text` that the HTML covers. */
    this.covered = 0;
    /** Lowest number of a closed Markdown block that a view has not drawn yet; Infinity: none. */
    this.changedFrom = Infinity;
  }

  add(delta) {
    if (delta.type === "text_delta") this.text += delta.text;
    else if (delta.type === "thinking_delta") this.text += delta.thinking;
    else if (delta.type === "input_json_delta") this.text += delta.partial_json;
  }

  /**
   * A block_html frame. One that builds on blocks we never got is left out: the text stays visible without it.
   * So is one that covers less than what is shown: after resuming, the server sends all of them again.
   */
  render({ start, html, open, length }) {
    if (start > this.closed.length || length < this.covered) return false;
    const grew = html.length > 0 || start < this.closed.length;
    if (!grew && this.provisional && open.length > TOO_LONG_TO_REDRAW) return true;
    this.closed.length = start;
    for (const one of html) this.closed.push(one);
    this.provisional = open;
    this.covered = length;
    this.changedFrom = Math.min(this.changedFrom, start);
    return true;
  }
}
