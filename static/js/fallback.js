import { urls } from "./lib/page.js";

const EVENTS = [
  "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
  "block_html", "generation_status",
];

/** Follows answers by Server-Sent Events where websockets do not get through; sends are HTTP anyway. */
export class Fallback {
  #streams = new Map();

  /** `reached`: a stream has opened, so the server can be reached. */
  constructor({ frame, seq, reached }) {
    this.frame = frame;
    this.seq = seq;
    this.reached = reached;
  }

  follow(generation) {
    if (this.#streams.has(generation)) return;
    const stream = new EventSource(urls.events(generation, this.seq(generation)));
    this.#streams.set(generation, stream);
    stream.addEventListener("open", () => this.reached());
    // It comes back by itself after a broken connection, but not after a refusal: then the next `follow` may.
    stream.addEventListener("error", () => stream.readyState === EventSource.CLOSED && this.leave(generation));
    for (const name of EVENTS) {
      stream.addEventListener(name, (event) => {
        this.frame(JSON.parse(event.data));
        if (name === "message_stop") this.leave(generation);
      });
    }
  }

  leave(generation) {
    this.#streams.get(generation)?.close();
    this.#streams.delete(generation);
  }

  leaveAll() {
    for (const generation of [...this.#streams.keys()]) this.leave(generation);
  }
}
