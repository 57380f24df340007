import { named } from "../keys.js";
import { nodesOf } from "../lib/html.js";
import { getHTML } from "../lib/http.js";
import { urls } from "../lib/page.js";
import { isComposing } from "./composer.js";

const WAIT = 120;
const NOTHING = "Nothing found. Try another word from the title.";

/**
 * <chat-command>: search and jump, a combobox in a dialog. `commands`: [{label, keys, run}]. What is searched for may
 * be in the archive; without a word the newest ones in use are offered.
 */
export class ChatCommand extends HTMLElement {
  commands = [];
  #dialog = null;
  #input = null;
  #list = null;
  #selected = 0;
  #timer = null;
  #asked = 0;
  #found = [];
  /* Why no conversations could be looked for. */
  #problem = "";
  /* What is shown was found for earlier words. */
  #isBehind = false;

  connectedCallback() {
    this.#dialog = this.querySelector("dialog");
    this.#input = this.querySelector("input");
    this.#list = this.querySelector("[role=listbox]");
    this.#input.addEventListener("input", () => this.#search());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("click", (event) => this.#run(event.target.closest("[role=option]")));
    this.#list.addEventListener("pointermove", (event) => this.#hover(event.target.closest("[role=option]")));
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
  }

  open() {
    this.#input.value = "";
    this.#found = [];
    this.#isBehind = true;
    this.#dialog.showModal();
    this.#draw();
    this.#fetch();
  }

  #search() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fetch(), WAIT);
    this.#isBehind = true;
    this.#draw();
  }

  async #fetch() {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    const query = this.#input.value.trim();
    try {
      const { html } = await getHTML(`${urls.list}?archived=${query ? "any" : 0}&q=${encodeURIComponent(query)}`);
      if (asked !== this.#asked) return;
      this.#found = [...nodesOf(html).querySelectorAll(".entry__link")].slice(0, query ? 20 : 6).map((link) => ({
        label: link.querySelector(".entry__title").textContent,
        note: link.closest("[data-archived]") ? "archived" : "",
        run: () => location.assign(link.getAttribute("href")),
      }));
      this.#problem = "";
    } catch (error) {
      if (asked !== this.#asked) return;
      // Commands still work without the network.
      this.#found = [];
      this.#problem = error.message;
    }
    this.#isBehind = query !== this.#input.value.trim();
    this.#draw();
  }

  #draw() {
    const words = this.#input.value.trim().toLowerCase();
    const commands = this.commands.filter(({ label }) => label.toLowerCase().includes(words));
    this.#list.replaceChildren();
    this.#group("Conversations", this.#found);
    this.#group("Commands", commands);
    const empty = this.querySelector("#command-empty");
    empty.textContent = this.#problem || NOTHING;
    empty.hidden = !this.#problem && this.#options.length > 0;
    this.#select(0);
  }

  #group(label, entries) {
    if (!entries.length) return;
    const group = document.createElement("div");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", label);
    const heading = document.createElement("div");
    heading.className = "command__label";
    heading.setAttribute("aria-hidden", "true");
    heading.textContent = label;
    group.append(heading);
    for (const entry of entries) group.append(this.#option(entry));
    this.#list.append(group);
  }

  #option({ label, note, keys, run }) {
    const option = document.createElement("div");
    option.className = "command__option";
    option.setAttribute("role", "option");
    option.id = `option-${this.#options.length}-${this.#asked}`;
    option.run = run;
    const text = document.createElement("span");
    text.className = "truncate";
    text.dir = "auto";
    text.textContent = label || "New conversation";
    option.append(text);
    if (note) {
      const quiet = document.createElement("span");
      quiet.className = "quiet";
      quiet.textContent = note;
      option.append(quiet);
    }
    if (keys) {
      const key = document.createElement("kbd");
      key.className = "key";
      key.textContent = named(keys);
      option.append(key);
    }
    return option;
  }

  get #options() {
    return [...this.#list.querySelectorAll("[role=option]")];
  }

  #select(index) {
    const options = this.#options;
    this.#selected = (index + options.length) % (options.length || 1);
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.#selected)));
    const option = options[this.#selected];
    if (option) this.#input.setAttribute("aria-activedescendant", option.id);
    else this.#input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  #hover(option) {
    const at = this.#options.indexOf(option);
    if (at >= 0 && at !== this.#selected) this.#select(at);
  }

  #key(event) {
    if (isComposing(event)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.#isBehind = false;
      this.#select(this.#selected + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.#enter();
    }
  }

  /* Whoever types quickly means what will be found; whoever has chosen by arrow means what is shown. */
  async #enter() {
    if (this.#isBehind) await this.#fetch();
    if (this.#dialog.open && !this.#isBehind) this.#run(this.#options[this.#selected]);
  }

  #run(option) {
    if (!option) return;
    this.#dialog.close();
    option.run();
  }
}

customElements.define("chat-command", ChatCommand);
