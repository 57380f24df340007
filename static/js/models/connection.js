const SIGNED_OUT = 4401;
const GONE = 4404;
const RESTARTING = 1012;
const RESTART_SPREAD = 5000;
/* A socket that lived this long was a good one: the next failure starts counting anew. */
const HEALTHY = 5000;
/* A handshake that takes longer is as good as lost: a network that swallows everything says nothing. */
const HANDSHAKE = 10000;
/* After every so many failures the page asks over HTTP what is wrong. */
const SUSPICIOUS = 3;

/** Exponential back-off with full jitter, so that many pages do not return at the same moment. */
export class Backoff {
  #attempts = 0;
  #base;
  #max;
  #random;

  constructor({ base = 500, max = 8000, random = Math.random } = {}) {
    this.#base = base;
    this.#max = max;
    this.#random = random;
  }

  get attempts() {
    return this.#attempts;
  }

  /** Milliseconds to wait before the next attempt; `atLeast` widens the first windows (a server that restarts). */
  next(atLeast = 0) {
    const window = Math.min(this.#max, Math.max(atLeast, this.#base * 2 ** this.#attempts));
    this.#attempts += 1;
    return this.#random() * window;
  }

  reset() {
    this.#attempts = 0;
  }
}

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
  #heardAt = 0;

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
    this.#timer = this.timers.setTimeout(() => this.#closed(0), HANDSHAKE);
    socket.onopen = () => {
      this.timers.clearTimeout(this.#timer);
      this.#openedAt = this.#heardAt = this.now();
      this.#enter("open");
    };
    socket.onmessage = (event) => {
      this.#heardAt = this.now();
      this.handlers.frame(JSON.parse(event.data));
    };
    socket.onclose = (event) => this.#closed(event.code);
  }

  /** Milliseconds since the open socket said anything. */
  get silence() {
    return this.now() - this.#heardAt;
  }

  /** False when the frame could not go out; whoever needs it then uses HTTP. */
  send(frame) {
    if (this.state !== "open") return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** The server answers or the page is looked at again: do not wait for the timer. */
  hurry() {
    if (this.state === "waiting") this.connect();
  }

  /** The network is back: what was open may be dead, and earlier failures tell nothing any more. */
  again() {
    this.#failures = 0;
    this.backoff.reset();
    this.connect();
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
    if (this.#failures % SUSPICIOUS === 0) this.handlers.suspicious();
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
