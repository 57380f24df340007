import { getHTML } from "./lib/http.js";
import { urls } from "./lib/page.js";

const EVENTS = [
  "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
  "block_html", "generation_status",
];
/* Silence of the socket while an answer runs: the network may be gone without having said so. */
const SUSPICIOUS_SILENCE = 25000;
const WATCH_EVERY = 5000;
/*
 * The watch comes later than this only when the machine has slept or the page was frozen: the server may have given the
 * socket up meanwhile without reaching anybody. A hidden page's timers run once a minute.
 */
const SLEPT = 150000;

/**
 * What helps where the websocket does not: one that is silent is opened anew, and where sockets fail again and again,
 * answers are followed by Server-Sent Events; sends are HTTP anyway. Fetched by the session while the network is well.
 */
export class Fallback {
  #streams = new Map();
  #isCutOff = false;
  #watchedAt = Date.now();

  /** `frame` hears every event, as from the socket; `answers` tells which ones run and how far they are. */
  constructor({ connection, bar, answers, frame }) {
    this.connection = connection;
    this.bar = bar;
    this.answers = answers;
    this.frame = frame;
    setInterval(() => this.#watch(), WATCH_EVERY);
  }

  /** No socket comes through: until one does, every running answer is followed without; if HTTP does, the page says so. */
  async takeOver() {
    const isReached = await getHTML(`${urls.list}?archived=0`).then(() => true, () => false);
    // Two streams at once would double text: each joins neighbouring deltas at places of its own.
    if (this.connection.state === "open") return;
    this.bar.reached(isReached);
    if (isReached) document.dispatchEvent(new Event("chatsite:reconnected"));
    this.#isCutOff = true;
    for (const { generation } of this.answers.running) this.follow(generation);
  }

  /** An answer has begun. */
  follow(generation) {
    if (!this.#isCutOff || this.#streams.has(generation)) return;
    const stream = new EventSource(urls.events(generation, this.answers.seq(generation)));
    this.#streams.set(generation, stream);
    // The server can be reached again.
    stream.addEventListener("open", () => this.connection.hurry());
    // It comes back by itself after a broken connection, but not after a refusal: then the next `follow` may.
    stream.addEventListener("error", () => stream.readyState === EventSource.CLOSED && this.#leave(generation));
    for (const name of EVENTS) {
      stream.addEventListener(name, (event) => {
        this.frame(JSON.parse(event.data));
        if (name === "message_stop") this.#leave(generation);
      });
    }
  }

  /** A socket is open, or nothing more will come. */
  end() {
    this.#isCutOff = false;
    for (const generation of [...this.#streams.keys()]) this.#leave(generation);
  }

  #leave(generation) {
    this.#streams.get(generation)?.close();
    this.#streams.delete(generation);
  }

  #watch() {
    const { connection } = this;
    const slept = Date.now() - this.#watchedAt > SLEPT;
    this.#watchedAt = Date.now();
    if (!slept && !this.answers.running.length) return;
    if (connection.state === "open" && connection.silence > SUSPICIOUS_SILENCE) connection.connect();
  }
}
