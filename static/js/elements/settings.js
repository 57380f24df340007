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
  #told = "";

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

  /** Chosen in the composer: the same model here, saved at once. */
  choose(model) {
    if (!this.model) return;
    this.model.value = model;
    this.#suit();
    if (page.conversation) this.#save(() => ({ model }), (problem) => this.#sayInComposer(problem));
  }

  #changed(event) {
    if (event.target === this.model) {
      this.#suit();
      this.#tellModel();
    }
    this.#saveSoon();
  }

  #saveSoon() {
    if (!page.conversation) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(() => this.#changes(), (problem) => this.#say(problem)), WAIT);
  }

  /* Only what has changed here: another page may have changed the rest. */
  #changes() {
    const changed = this.#fields.filter(({ name, value }) => value !== this.#saved[name]);
    return Object.fromEntries(changed.map(({ name, value }) => [name, value]));
  }

  /* One save after the other, or an older choice may come last. */
  #save(changes, say) {
    this.#saving = this.#saving.then(() => this.#post(changes(), say));
  }

  async #post(sent, say) {
    try {
      if (Object.keys(sent).length) await post(urls.act("settings"), sent);
      Object.assign(this.#saved, sent);
      if (sent.model) this.#showModel(sent.model);
      say("");
    } catch (error) {
      if (sent.model && this.#saved.model && sent.model === this.model.value) this.#putBack();
      say(`${error.message} Nothing was changed.`);
    }
  }

  /* A conversation that has only just come into being has no header yet. */
  #showModel(model) {
    const header = document.getElementById("header-model");
    const option = [...this.model.options].find(({ value }) => value === model);
    if (header && option) header.textContent = option.text;
  }

  /* The pickers show the model that answers. */
  #putBack() {
    this.model.value = this.#saved.model;
    this.#suit();
    this.#tellModel();
  }

  #tellModel() {
    this.dispatchEvent(new CustomEvent("model", { detail: this.model.value, bubbles: true }));
  }

  #say(problem) {
    const status = this.querySelector("#settings-status");
    status.textContent = problem || "Saved. Changes apply from the next answer on.";
    status.classList.toggle("panel__status--problem", problem !== "");
    if (this.hidden || !problem) this.#sayInComposer(problem);
  }

  #sayInComposer(problem) {
    const composer = document.getElementById("composer");
    const isOurs = composer.querySelector("#composer-state").textContent === this.#told;
    if (problem || isOurs) composer.say(problem, { problem: problem !== "" });
    this.#told = problem;
  }

  /* Only what the chosen model takes. */
  #suit() {
    const can = page.models.find((model) => String(model.id) === this.model?.value);
    if (!can) return;
    const shown = { ...can.fields };
    for (const [name, values] of Object.entries(can.choices)) {
      shown[name] = values.length > 0;
      for (const option of this.querySelectorAll(`[name=${name}] option`)) {
        option.hidden = option.value !== "" && !values.includes(option.value);
      }
    }
    for (const [name, is] of Object.entries(shown)) {
      const field = this.querySelector(`[data-field=${name}]`);
      if (field) field.hidden = !is;
    }
    const limit = this.querySelector("[name=max_tokens]");
    if (limit) limit.placeholder = `up to ${can.max_output.toLocaleString("en-US")}`;
  }

  #isRefused(name) {
    return this.querySelector(`[data-field="${name}"]`)?.hidden ?? false;
  }
}

customElements.define("chat-settings", ChatSettings);
