import { post } from "../lib/http.js";
import { page, urls } from "../lib/page.js";
import { closeOnEscape, layOver } from "./drawer.js";

const WAIT = 500;

/**
 * <chat-settings>: the panel with model and parameters. In a conversation every change is saved by itself;
 * before the first message the fields travel with it. Fields that the chosen model refuses are not shown.
 */
export class ChatSettings extends HTMLElement {
  #listeners = null;
  #timer = null;
  #opener = null;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    const form = this.querySelector("form");
    form.addEventListener("change", (event) => this.#changed(event), { signal });
    form.addEventListener("submit", (event) => event.preventDefault(), { signal });
    closeOnEscape(this, signal);
    this.#suit();
  }

  disconnectedCallback() {
    this.#listeners.abort();
  }

  get model() {
    return this.querySelector("[name=model]");
  }

  toggle(open = this.hidden) {
    if (open === !this.hidden) return;
    this.hidden = !open;
    this.#mark();
    if (open) this.#opener = document.activeElement;
    layOver();
    if (open) {
      this.querySelector("select, input:not([type=hidden]), textarea")?.focus();
    } else {
      this.#opener?.focus({ preventScroll: true });
    }
  }

  /** In a conversation from now on: what was changed is saved. */
  moved() {
    this.#mark();
    this.#saveSoon();
  }

  #mark() {
    for (const button of document.querySelectorAll("[aria-controls=settings]")) button.setAttribute("aria-expanded", String(!this.hidden));
  }

  /** The fields as a send takes them: empty ones are left out. */
  values() {
    const values = {};
    for (const [name, value] of new FormData(this.querySelector("form"))) {
      if (name !== "csrfmiddlewaretoken" && value !== "" && !this.#isRefused(name)) values[name] = value;
    }
    return values;
  }

  /** Chosen in the composer: the same model here. */
  choose(model) {
    if (this.model && this.model.value !== model) this.model.value = model;
    this.#suit();
    this.#saveSoon();
  }

  #changed(event) {
    if (event.target === this.model) {
      this.#suit();
      this.dispatchEvent(new CustomEvent("model", { detail: this.model.value, bubbles: true }));
    }
    this.#saveSoon();
  }

  #saveSoon() {
    if (!page.conversation) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(), WAIT);
  }

  async #save() {
    const status = this.querySelector("#settings-status");
    try {
      await post(urls.act("settings"), new FormData(this.querySelector("form")));
      status.textContent = "Saved. Changes apply from the next answer on.";
      status.classList.remove("panel__status--problem");
    } catch (error) {
      status.textContent = `${error.message} Nothing was changed.`;
      status.classList.add("panel__status--problem");
    }
  }

  /* Only what the chosen model takes. */
  #suit() {
    const can = page.models.find((model) => String(model.id) === this.model?.value);
    if (!can) return;
    const shown = {
      temperature: can.sampling,
      top_p: can.sampling,
      top_k: can.sampling,
      effort: can.efforts.length > 0,
      thinking: can.thinking.length > 0,
      budget_tokens: can.thinking.includes("enabled"),
    };
    for (const [name, is] of Object.entries(shown)) {
      const field = this.querySelector(`[data-field=${name}]`);
      if (field) field.hidden = !is;
    }
    for (const option of this.querySelectorAll("[name=effort] option")) {
      option.hidden = option.value !== "" && !can.efforts.includes(option.value);
    }
    const limit = this.querySelector("[name=max_tokens]");
    if (limit) limit.placeholder = `up to ${can.max_output.toLocaleString("en-US")}`;
  }

  #isRefused(name) {
    return this.querySelector(`[data-field="${name}"]`)?.hidden ?? false;
  }
}

customElements.define("chat-settings", ChatSettings);
