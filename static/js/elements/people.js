import { copy, confirmOn } from "../lib/clipboard.js";
import { nodesOf } from "../lib/html.js";
import { getHTML, post } from "../lib/http.js";
import { announce, page, urls } from "../lib/page.js";
import { closeOnEscape, layOver } from "./drawer.js";

const RELOAD_AFTER = 400;

/** <chat-people>: the panel of people and links, as the server has it; every form in it is sent from here. */
export class ChatPeople extends HTMLElement {
  #listeners = null;
  #opener = null;
  #timer = null;
  #asked = 0;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    this.addEventListener("submit", (event) => this.#submit(event), { signal });
    this.addEventListener("change", ({ target }) => target.form?.matches("[data-on-change]") && target.form.requestSubmit(), { signal });
    closeOnEscape(this, signal);
    document.addEventListener("chatsite:conversation", ({ detail }) => this.#news(detail), { signal });
  }

  disconnectedCallback() {
    this.#listeners.abort();
  }

  async toggle(open = this.hidden) {
    if (open === !this.hidden) return;
    this.hidden = !open;
    for (const button of document.querySelectorAll("[aria-controls=people]")) button.setAttribute("aria-expanded", String(open));
    if (open) this.#opener = document.activeElement;
    layOver();
    if (!open) {
      this.#opener?.focus({ preventScroll: true });
      return;
    }
    await this.#load().catch((error) => this.#say(error.message));
    (this.querySelector("#people-who-field") ?? this.querySelector("[data-act=people]")).focus();
  }

  /** The next link ends at this message, not at the newest one. */
  upTo(message) {
    this.#endAt(message);
    this.#linkForm?.querySelector("button").focus();
  }

  #endAt(message) {
    const form = this.#linkForm;
    if (!form) return;
    form.elements.message.value = message;
    form.querySelector("[data-ends]").textContent = "It ends at the message that you chose.";
  }

  get #linkForm() {
    return this.querySelector("[data-makes-link]");
  }

  /* Of two that are under way the later one counts, or what was added last would be missing. */
  async #load(isWanted = () => true) {
    const asked = ++this.#asked;
    const { html } = await getHTML(urls.act("people"));
    if (asked !== this.#asked || !isWanted()) return;
    const body = this.querySelector("#people-body");
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    body.replaceChildren(nodesOf(html));
    if (!focused) return;
    const next = document.getElementById(focused.id) ?? this.querySelector("#people-who-field") ?? this.querySelector("[data-act=people]");
    next.focus({ preventScroll: true });
  }

  /* A name that is half typed, what the next link shall show, and the address of one, which nobody tells again. */
  get #isInUse() {
    const form = this.#linkForm;
    if (this.querySelector("#people-who-field")?.value || this.querySelector(".people__made")) return true;
    if (!form) return false;
    const isChanged = ({ checked, defaultChecked, selected, defaultSelected }) => checked !== defaultChecked || selected !== defaultSelected;
    return form.contains(document.activeElement) || form.elements.message.value !== "" || [...form.querySelectorAll("input, option")].some(isChanged);
  }

  /* Somebody else may have changed who is in it; what is begun here stays. */
  #news({ id }) {
    const isIdle = () => !this.hidden && !this.#isInUse;
    if (id !== page.conversation || !isIdle()) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => isIdle() && this.#load(isIdle).catch(() => {}), RELOAD_AFTER);
  }

  async #submit(event) {
    const form = event.target;
    event.preventDefault();
    this.#say("");
    try {
      const answer = await post(form.action, new FormData(form));
      if (form.matches("[data-leaves]")) {
        location.assign(urls.home);
        return;
      }
      clearTimeout(this.#timer);
      const end = form.matches("[data-makes-link]") ? "" : this.#linkForm?.elements.message.value;
      await this.#load();
      if (end) this.#endAt(end);
      if (answer.url) this.#show(answer.url);
      else announce(form.dataset.done);
    } catch (error) {
      this.#say(error.message);
      if (form.matches("[data-on-change]")) form.reset();
    }
  }

  #say(sentence) {
    const line = this.querySelector("#people-problem");
    line.textContent = sentence;
    line.hidden = !sentence;
  }

  /* The address is told once: the server keeps only its hash. */
  #show(url) {
    const box = document.createElement("div");
    box.className = "people__made";
    const line = document.createElement("p");
    line.textContent = "Copy this link now; it is not shown again.";
    const field = document.createElement("input");
    field.className = "input";
    field.readOnly = true;
    field.value = url;
    field.setAttribute("aria-label", "Link");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button--primary";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      if (await copy(url)) button.textContent = "Copied";
      confirmOn(button);
    });
    box.append(line, field, button);
    this.#linkForm.after(box);
    field.select();
  }
}

customElements.define("chat-people", ChatPeople);
