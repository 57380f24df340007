import { clone } from "../lib/html.js";
import { serverNow } from "../lib/page.js";
import { ThinkingView, ToolView } from "./aside-views.js";
import { TextView } from "./text-view.js";

const VIEWS = {
  text: ["blank-text", TextView],
  thinking: ["blank-thinking", ThinkingView],
  tool_use: ["blank-tool", ToolView],
  server_tool_use: ["blank-tool", ToolView],
};
const STILL_THINKING = 10000;
const REPLAY_PATIENCE = 400;

/** Draws a running answer into its article. */
export class AnswerView {
  #answer;
  #article;
  #blocks;
  #waiting;
  #views = new Map();
  #version = 0;
  #caret = null;
  #timer = null;
  #holdUntil = 0;
  #isOver = false;

  constructor(answer, article) {
    this.#answer = answer;
    this.#article = article;
    this.#blocks = article.querySelector(".message__blocks");
    this.#waiting = article.querySelector(".waiting");
    article.classList.add("message--drawn");
    this.wait();
  }

  get article() {
    return this.#article;
  }

  get answer() {
    return this.#answer;
  }

  /** Draws what has come since the last frame. Returns true when it needs another one. */
  flush() {
    if (this.#version !== this.#answer.version) {
      if (this.#isBehind()) return true;
      this.#restart();
    }
    let more = false;
    for (const block of this.#answer.blocks.values()) {
      const view = this.#views.get(block.index) ?? this.#add(block);
      if (view?.flush()) more = true;
    }
    if (this.#answer.hasContent) this.#stopWaiting();
    this.#moveCaret();
    return more;
  }

  /** The pulse, and after a while a line that says that this is normal. */
  wait(sentence = "") {
    clearInterval(this.#timer);
    this.#waiting.hidden = false;
    this.#say(sentence);
    if (!sentence) this.#timer = setTimeout(() => this.#say("The model is still thinking."), STILL_THINKING);
  }

  /** A retry at a known time: counts down. */
  countDown(sentence, retryAt) {
    this.wait(sentence);
    const tick = () => {
      const seconds = Math.max(0, Math.round((retryAt - serverNow()) / 1000));
      this.#say(`${sentence} ${seconds ? `Trying again in ${seconds} s.` : "Trying again."}`);
    };
    tick();
    this.#timer = setInterval(tick, 1000);
  }

  /** The answer is over: nothing moves any more. */
  end() {
    this.#isOver = true;
    this.#stopWaiting();
    this.#moveCaret();
  }

  settle() {
    for (const view of this.#views.values()) view.settle?.();
  }

  /* What is shown already stays while the answer is told again from its beginning, though not for long. */
  #isBehind() {
    if (!this.#blocks.childElementCount || this.#answer.isDone) return false;
    this.#holdUntil ||= performance.now() + REPLAY_PATIENCE;
    const first = [...this.#answer.blocks.values()].find((block) => block.type === "text");
    return !first?.closed.length && !first?.provisional && performance.now() < this.#holdUntil;
  }

  #restart() {
    this.#version = this.#answer.version;
    this.#holdUntil = 0;
    this.#views.clear();
    this.#blocks.replaceChildren();
    for (const block of this.#answer.blocks.values()) if (block.closed.length) block.changedFrom = 0;
  }

  #add(block) {
    const [template, View] = VIEWS[block.type] ?? [];
    if (!View) return null;
    const element = clone(template);
    element.dataset.index = block.index;
    this.#blocks.append(element);
    const view = new View(block, element, this.#answer.blocks.get(block.index - 1));
    this.#views.set(block.index, view);
    return view;
  }

  #moveCaret() {
    const host = (!this.#isOver && [...this.#views.values()].at(-1)?.caretHost) || null;
    if (host === this.#caret) return;
    this.#caret?.classList.remove("caret");
    host?.classList.add("caret");
    this.#caret = host;
  }

  #stopWaiting() {
    clearInterval(this.#timer);
    this.#waiting.hidden = true;
  }

  #say(sentence) {
    this.#waiting.querySelector(".waiting__text").textContent = sentence;
  }
}
