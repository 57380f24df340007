const ACK_EVERY = 64;
/* Provisional HTML beyond this length is not drawn again and again: its text goes on as plain text. */
const TOO_LONG_TO_REDRAW = 16 * 1024;

/**
 * A running answer as the frames tell it: the cursor, and a small state machine of content blocks.
 * Views read it; it knows neither the page nor the socket.
 */
export class Answer {
  seq = 0;
  /** Counts the times everything was dropped, so that views know when to begin again. */
  version = 0;
  blocks = new Map();
  /** The message_stop frame once it has come. */
  end = null;
  #unacked = 0;
  #gap = null;

  constructor(generation, message) {
    this.generation = generation;
    this.message = message;
  }

  get isDone() {
    return this.end !== null;
  }

  get hasContent() {
    for (const block of this.blocks.values()) if (block.text || block.type === "tool_use") return true;
    return false;
  }

  /** Applies one frame. Returns "applied", "ignored", "gap" (ask to resume after `seq`) or "done". */
  apply(frame) {
    this.#unacked += 1;
    if (frame.type === "block_html") return this.#render(frame);
    if (frame.type === "message_start") return this.#restart(frame);
    if (frame.seq <= this.seq || this.isDone) return "ignored";
    if (this.#misses(frame)) return "gap";
    this.seq = frame.seq;
    this.#gap = null;
    return this.#advance(frame);
  }

  /** The seq to acknowledge now, or null. */
  takeAck() {
    if (this.#unacked < ACK_EVERY && !this.isDone) return null;
    this.#unacked = 0;
    return this.seq;
  }

  #restart(frame) {
    this.seq = frame.seq;
    this.version += 1;
    this.blocks = new Map();
    this.end = null;
    this.#gap = null;
    return "applied";
  }

  /* Merged deltas carry the number of the last one, so a jump means nothing there. A hole is believed
     once: when resuming brings the same frame again, nothing was missing. */
  #misses(frame) {
    const known = frame.type === "content_block_delta" ? this.blocks.has(frame.index) : frame.seq === this.seq + 1;
    if (known || this.#gap === this.seq || frame.type === "message_stop") return false;
    this.#gap = this.seq;
    return true;
  }

  #advance(frame) {
    const block = this.blocks.get(frame.index);
    switch (frame.type) {
      case "content_block_start":
        this.blocks.set(frame.index, new ContentBlock(frame.index, frame.content_block));
        return "applied";
      case "content_block_delta":
        block?.add(frame.delta);
        return "applied";
      case "content_block_stop":
        if (block) {
          block.open = false;
          block.seconds = frame.seconds;
        }
        return "applied";
      case "message_stop":
        this.end = frame;
        for (const one of this.blocks.values()) one.open = false;
        return "done";
      default:
        return "ignored";
    }
  }

  #render(frame) {
    const block = this.blocks.get(frame.index);
    return block?.render(frame) ? "applied" : "ignored";
  }
}

/** One content block of a running answer: its raw text and what the server has rendered of it so far. */
class ContentBlock {
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
