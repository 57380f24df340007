import { nodesOf } from "../lib/html.js";
import { getHTML } from "../lib/http.js";
import { page, urls } from "../lib/page.js";

const WIDE = matchMedia("(width >= 1024px)");
const RELOAD_AFTER = 600;
const YEAR = 365 * 24 * 3600;

/** Something lies over the page, which cannot be reached meanwhile. */
export function cover(is) {
  document.getElementById("scrim").hidden = !is;
  for (const one of document.querySelectorAll("#main, .skip-link")) one.inert = is;
}

/** <chat-sidebar>: the list of conversations, kept up to date by news; beside the page, or over it on small screens. */
export class ChatSidebar extends HTMLElement {
  #listeners = null;
  #timer = null;
  #archived = false;
  #shown = "";
  #opener = null;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    document.addEventListener("chatsite:conversation", ({ detail }) => this.#news(detail), { signal });
    document.getElementById("scrim").addEventListener("click", () => this.hide(), { signal });
    WIDE.addEventListener("change", () => this.hide(), { signal });
    this.#mark();
  }

  disconnectedCallback() {
    this.#listeners.abort();
  }

  get isOver() {
    return document.body.classList.contains("chat--sidebar-over");
  }

  get isShown() {
    return WIDE.matches ? !document.body.classList.contains("chat--sidebar-closed") : this.isOver;
  }

  toggle() {
    if (!WIDE.matches) {
      if (this.isOver) this.hide();
      else this.#showOver();
      return;
    }
    const closed = document.body.classList.toggle("chat--sidebar-closed");
    document.cookie = `sidebar=${closed ? "closed" : "open"}; path=/; max-age=${YEAR}; samesite=lax`;
    this.#mark();
    const selector = closed ? ".header [data-act=sidebar]" : ".sidebar [data-act=sidebar]";
    document.querySelector(selector).focus({ preventScroll: true });
  }

  /** Off the page again, where it lies over it; the focus goes back to where it came from. */
  hide() {
    if (!this.isOver) return;
    document.body.classList.remove("chat--sidebar-over");
    cover(false);
    this.#mark();
    this.#opener?.focus({ preventScroll: true });
  }

  /** The other list: archived conversations, or those in use. */
  async toggleArchived() {
    this.#archived = !this.#archived;
    this.#shown = "";
    document.getElementById("archived-label").textContent = this.#archived ? "Current conversations" : "Archived conversations";
    await this.reload();
    if (!this.isShown) this.toggle();
    this.querySelector("#conversations").focus();
  }

  /** So many of the newest conversations from now on. */
  show(count) {
    this.#shown = count;
    return this.reload();
  }

  async reload() {
    clearTimeout(this.#timer);
    this.#timer = null;
    try {
      const { html } = await getHTML(`${urls.list}?archived=${this.#archived ? 1 : 0}&shown=${this.#shown}`);
      const list = this.querySelector("#conversations");
      const focused = document.activeElement?.closest?.("[data-conversation], [data-act=older]");
      const at = [...list.querySelectorAll("li, [data-act=older]")].indexOf(focused);
      list.replaceChildren(nodesOf(html));
      this.#mark();
      // What was archived or deleted here hands on to the one that has taken its place, as does what asked for more.
      const entries = [...list.querySelectorAll("li")];
      const next = focused && (this.#entry(focused.dataset.conversation) ?? entries[at] ?? entries.at(-1));
      if (focused) (next?.querySelector("a") ?? list).focus({ preventScroll: true });
    } catch {
      // The list stays as it was; the next news asks again.
    }
  }

  #showOver() {
    this.#opener = document.activeElement;
    document.querySelector(".panel:not([hidden])")?.toggle(false);
    document.body.classList.add("chat--sidebar-over");
    cover(true);
    this.#mark();
    this.querySelector("[data-act=sidebar]").focus({ preventScroll: true });
  }

  #entry(id) {
    return this.querySelector(`[data-conversation="${CSS.escape(id)}"]`);
  }

  #news(conversation) {
    const entry = this.#entry(conversation.id);
    const isShown = entry && !conversation.deleted && conversation.archived === this.#archived;
    if (!isShown || conversation.running) this.#reloadSoon();
    if (!entry) return;
    if (conversation.title) {
      entry.querySelector(".entry__title").textContent = conversation.title;
      entry.querySelector(".entry__more")?.setAttribute("aria-label", `More for ${conversation.title}`);
    }
    if (conversation.unread === false) entry.classList.remove("entry--unread");
    if (conversation.running === undefined) return;
    const ended = entry.classList.contains("entry--running") && !conversation.running;
    entry.classList.toggle("entry--running", conversation.running);
    if (ended && conversation.id !== page.conversation) entry.classList.add("entry--unread");
  }

  #reloadSoon() {
    this.#timer ??= setTimeout(() => this.reload(), RELOAD_AFTER);
  }

  #mark() {
    for (const link of this.querySelectorAll("[aria-current]")) link.removeAttribute("aria-current");
    const current = page.conversation ? this.#entry(page.conversation) : null;
    current?.querySelector("a").setAttribute("aria-current", "page");
    // What is open is being read.
    current?.classList.remove("entry--unread");
    const shown = String(this.isShown);
    for (const button of document.querySelectorAll("[aria-controls=sidebar]")) button.setAttribute("aria-expanded", shown);
  }
}

customElements.define("chat-sidebar", ChatSidebar);
