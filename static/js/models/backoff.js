/** Exponential back-off with full jitter, so that many pages do not return at the same moment. */
export class Backoff {
  #attempts = 0;
  #base;
  #max;
  #random;

  constructor({ base = 500, max = 30000, random = Math.random } = {}) {
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
