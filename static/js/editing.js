import { draftKey, fit, isComposing, isSendKey } from "./elements/composer.js";
import { clone } from "./lib/html.js";
import { announce, page } from "./lib/page.js";
import { toast } from "./lib/toast.js";
import { Draft } from "./models/draft.js";

/* The turns at one place of a conversation are versions of each other. An echo does not name its parent. */
const placeOf = (turn) => turn.dataset.parent || turn.previousElementSibling?.dataset.message || page.conversation;
const textOf = (turn) => turn.querySelector(".message__text").textContent;

/**
 * The form in which a person's turn is written anew. What is written stays, in the form and across reloads, until it
 * is sent or cancelled: where a refresh shows another version of the turn, the form goes to that one.
 */
export class Editing {
  #place;
  #draft;
  #form = clone("blank-edit");
  #field = this.#form.querySelector("textarea");
  #opener = document.activeElement;
  #watch = new MutationObserver(() => this.#stay());
  #turn = null;
  #isSending = false;
  #isAway = false;

  /** `send(turn, text)` resolves to whether the server has taken it. */
  constructor(turn, { transcript, composer, send }) {
    this.transcript = transcript;
    this.composer = composer;
    this.send = send;
    this.#place = placeOf(turn);
    this.#draft = new Draft(localStorage, draftKey(`edit:${this.#place}`));
    const kept = this.#draft.text;
    this.#field.value = kept || textOf(turn);
    if (kept) this.#say("You wrote this earlier and did not send it. Cancel discards it.");
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#form.addEventListener("keydown", (event) => this.#key(event));
    this.#form.querySelector("[data-act=edit-cancel]").addEventListener("click", ({ detail }) => detail < 2 && this.#cancel());
    this.#field.addEventListener("input", () => this.#write());
    this.#show(turn);
    this.#watch.observe(turn.parentElement, { childList: true });
    this.#focus();
  }

  #show(turn) {
    const bubble = turn.querySelector(".message__bubble");
    this.#turn = turn;
    this.#form.querySelector(".message__files")?.remove();
    /* The files go with the new version as well. */
    this.#form.prepend(bubble.querySelector(".message__files").cloneNode(true));
    bubble.hidden = true;
    bubble.after(this.#form);
    fit(this.#field);
  }

  #write() {
    const text = this.#field.value;
    this.#draft.write(text === textOf(this.#turn) ? "" : text);
    fit(this.#field);
  }

  async #submit(event) {
    event.preventDefault();
    const text = this.#field.value;
    if (!text.trim() && !this.#form.querySelector(".attachment")) return;
    const beside = this.composer.text;
    this.#isSending = true;
    const sent = await this.send(this.#turn, text);
    this.#isSending = false;
    if (sent) return this.#end();
    this.#stay();
    // Whoever has begun to write elsewhere goes on there.
    if (this.composer.text === beside) this.#focus();
  }

  #key(event) {
    if (isComposing(event)) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      this.#cancel();
    } else if (isSendKey(event) && event.target === this.#field) {
      event.preventDefault();
      this.#form.requestSubmit();
    }
  }

  #cancel() {
    this.#end();
    const opener = this.#opener?.isConnected ? this.#opener : this.#turn.querySelector("[data-act=edit]");
    opener?.focus({ preventScroll: true });
  }

  #end() {
    this.#watch.disconnect();
    this.#draft.write("");
    this.#form.remove();
    this.#turn.querySelector(".message__bubble").hidden = false;
  }

  /* The messages have changed: the form goes to the version of its turn that is shown now. */
  #stay() {
    if (this.#form.isConnected || this.#isSending) return;
    const { articles } = this.transcript;
    const turn = articles.find((one) => one.dataset.role === "user" && placeOf(one) === this.#place);
    if (!turn) {
      if (!this.#isAway) toast("Other messages are shown here now. Your edit is kept for when you go back.", { seconds: 20 });
      this.#isAway = true;
      return;
    }
    const hadFocus = !this.#isAway && document.activeElement === document.body;
    const isOther = turn.dataset.message !== this.#turn.dataset.message;
    this.#isAway = false;
    this.#turn.querySelector(".message__bubble").hidden = false;
    // Its own sending had reached the server, or somebody wrote the very same.
    if (isOther && textOf(turn) === this.#field.value) return this.#end();
    this.transcript.keepPlace(() => this.#show(turn));
    if (hadFocus) this.#field.focus({ preventScroll: true });
    if (isOther) this.#say("The message was changed meanwhile. Your text is still here.");
  }

  #say(sentence) {
    this.#form.querySelector(".quiet").textContent = sentence;
    announce(sentence);
  }

  #focus() {
    this.#field.focus();
    this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
  }
}
