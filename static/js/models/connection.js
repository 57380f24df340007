import { Backoff } from "./backoff.js";

const SIGNED_OUT = 4401;
const GONE = 4404;
const RESTARTING = 1012;
const RESTART_SPREAD = 5000;
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

  constructor({ url, socket, timers, handlers, backoff = new Backoff() }) {
    this.url = url;
    this.makeSocket = socket;
    this.timers = timers;
    this.handlers = handlers;
    this.backoff = backoff;
  }

  connect() {
    this.#drop();
    this.#enter("connecting");
    const socket = this.makeSocket(this.url);
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#receive(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#closed(event.code);
    };
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

  #receive(frame) {
    if (this.state !== "open") {
      this.#failures = 0;
      this.backoff.reset();
      this.#enter("open");
    }
    this.handlers.frame(frame);
  }

  #closed(code) {
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
