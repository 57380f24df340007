import { page } from "../lib/page.js";
import { Draft } from "../models/draft.js";

const SIZES_ITSELF = CSS.supports("field-sizing", "content");
const TOUCH = matchMedia("(pointer: coarse)");

export const draftKey = (conversation) => `chatsite:draft:${page.user}:${conversation ?? "new"}`;

/**
 * <chat-composer>: the field, its draft, and the button that sends or stops.
 * Events: "submit-text" (detail: text), "stop", "edit-last".
 */
export class ChatComposer extends HTMLElement {
  draft = new Draft(localStorage, draftKey(page.conversation));
  #field = null;
  #listeners = null;
  #answering = false;
  #closed = false;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    this.#field = this.querySelector("#composer-text");
    this.querySelector("form").addEventListener("submit", (event) => this.#submit(event), { signal });
    this.querySelector("#stop").addEventListener("click", () => this.dispatchEvent(new Event("stop")), { signal });
    this.#field.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#field.addEventListener("input", () => this.#written(), { signal });
    this.querySelector("form").addEventListener("click", (event) => this.#focusField(event), { signal });
    if (this.draft.text && !this.#field.value) this.#field.value = this.draft.text;
    this.#size();
  }

  disconnectedCallback() {
    this.#listeners.abort();
  }

  get text() {
    return this.#field.value;
  }

  set text(text) {
    this.#field.value = text;
    this.#written();
  }

  get model() {
    return this.querySelector("#composer-model");
  }

  focus() {
    this.#field.focus();
    this.#field.setSelectionRange(this.text.length, this.text.length);
  }

  /** The conversation this page writes to has come into being: later drafts are its own. */
  moveTo(conversation) {
    this.draft.write("");
    this.draft = new Draft(localStorage, draftKey(conversation));
    this.draft.write(this.text);
  }

  set answering(is) {
    if (is === this.#answering) return;
    this.#answering = is;
    const send = this.querySelector("#send");
    const stop = this.querySelector("#stop");
    const focused = document.activeElement === send || document.activeElement === stop;
    send.hidden = is;
    stop.hidden = !is;
    this.stopping = false;
    if (focused) this.#field.focus({ preventScroll: true });
    if (!is) this.say("");
  }

  get answering() {
    return this.#answering;
  }

  set stopping(is) {
    this.querySelector("#stop").setAttribute("aria-disabled", String(is));
  }

  /** Nothing can be sent here any more, for the reason that the sentence says; a draft can still be copied. */
  close(sentence) {
    this.#closed = true;
    this.#field.readOnly = true;
    this.#field.placeholder = sentence;
    this.querySelector("#send").disabled = true;
  }

  say(sentence, { problem = false } = {}) {
    const state = this.querySelector("#composer-state");
    state.textContent = sentence;
    state.classList.toggle("composer__state--problem", problem);
    if (problem) state.setAttribute("role", "alert");
    else state.removeAttribute("role");
  }

  #submit(event) {
    event.preventDefault();
    const text = this.text;
    if (this.#closed || !text.trim()) return;
    if (this.#answering) {
      this.say("The answer is still running. Stop it, or send when it is done.");
      return;
    }
    this.say("");
    this.dispatchEvent(new CustomEvent("submit-text", { detail: text }));
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && (!TOUCH.matches || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.querySelector("form").requestSubmit();
    } else if (event.key === "ArrowUp" && !this.text && !this.#answering) {
      event.preventDefault();
      this.dispatchEvent(new Event("edit-last"));
    }
  }

  #written() {
    this.draft.write(this.text);
    this.#size();
  }

  /* Browsers without field-sizing get the height from the script. */
  #size() {
    if (SIZES_ITSELF) return;
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }

  #focusField(event) {
    if (event.target.closest("button, select, label, textarea")) return;
    this.#field.focus();
  }
}

customElements.define("chat-composer", ChatComposer);
