import { getFresh, post } from "./lib/http.js";
import { announce, urls } from "./lib/page.js";
import { Answer } from "./models/answer.js";
import { AnswerView } from "./elements/answer-view.js";
import { settleInto } from "./elements/reconcile.js";

const ENDINGS = {
  completed: "The answer is complete.",
  stopped: "The answer was stopped.",
  failed: "There is no answer.",
  interrupted: "The answer broke off.",
};
const RUNNING = ["queued", "running"];

const stumbles = (error) => !(error.status < 500);
const messageIn = (fragment) => fragment.querySelector(".message");

export const isRunning = (article) => RUNNING.includes(article?.dataset.status);

/**
 * The running answers of this page: frames go in, models change, views draw, and at the end the server's own
 * rendering takes their place. `on`: changed() when one begins or ends, ended() when one is settled, unstopped(error).
 */
export class Answers {
  #answers = new Map();
  #views = new Map();
  /* Generations whose end this page has seen: a rendering that calls them running is an old one. */
  #over = new Set();
  #stopWhenKnown = false;
  /* Generations that somebody here has asked to stop. */
  #stopped = new Set();

  constructor({ transcript, send, on }) {
    this.transcript = transcript;
    this.send = send;
    this.on = on;
    transcript.addEventListener("drawn", ({ detail: view }) => this.#drawn(view));
  }

  get running() {
    return [...this.#answers.values()].filter((answer) => !answer.isDone);
  }

  /** The page is drawing into this article, or its last rendering is on the way. */
  isLive = (article) => this.#views.has(article.dataset.generation) || article.dataset.over === "";

  /** Whether a piece of HTML was rendered before an end that this page has seen. */
  isOutdated = (fragment) => [...fragment.children].some((article) => isRunning(article) && this.#over.has(article.dataset.generation));

  /** How far this page has an answer. */
  seq(generation) {
    return this.#answers.get(generation)?.seq ?? 0;
  }

  /** An answer exists in this article; frames may have come before. */
  bind(generation, article) {
    if (this.#over.has(generation)) return;
    const answer = this.#answer(generation, article.dataset.message);
    const before = this.#views.get(generation);
    if (before?.article === article) return;
    // The article that was drawn in has left the page with its branch.
    if (before) this.#release(before);
    const view = new AnswerView(answer, article);
    this.#views.set(generation, view);
    this.transcript.draw(view);
    this.on.changed();
    if (this.#stopWhenKnown) this.stop(generation);
  }

  frame(frame) {
    if (this.#over.has(frame.generation)) {
      if (frame.type === "message_stop") this.send({ type: "ack", generation: frame.generation, seq: frame.seq });
      return;
    }
    const answer = this.#answer(frame.generation, frame.message);
    if (frame.type === "message_start" && answer.version === 0) announce("The answer has begun.");
    if (answer.apply(frame) === "gap") this.send({ type: "resume", generation: answer.generation, after: answer.seq });
    const seq = answer.takeAck();
    if (seq !== null) this.send({ type: "ack", generation: answer.generation, seq });
    const view = this.#views.get(frame.generation) ?? this.#find(answer);
    if (view) this.transcript.draw(view);
  }

  /** Waiting for a retry, or slow: said where the answer will be. */
  status(frame) {
    const view = this.#views.get(frame.generation);
    if (!view || view.answer.hasContent) return;
    const sentence = frame.error?.message ?? "";
    if (frame.retry_at) view.countDown(sentence || "The service is busy.", Date.parse(frame.retry_at) || frame.retry_at * 1000);
    else view.wait(sentence || (frame.status === "slow" ? "The model is still thinking." : ""));
  }

  /** A new socket: the answer goes on where this page has it; a stop that the old one swallowed, too. */
  resume(generation) {
    this.send({ type: "resume", generation, after: this.seq(generation) });
    if (this.#stopped.has(generation)) this.stop(generation);
  }

  /** Asks the server to stop, as soon as the answer has an id. */
  async stop(generation) {
    this.#stopWhenKnown = !generation;
    if (!generation) return;
    this.#stopped.add(generation);
    if (!this.send({ type: "stop", generation })) await post(urls.stop(generation)).catch(this.on.unstopped);
  }

  /** This answer ended while the page was away. */
  async finished(article) {
    const generation = article.dataset.generation;
    const view = this.#views.get(generation);
    if (view) this.#release(view);
    this.#answers.delete(generation);
    await this.#settle(article);
  }

  /** Nothing more will come: what has been drawn stays as it is. */
  leave() {
    for (const view of [...this.#views.values()]) this.#conclude(view);
  }

  #answer(generation, message) {
    let answer = this.#answers.get(generation);
    if (!answer) {
      answer = new Answer(generation, message);
      this.#answers.set(generation, answer);
    }
    return answer;
  }

  #find(answer) {
    const article = this.transcript.get(answer.message);
    if (!article || answer.isDone) return null;
    Object.assign(article.dataset, { generation: answer.generation, status: "running" });
    this.bind(answer.generation, article);
    return this.#views.get(answer.generation);
  }

  async #drawn(view) {
    const { answer, article } = view;
    if (!answer.isDone || this.#views.get(answer.generation) !== view) return;
    this.#conclude(view);
    announce(ENDINGS[answer.end.status] ?? ENDINGS.completed);
    this.on.changed();
    await this.#settle(article, () => view.settle());
  }

  #conclude(view) {
    const { answer, article } = view;
    this.#release(view);
    this.#answers.delete(answer.generation);
    this.#over.add(answer.generation);
    article.removeAttribute("aria-busy");
    article.dataset.over = "";
  }

  #release(view) {
    view.end();
    this.#views.delete(view.answer.generation);
  }

  async #settle(article, before = () => {}) {
    try {
      // The news of the end may be faster than another process's memory.
      const { fragment } = await getFresh(urls.message(article.dataset.message), (it) => isRunning(messageIn(it)), stumbles);
      const fresh = messageIn(fragment);
      this.transcript.keepPlace(() => {
        before();
        settleInto(article, fresh);
        delete article.dataset.over;
      });
      this.on.ended();
    } catch {
      // Off the network: it stays "running", and the refresh after reconnecting settles it.
      article.dataset.over = "unsettled";
    }
    this.on.changed();
  }
}
