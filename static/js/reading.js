import { post } from "./lib/http.js";
import { page, urls } from "./lib/page.js";

const SEEN_AFTER = 1200;

/** Tells the server that what happened in the open conversation has been seen, while somebody can see it. */
export class Reading {
  #unread = page.unread;
  #timer = null;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#soon());
    this.#soon();
  }

  news() {
    this.#unread = true;
    this.#soon();
  }

  #soon() {
    if (!this.#unread || document.hidden || !page.conversation) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), SEEN_AFTER);
  }

  async #tell() {
    if (document.hidden) return;
    this.#unread = false;
    try {
      await post(urls.act("read"));
    } catch {
      // The next news tells again.
      this.#unread = true;
    }
  }
}
