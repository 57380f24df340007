import { Follow } from "../models/follow.js";
import { reconcile } from "./reconcile.js";
import { fold } from "./long-content.js";

/**
 * <chat-transcript>: the messages, the reader's place in them, and one animation frame for all that is drawn.
 * Events: "earlier" (the reader comes near the beginning), "drawn" (detail: view) when an answer is fully drawn.
 */
export class ChatTranscript extends HTMLElement {
  #follow = new Follow();
  #dirty = new Set();
  #scheduled = false;
  #looks = 0;
  #listeners = null;
  #box = null;
  /* How far above its end somebody has scrolled before the script came: until then it scrolls from the end upwards. */
  #above = -this.scrollTop;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    this.#box = this.querySelector("#messages");
    this.addEventListener("scroll", () => this.#scrolled(), { passive: true, signal });
    this.addEventListener("wheel", (event) => event.deltaY < 0 && this.scrollTop > 0 && this.#follow.leave(), { passive: true, signal });
    this.addEventListener("toggle", () => this.#scrolled(), { capture: true, signal });
    document.getElementById("jump").addEventListener("click", () => this.toEnd({ focus: true }), { signal });
    document.addEventListener("visibilitychange", () => this.#schedule(), { signal });
    const resized = new ResizeObserver(() => this.#stay());
    resized.observe(this);
    // Parts that come onto the screen for the first time get their real height only then.
    resized.observe(this.#box);
    signal.addEventListener("abort", () => resized.disconnect());
    fold(this.#box);
    this.toEnd();
    if (this.#above > 1) {
      this.#follow.leave();
      this.scrollTop -= this.#above;
    }
  }

  disconnectedCallback() {
    this.#listeners.abort();
  }

  get articles() {
    return [...this.#box.children];
  }

  get(message) {
    return message ? this.#box.querySelector(`[data-message="${CSS.escape(message)}"]`) : null;
  }

  last(role = "") {
    return this.articles.filter((article) => !role || article.dataset.role === role).at(-1) ?? null;
  }

  append(...articles) {
    this.#box.append(...articles);
    this.#stay();
  }

  /** Takes the article and all after it off the page; returns them for putting back. */
  cutFrom(article) {
    const all = this.articles;
    const cut = article ? all.slice(all.indexOf(article)) : [];
    for (const one of cut) one.remove();
    return cut;
  }

  /** Earlier messages come in above; what is being read does not move. */
  prepend(fragment, hasEarlier) {
    fold(fragment);
    this.keepPlace(() => {
      this.#box.prepend(fragment);
      this.earlier = hasEarlier;
    });
  }

  /** Makes the messages what the server says they are, touching only those that differ. */
  reconcile(fragment, isLive) {
    fold(fragment);
    this.keepPlace(() => reconcile(this.#box, fragment, isLive));
  }

  /** An answer has something new to draw. */
  draw(view) {
    this.#dirty.add(view);
    this.#schedule();
  }

  /** Runs a change above or at the place that is read, and puts that place back where it was. */
  keepPlace(change) {
    if (this.#follow.following) {
      change();
      this.#stay();
      return;
    }
    const line = this.getBoundingClientRect().top;
    const anchor = this.articles.find((one) => one.getBoundingClientRect().bottom > line);
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  /** Runs `change`, then puts the article that `successor` returns where `article` was on the screen. */
  async holdAt(article, change, successor) {
    const top = article.getBoundingClientRect().top;
    this.#follow.leave();
    await change();
    const place = successor();
    if (place) this.scrollTop += place.getBoundingClientRect().top - top;
    this.#scrolled();
  }

  toEnd({ focus = false } = {}) {
    this.#follow.join();
    this.#stay();
    if (focus) this.focus({ preventScroll: true });
  }

  set earlier(has) {
    this.toggleAttribute("data-earlier", has);
    this.querySelector("#earlier").hidden = !has;
  }

  #stay() {
    if (this.#follow.following) {
      this.scrollTop = this.scrollHeight;
      // Parts that were never drawn get their real height only then: in this frame, or in the next one. Nobody tells
      // where that is the height they had before.
      if (!this.#looks) requestAnimationFrame(() => this.#look());
      this.#looks = 2;
    }
    this.#scrolled();
  }

  #look() {
    this.#looks -= 1;
    if (this.#looks) requestAnimationFrame(() => this.#look());
    if (this.scrollHeight - this.scrollTop - this.clientHeight > 1) this.#stay();
  }

  #scrolled() {
    const far = this.#follow.scrolled({ top: this.scrollTop, height: this.scrollHeight, view: this.clientHeight });
    document.getElementById("jump").hidden = !far;
    if (this.scrollTop < 2 * this.clientHeight && this.hasAttribute("data-earlier")) this.dispatchEvent(new Event("earlier"));
  }

  /* A hidden page has no animation frames, yet its answers go on. */
  #schedule() {
    if (this.#scheduled || !this.#dirty.size) return;
    this.#scheduled = true;
    if (document.hidden) setTimeout(() => this.#frame(), 500);
    else requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    this.#scheduled = false;
    const following = this.#follow.following;
    for (const view of [...this.#dirty]) {
      if (view.flush()) continue;
      this.#dirty.delete(view);
      this.dispatchEvent(new CustomEvent("drawn", { detail: view }));
    }
    if (following) this.#stay();
    this.#schedule();
  }
}

customElements.define("chat-transcript", ChatTranscript);
