import { Editing } from "./editing.js";
import { confirmOn, copy } from "./lib/clipboard.js";
import { markHidden } from "./lib/hidden.js";
import { clone, nodesOf } from "./lib/html.js";
import { getHTML, getJSON, post } from "./lib/http.js";
import { announce, urls } from "./lib/page.js";
import { plainText } from "./lib/plain-text.js";
import { uuid } from "./models/draft.js";
import { TOUCH } from "./elements/composer.js";
import { fold } from "./elements/long-content.js";
import { turnArticle } from "./sending.js";

/** What can be done to a message: one method per `data-act`. Each gets the article and the pressed button. */
export class MessageActs {
  constructor({ session, transcript, composer }) {
    this.session = session;
    this.transcript = transcript;
    this.composer = composer;
  }

  async copy(article, button) {
    await this.#copy(sourceOfWhole(article), button);
  }

  async "copy-plain"(article, button) {
    await this.#copy(plainOfWhole(article), button);
  }

  unfold(article, button) {
    this.transcript.keepPlace(() => unfold(button));
  }

  /** The panel of a source opens by itself; what stands around the quotation in our copy is fetched the first time. */
  async source(article, button) {
    const place = document.getElementById(button.getAttribute("popovertarget")).querySelector("[data-passage]");
    if (place.childElementCount) return;
    place.setAttribute("aria-busy", "true");
    try {
      place.replaceChildren(nodesOf((await getHTML(place.dataset.passage)).html));
      place.querySelector("mark")?.scrollIntoView({ block: "center" });
    } catch (error) {
      place.textContent = error.message;
    }
    place.removeAttribute("aria-busy");
  }

  /** A form in place of the turn; sending it asks again from here, and the old version stays. */
  edit(article) {
    const turn = article.dataset.role === "user" ? article : previous(article, "user");
    if (!turn?.dataset.message || !turn.querySelector(".message__bubble") || turn.querySelector(".edit")) return;
    const { transcript, composer } = this;
    new Editing(turn, { transcript, composer, send: (...edit) => this.#sendEdit(...edit) });
  }

  async #sendEdit(turn, text) {
    const { message } = turn.dataset;
    const user = turnArticle(text);
    const files = turn.querySelectorAll(".message__bubble .attachment");
    for (const file of files) user.querySelector(".message__files").append(file.cloneNode(true));
    const result = await this.#ask("edit", message, { text }, { cut: turn, user });
    if (result) this.#renew(user).catch(() => {});
    return result !== null;
  }

  regenerate(article) {
    const joined = article.classList.contains("message--joined");
    return this.#ask("regenerate", article.dataset.message, {}, { cut: article, joined });
  }

  retry(article) {
    return this.regenerate(article);
  }

  /** Another answer, to a request without what stands in its way. The turns that are left out say so from now on. */
  async omit(article) {
    const joined = article.classList.contains("message--joined");
    const result = await this.#ask("omit", article.dataset.message, {}, { cut: article, joined });
    if (result) await this.session.refresh();
  }

  async continue(article) {
    const result = await this.#ask("continue", article.dataset.message, {}, { joined: true });
    if (result) article.querySelector(".note")?.remove();
  }

  /** Another branch: the transcript changes from here on, and this place stays where it is. */
  async select(article, button) {
    const to = button.dataset.to;
    const forward = button === button.parentElement.lastElementChild;
    try {
      await post(urls.message(to, "select"));
    } catch (error) {
      await this.session.refused(error);
      return;
    }
    await this.transcript.holdAt(article, () => this.session.refresh(), () => this.transcript.get(to));
    const buttons = this.transcript.get(to)?.querySelectorAll(".branch button") ?? [];
    const wanted = buttons[forward ? 1 : 0];
    (wanted?.disabled ? buttons[forward ? 0 : 1] : wanted)?.focus({ preventScroll: true });
  }

  async fork(article) {
    const { url } = await post(urls.message(article.dataset.message, "fork"));
    location.assign(url);
  }

  /** Asks for an answer with an echo at once; `cut` and what follows leave the page, and return on refusal. */
  async #ask(act, message, fields, { cut = null, user = null, joined = false }) {
    const { own, sending } = this.session;
    if (own.size || sending.isBusy) {
      this.composer.say("The last one is still on its way. Try again in a moment.", { problem: true });
      return null;
    }
    const clientId = uuid();
    const reply = clone("blank-assistant");
    reply.classList.toggle("message--joined", joined);
    const parent = cut ? parentOf(cut) : message;
    const removed = this.transcript.cutFrom(cut);
    const end = this.transcript.last();
    const added = user ? [user, reply] : [reply];
    this.transcript.append(...added);
    this.transcript.toEnd({ focus: TOUCH.matches });
    this.composer.answering = true;
    // On a touch screen the keyboard would come up over the answer.
    if (!TOUCH.matches) this.composer.focus();
    own.add(clientId);
    try {
      const result = await post(urls.message(message, act), { ...fields, client_id: clientId });
      // A refresh in between has brought back what is no longer of this branch.
      for (const { dataset } of removed) this.transcript.get(dataset.message)?.remove();
      this.session.started(result, { user, reply });
      // It may have brought another branch as well, under which this does not belong.
      if (parentOf(added[0]) !== parent) this.session.refresh();
      return result;
    } catch (error) {
      for (const article of added) article.remove();
      // Unless a refresh in between has brought back what is still to be shown.
      if (this.transcript.last() === end) this.transcript.append(...removed);
      await this.session.refused(error);
      // The server may have done it all the same.
      if (!(error.status < 500)) await this.session.refresh();
      return null;
    } finally {
      own.delete(clientId);
    }
  }

  /** The server's rendering of a turn of our own: it knows the branches. */
  async #renew(user) {
    const { html } = await getHTML(urls.message(user.dataset.message));
    const fragment = nodesOf(html);
    fold(fragment);
    this.transcript.keepPlace(() => user.replaceWith(fragment));
  }

  async #copy(text, button) {
    const done = await copy(text);
    if (done) confirmOn(button);
    announce(done ? "Copied." : "The browser did not allow copying.");
  }
}

function unfold(button) {
  const folded = button.closest(".code--folded");
  folded?.classList.remove("code--folded");
  const target = folded?.querySelector("pre") ?? button.previousElementSibling;
  target.classList.remove("message__text--folded");
  button.remove();
  if (folded) target.focus({ preventScroll: true });
}

/* An answer that goes on where another one ended is joined to it: from the first one to this. */
function partsOf(article) {
  const parts = [article];
  while (parts[0].matches(".message--joined") && parts[0].previousElementSibling) parts.unshift(parts[0].previousElementSibling);
  return parts.filter(({ dataset }) => dataset.role === article.dataset.role);
}

async function sourceOfWhole(article) {
  return (await Promise.all(partsOf(article).map(sourceOf))).join("");
}

async function plainOfWhole(article) {
  const parts = partsOf(article);
  if (parts.length === 1) return plainOf(article);
  // The white space where one ends and the next begins is in their sources alone.
  const pieces = parts.map(async (part) => {
    const source = await sourceOf(part);
    const before = source.slice(0, source.length - source.trimStart().length);
    return before + (await plainOf(part)) + source.slice(source.trimEnd().length);
  });
  return (await Promise.all(pieces)).join("").trim();
}

function plainOf(article) {
  const blocks = article.querySelector(".message__blocks");
  return blocks ? plainText(blocks) : sourceOf(article);
}

/** The text of a message: the turn as written, the answer's Markdown; nothing hidden in it. May be a promise. */
function sourceOf(article) {
  if (article.dataset.role === "user") return article.querySelector(".message__text").textContent;
  const kept = article.querySelector(".message__source");
  return kept ? kept.content.textContent : fetchSource(article.dataset.message);
}

async function fetchSource(id) {
  const { messages } = await getJSON(urls.send());
  const blocks = messages.find((message) => message.id === id)?.content ?? [];
  return markHidden(blocks.map((block) => block.text ?? "").join(""));
}

/* An echo does not name its parent. */
function parentOf(article) {
  return article.dataset.parent || article.previousElementSibling?.dataset.message || "";
}

function previous(article, role) {
  let one = article;
  while (one && one.dataset.role !== role) one = one.previousElementSibling;
  return one;
}
