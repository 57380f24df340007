import { post } from "../lib/http.js";
import { page, urls } from "../lib/page.js";
import { closeOnEscape, layOver } from "./drawer.js";

const WAIT = 500;

const renderedValue = ({ options, defaultValue }) => (options ? ([...options].find((one) => one.defaultSelected) ?? options[0])?.value : defaultValue);

/**
 * <chat-settings>: the panel with model and parameters. In a conversation every change is saved by itself;
 * before the first message the fields travel with it. Fields that the chosen model refuses are not shown.
 */
export class ChatSettings extends HTMLElement {
  #listeners = null;
  #timer = null;
  #opener = null;
  /* What the server has, as far as this page knows: from its rendering, then from what was saved. */
  #saved = {};
  #saving = Promise.resolve();

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    const form = this.querySelector("form");
    form.addEventListener("change", (event) => this.#changed(event), { signal });
    form.addEventListener("submit", (event) => event.preventDefault(), { signal });
    closeOnEscape(this, signal);
    for (const field of this.#fields) this.#saved[field.name] = renderedValue(field);
    this.#suit();
  }

  disconnectedCallback() {
    this.#listeners.abort();
  }

  get model() {
    return this.querySelector("[name=model]");
  }

  get #fields() {
    return [...this.querySelectorAll("select, input:not([type=hidden]), textarea")];
  }

  toggle(open = this.hidden) {
    if (open === !this.hidden) return;
    this.hidden = !open;
    this.#mark();
    if (open) this.#opener = document.activeElement;
    layOver();
    if (open) {
      this.#fields[0]?.focus();
    } else {
      this.#opener?.focus({ preventScroll: true });
    }
  }

  /** In a conversation from now on, of which nobody else knows: all is saved. */
  moved() {
    this.#saved = {};
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
    if (!this.model) return;
    this.model.value = model;
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

  /* Only what has changed here: another page may have changed the rest. */
  #changes() {
    const changed = this.#fields.filter(({ name, value }) => value !== this.#saved[name]);
    return Object.fromEntries(changed.map(({ name, value }) => [name, value]));
  }

  /* One save after the other, or an older choice may come last. */
  #save() {
    this.#saving = this.#saving.then(() => this.#post(this.#changes()));
  }

  async #post(sent) {
    const status = this.querySelector("#settings-status");
    try {
      if (Object.keys(sent).length) await post(urls.act("settings"), sent);
      Object.assign(this.#saved, sent);
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
