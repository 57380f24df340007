import { Backoff } from "./backoff.js";

const SIGNED_OUT = 4401;
const GONE = 4404;
const RESTARTING = 1012;
const RESTART_SPREAD = 5000;
/* A socket that lived this long was a good one: the next failure starts counting anew. */
const HEALTHY = 5000;
/* A page whose socket never once opened in this many tries asks over HTTP what is wrong. */
const SUSPICIOUS = 3;

/**
 * One websocket that comes back: connecting → open → waiting → connecting …, or closed for good.
 * `socket` makes a WebSocket; `timers` are setTimeout and clearTimeout; both are given, so that Node can test this.
 * Handlers: frame(frame), state(state), signedOut(), gone(), suspicious().
 */
export class Connection {
  state = "closed";
  #socket = null;
  #timer = null;
  #failures = 0;
  #openedAt = 0;

  constructor({ url, socket, timers, handlers, backoff = new Backoff(), now = () => Date.now() }) {
    this.url = url;
    this.makeSocket = socket;
    this.timers = timers;
    this.handlers = handlers;
    this.backoff = backoff;
    this.now = now;
  }

  connect() {
    this.#drop();
    this.#enter("connecting");
    const socket = this.makeSocket(this.url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#openedAt = this.now();
      this.#enter("open");
    };
    socket.onmessage = (event) => this.handlers.frame(JSON.parse(event.data));
    socket.onclose = (event) => this.#closed(event.code);
  }

  /** False when the frame could not go out; whoever needs it then uses HTTP. */
  send(frame) {
    if (this.state !== "open") return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** The network is back or the page is looked at again: do not wait for the timer. */
  hurry() {
    if (this.state === "waiting") this.connect();
  }

  close() {
    this.#drop();
    this.#enter("closed");
  }

  #closed(code) {
    if (this.state === "open" && this.now() - this.#openedAt > HEALTHY) {
      this.#failures = 0;
      this.backoff.reset();
    }
    this.#drop();
    if (code === SIGNED_OUT || code === GONE) {
      this.#enter("closed");
      if (code === GONE) this.handlers.gone();
      else this.handlers.signedOut();
      return;
    }
    this.#failures += 1;
    this.#enter("waiting");
    if (this.#failures === SUSPICIOUS) this.handlers.suspicious();
    if (this.state !== "waiting") return;
    const delay = this.backoff.next(code === RESTARTING ? RESTART_SPREAD : 0);
    this.#timer = this.timers.setTimeout(() => this.connect(), delay);
  }

  #drop() {
    this.timers.clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.handlers.state(state);
  }
}
