import { page } from "../lib/page.js";
import { Draft, uuid } from "../models/draft.js";

export const TOUCH = matchMedia("(pointer: coarse)");

/** Browsers without field-sizing get a field's height from the script. */
export function fit(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

/** Whether an input method takes this key press; Safari tells of the last one by its number alone. */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** Whether this key press sends; on a touch screen Enter alone begins a line. */
export const isSendKey = (event) =>
  event.key === "Enter" && !event.shiftKey && !event.altKey && (!TOUCH.matches || event.ctrlKey || event.metaKey);

export const draftKey = (conversation) => `chatsite:draft:${page.user}:${conversation}`;
/* Of a new conversation each tab has its own, where one can find out which tabs are open (`new-draft.js`). */
export const newKey = draftKey("new");
const key = page.conversation ? draftKey(page.conversation) : navigator.locks ? (sessionStorage[newKey] ??= `${newKey}:${uuid()}`) : newKey;

/**
 * <chat-composer>: the field, its draft, and the button that sends or stops. The files are <chat-attachments>' matter.
 * Events: "submit-text" (detail: {text, attachments}), "stop", "edit-last"; "returned" when a refused send gives its files back.
 */
export class ChatComposer extends HTMLElement {
  draft = new Draft(localStorage, key);
  #field = null;
  #listeners = null;
  #answering = false;
  #closed = "";
  /* Sends as soon as the files are there. */
  #waits = false;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    this.#field = this.querySelector("#composer-text");
    this.querySelector("form").addEventListener("submit", (event) => this.#submit(event), { signal });
    this.querySelector("#stop").addEventListener("click", () => this.dispatchEvent(new Event("stop")), { signal });
    this.#field.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#field.addEventListener("input", () => this.#typed(), { signal });
    this.#files.addEventListener("files", () => this.#filesChanged(), { signal });
    this.querySelector("form").addEventListener("click", (event) => this.#focusField(event), { signal });
    this.goOn(this.draft);
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

  /** With this draft: what has been typed already comes after it. */
  goOn(draft) {
    const { text } = (this.draft = draft);
    if (text !== this.text) this.text = [text, this.text].filter(Boolean).join("\n\n");
    else fit(this.#field);
    if (draft.attachments.length) this.dispatchEvent(new Event("returned"));
  }

  /** The conversation this page writes to has come into being: later drafts are its own. */
  moveTo(conversation) {
    const { attachments } = this.draft;
    this.draft.write("");
    this.draft.attach([]);
    this.draft = new Draft(localStorage, draftKey(conversation));
    this.draft.write(this.text);
    this.draft.attach(attachments);
  }

  set answering(is) {
    if (is === this.#answering) return;
    this.#answering = is;
    const send = this.querySelector("#send");
    const stop = this.querySelector("#stop");
    const focused = [send, stop].includes(document.activeElement);
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
    this.querySelector("#stop").ariaDisabled = is;
  }

  /** Nothing can be sent here, for the reason that the sentence says; a draft can still be copied. "": something can. */
  set closed(sentence) {
    if (sentence === this.#closed) return;
    this.#closed = sentence;
    this.#field.readOnly = sentence !== "";
    this.#field.placeholder = sentence || "Write a message";
    for (const id of ["send", "stop", "attach", "composer-model"]) this.querySelector(`#${id}`).disabled = sentence !== "";
    // A placeholder does not show beside a draft.
    this.say(this.text && sentence);
  }

  get closed() {
    return this.#closed;
  }

  /** A send was refused: what it was made of is here again. */
  takeBack(record) {
    this.text = this.draft.giveBack(record, this.text);
    if (this.draft.attachments.length) this.dispatchEvent(new Event("returned"));
  }

  say(sentence, { problem = false } = {}) {
    const state = this.querySelector("#composer-state");
    state.role = problem ? "alert" : "status";
    if (state.textContent !== sentence) state.textContent = sentence;
    state.classList.toggle("composer__state--problem", problem);
  }

  #submit(event) {
    event.preventDefault();
    const text = this.text;
    const files = this.#files;
    if (!(text.trim() || this.#hasFiles)) return;
    if (this.#closed) {
      this.say(this.#closed);
      return;
    }
    if (this.#answering) {
      this.say("The answer is still running. Stop it, or send when it is done.");
      return;
    }
    this.#waits = files.isReady ? files.isBusy : this.#hasFiles;
    const { problem = "", waiting = "" } = files;
    this.say(this.#waits ? waiting : problem, { problem: !this.#waits && problem !== "" });
    if (!this.#waits && !problem) this.dispatchEvent(new CustomEvent("submit-text", { detail: { text, attachments: files.take?.() ?? [] } }));
  }

  get #files() {
    return this.querySelector("chat-attachments");
  }

  /* The draft may remember files that the row does not show yet. */
  get #hasFiles() {
    return this.#files.isReady ? this.#files.count > 0 : this.draft.attachments.length > 0;
  }

  #filesChanged() {
    this.#field.required = !this.#hasFiles;
    if (!this.#waits) return;
    if (this.#files.isBusy) this.say(this.#files.waiting);
    else this.querySelector("form").requestSubmit();
  }

  #typed() {
    this.#written();
    if (!this.#waits) return;
    this.#waits = false;
    this.say("Not sent yet. Send again when you have finished writing.");
  }

  #key(event) {
    if (isComposing(event)) return;
    if (isSendKey(event)) {
      event.preventDefault();
      this.querySelector("form").requestSubmit();
    } else if (event.key === "ArrowUp" && !this.text && !this.#answering) {
      event.preventDefault();
      this.dispatchEvent(new Event("edit-last"));
    }
  }

  #written() {
    this.draft.write(this.text);
    fit(this.#field);
  }

  #focusField(event) {
    if (event.target.closest("button, select, label, textarea, chat-attachments")) return;
    this.#field.focus();
  }
}

customElements.define("chat-composer", ChatComposer);
