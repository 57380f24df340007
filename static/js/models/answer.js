import { ContentBlock } from "./content-block.js";

const ACK_EVERY = 64;

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
