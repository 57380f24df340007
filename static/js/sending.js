import { clone } from "./lib/html.js";
import { post, Refused, Unreached } from "./lib/http.js";
import { page, urls } from "./lib/page.js";
import { uuid } from "./models/draft.js";
import { Backoff } from "./models/connection.js";
import { foldTurn } from "./elements/long-content.js";

const TRIES_WHEN_FAILING = 4;

/**
 * Sends a person's turn: echo at once, the POST behind it, again and again with the same client_id until the
 * server has answered. Reports through `on`: began(pair), acknowledged(pair, result), refused(error).
 */
export class Sending {
  /* client_id → the record and its two articles. */
  #waiting = new Map();
  #wake = null;

  constructor({ transcript, composer, fields, on }) {
    this.transcript = transcript;
    this.composer = composer;
    this.fields = fields;
    this.on = on;
    addEventListener("online", () => this.#wake?.());
  }

  get isBusy() {
    return this.#waiting.size > 0;
  }

  submit({ text, attachments }) {
    const record = { client_id: uuid(), text, attachments, fields: page.conversation ? this.#place() : this.fields() };
    this.composer.text = "";
    this.composer.draft.send(record);
    this.#begin(record);
  }

  /* What is sent belongs under what this page shows, even if another tab is on another branch by now. */
  #place() {
    return { parent: this.transcript.last()?.dataset.message ?? "" };
  }

  /** After a reload: what nobody has acknowledged goes out again, as the same send. */
  takeUp() {
    for (const record of this.composer.draft.pending) this.#begin(record, true);
  }

  /** Whether it was still waiting: the POST's answer or the socket's news may come first. */
  acknowledge(clientId, result) {
    const pair = this.#waiting.get(clientId);
    if (!pair) return false;
    this.#waiting.delete(clientId);
    this.composer.draft.acknowledge(clientId);
    this.on.acknowledged(pair, result);
    return true;
  }

  /* `repeated`: the server may know this send already, and may even have answered it. */
  async #begin(record, repeated = false) {
    const pair = { record, repeated, user: turnArticle(record.text), reply: clone("blank-assistant") };
    pair.user.classList.add("message--pending", "message--arriving");
    this.#waiting.set(record.client_id, pair);
    this.transcript.append(pair.user, pair.reply);
    this.transcript.toEnd();
    if (record.attachments?.length) this.#showFiles(pair.user, record.attachments);
    foldTurn(pair.user.querySelector(".message__text"));
    this.on.began(pair);
    try {
      const result = await this.#post(record, pair);
      this.acknowledge(record.client_id, result);
    } catch (error) {
      this.#giveBack(pair, error);
    }
  }

  async #showFiles(article, attachments) {
    try {
      const { showFiles } = await import("./elements/attachments-echo.js");
      showFiles(article, attachments);
      this.transcript.toEnd();
    } catch {
      // The server's rendering will show them.
    }
  }

  async #post(record, pair) {
    const backoff = new Backoff({ base: 1000 });
    const url = page.conversation ? urls.send() : urls.create;
    const fields = Object.entries({ ...record.fields, text: record.text, client_id: record.client_id });
    for (const { id } of record.attachments ?? []) fields.push(["attachments", id]);
    for (;;) {
      try {
        return await post(url, fields);
      } catch (error) {
        const passing = error instanceof Refused && error.status >= 500 && backoff.attempts < TRIES_WHEN_FAILING;
        if (!(error instanceof Unreached) && !passing) throw error;
        say(pair.reply, navigator.onLine ? "The server cannot be reached. Trying again." : "Goes out when the connection is back.");
        pair.repeated = true;
        await this.#pause(backoff.next());
        say(pair.reply, "");
      }
    }
  }

  #pause(delay) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #giveBack({ record, user, reply }, error) {
    if (!this.#waiting.delete(record.client_id)) return;
    user.remove();
    reply.remove();
    this.composer.takeBack(record);
    this.on.refused(error);
  }
}

export function turnArticle(text) {
  const article = clone("blank-user");
  const place = article.querySelector(".message__text");
  place.textContent = text;
  if (/\p{DI}/u.test(text)) import("./lib/hidden.js").then(({ markIn }) => markIn(place), () => {});
  return article;
}

function say(reply, sentence) {
  reply.querySelector(".waiting__text").textContent = sentence;
}
