import { Answers, isRunning } from "./answers.js";
import { getFresh, signIn, Unreached } from "./lib/http.js";
import { page, serverNow, urls } from "./lib/page.js";
import { Connection } from "./models/connection.js";
import { Sending } from "./sending.js";

/* What is needed on a bad network, or at the first answer, is fetched while all is well. */
const LATER = 3000;
const surroundings = () => import("./surroundings.js");
const OF_ANSWERS = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop", "block_html"];

/**
 * The conversation that this page shows: its socket, its running answers, its sends. Everything that the server
 * says goes through `frame`. Dispatches on `document`: "chatsite:conversation" (news of any conversation),
 * "chatsite:moved" (a new one has come into being here), "chatsite:reconnected", "chatsite:presence" (who is here).
 */
export class Session {
  #handlers = {
    conversation: (frame) => this.#opened(frame),
    message_created: (frame) => this.#created(frame),
    conversation_updated: (frame) => this.#updated(frame.conversation),
    generation_status: (frame) => this.answers.status(frame),
    presence: ({ people }) => document.dispatchEvent(new CustomEvent("chatsite:presence", { detail: people })),
  };
  #seenBefore = false;
  /* News is left for after a send's acknowledgement. */
  #behind = false;
  /* The conversation has come into being here, and its header is not here yet. */
  #isBare = false;
  #isGone = false;
  #wasOpen = false;
  #fallback = null;
  #refreshing = null;
  /* What was asked of the server before is not how it has things now. */
  #isOvertaken = false;
  /** client_ids of this page's acts that are on their way: their POST's answer is enough. */
  own = new Set();

  constructor({ transcript, composer, bar, fields }) {
    this.transcript = transcript;
    this.composer = composer;
    this.bar = bar;
    for (const name of OF_ANSWERS) this.#handlers[name] = (frame) => this.answers.frame(frame);
    this.connection = new Connection({
      url: urls.socket(),
      socket: (url) => new WebSocket(url),
      timers: window,
      handlers: {
        frame: (frame) => this.frame(frame),
        state: (state) => this.#state(state),
        signedOut: signIn,
        gone: () => this.gone(),
        suspicious: () => this.#ask(),
      },
    });
    this.answers = new Answers({
      transcript,
      send: (frame) => this.connection.send(frame),
      on: { changed: () => this.#changed(), ended: () => this.#totals(), unstopped: (error) => this.#unstopped(error) },
    });
    this.sending = new Sending({
      transcript,
      composer,
      fields,
      on: {
        began: () => this.#changed(),
        acknowledged: (pair, result) => this.#acknowledged(pair, result),
        refused: (error) => this.refused(error),
      },
    });
  }

  start() {
    this.#mayWrite(page.mayWrite);
    this.#bindRunning();
    this.connection.connect();
    this.sending.takeUp();
    this.#changed();
    addEventListener("online", () => this.connection.again());
    addEventListener("offline", () => this.bar.update(this.connection.state));
    addEventListener("pageshow", (event) => event.persisted && this.connection.connect());
    document.addEventListener("visibilitychange", () => !document.hidden && this.connection.hurry());
    for (const load of [() => this.#loadFallback(), surroundings]) setTimeout(() => load().catch(() => {}), LATER);
  }

  frame(frame) {
    this.#handlers[frame.type]?.(frame);
  }

  /** The article of the running answer, if there is one. */
  get runningArticle() {
    const last = this.transcript.last("assistant");
    return last && (isRunning(last) || !last.dataset.message) && !last.hasAttribute("data-over") ? last : null;
  }

  stop() {
    const article = this.runningArticle;
    if (!article) return;
    this.composer.stopping = true;
    this.answers.stop(article.dataset.generation);
  }

  /** The server has made these rows for these articles. */
  started({ message, reply, generation }, { user, reply: article }) {
    if (user && message) {
      user.dataset.message = message;
      user.classList.remove("message--pending");
      // By the server's clock, in the zone of the account, as the server writes it.
      user.querySelector(".foot__facts").textContent = new Date(serverNow() + page.utcOffset).toISOString().slice(11, 16);
    }
    this.#isOvertaken = true;
    article.dataset.message = reply;
    article.dataset.generation = generation;
    article.dataset.status = "running";
    this.answers.bind(generation, article);
    this.#fallback?.follow(generation);
  }

  /** The transcript as the server has it now; what already shows the same stays untouched. */
  refresh() {
    this.#isOvertaken = this.#refreshing !== null;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** A write of this page was refused. */
  async refused(error) {
    this.#changed();
    // Readers hear no more than that there is nothing: the history tells what is so.
    if (error.status === 404 || this.#behind) await this.refresh();
    this.composer.say(this.composer.closed || error.message, { problem: true });
  }

  /** Deleted, or no longer shared: what is shown stays. News go on, of others and of this one's return. */
  gone() {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#fallback?.end();
    this.answers.leave();
    this.#changed();
    this.composer.closed = "Nothing can be sent here any more.";
    this.bar.gone();
    // Who is here is told no more.
    this.frame({ type: "presence", people: [] });
    this.connection.url = urls.socket("");
    this.connection.connect();
  }

  async #refresh() {
    const wasGone = this.#isGone;
    try {
      const { fragment, headers } = await getFresh(urls.history(), (fragment) => this.#isOld(fragment));
      if (wasGone) location.reload();
      // Also what was asked before it went: that is no reason to open the field again.
      if (this.#isGone) return;
      this.transcript.reconcile(fragment, this.answers.isLive);
      // An echo may stand under another branch now.
      this.#behind = this.sending.isBusy;
      this.transcript.earlier = headers.get("X-Has-Earlier") === "1";
      this.#mayWrite(headers.get("X-May-Write") === "1");
      this.#bindRunning();
      if (this.#isBare) await this.#dress();
      else this.#totals();
    } catch (error) {
      if (error.status === 404) this.gone();
      // A new socket would catch up by itself.
      else if ((error instanceof Unreached || error.status >= 500) && this.connection.state === "open") setTimeout(() => this.refresh(), LATER);
    }
    this.#changed();
  }

  /* Older than a write of our own, than what somebody asks for only now, or than an end that this page has seen. */
  #isOld(fragment) {
    const isOvertaken = this.#isOvertaken;
    this.#isOvertaken = false;
    return isOvertaken || this.answers.isOutdated(fragment);
  }

  #mayWrite(may) {
    this.composer.closed = may ? "" : "You may read this conversation, but not write in it.";
  }

  #bindRunning() {
    for (const article of this.transcript.articles) {
      if (isRunning(article) && article.dataset.generation) this.answers.bind(article.dataset.generation, article);
    }
  }

  #opened(frame) {
    const running = new Set(frame.running.map((one) => one.generation));
    for (const { generation } of frame.running) this.answers.resume(generation);
    for (const article of this.transcript.articles) {
      const { generation } = article.dataset;
      if (generation && isRunning(article) && !running.has(generation)) this.answers.finished(article);
    }
    const unknown = frame.running.some(({ message }) => !this.transcript.get(message));
    if (this.#seenBefore || unknown) this.#catchUp();
    this.#seenBefore = true;
  }

  #created(frame) {
    const result = { message: frame.message.id, reply: frame.reply, generation: frame.generation };
    if (this.sending.acknowledge(frame.client_id, result)) return;
    if (!this.own.has(frame.client_id) && !this.transcript.get(frame.reply)) this.refresh();
  }

  #updated(conversation) {
    document.dispatchEvent(new CustomEvent("chatsite:conversation", { detail: conversation }));
    if (conversation.id !== page.conversation) return;
    if (conversation.deleted) this.gone();
    // Something was said while this page was made and its socket opened, or somebody's rights changed.
    else if (this.#isGone || conversation.rights_changed || (conversation.leaf && !this.transcript.get(conversation.leaf))) this.#catchUp();
  }

  /* An echo may be on the server already: then catching up comes after its acknowledgement. */
  #catchUp() {
    this.#behind = this.sending.isBusy;
    if (!this.#behind) this.refresh();
  }

  #acknowledged(pair, result) {
    if (result.conversation && !page.conversation) this.#move(result);
    this.connection.hurry();
    if (pair.repeated) {
      /* Like nothing that was rendered: the server's rendering takes its place. */
      pair.user.dataset.message = result.message;
      pair.reply.dataset.message = result.reply;
      pair.user.dataset.status = pair.reply.dataset.status = "echo";
      this.refresh();
    } else {
      this.started(result, pair);
      if (this.#behind) this.#catchUp();
    }
    this.#changed();
  }

  /* The first send: this page becomes the new conversation's without a reload. */
  #move({ conversation, url }) {
    page.conversation = conversation;
    history.pushState({}, "", url);
    this.composer.moveTo(conversation);
    this.connection.url = urls.socket();
    this.#seenBefore = false;
    this.connection.connect();
    this.#isBare = true;
    this.#dress();
  }

  #unstopped(error) {
    this.composer.stopping = false;
    this.composer.say(error.message, { problem: true });
  }

  /* Header, menus and settings of the new conversation; off the network, later. */
  async #dress() {
    try {
      await (await surroundings()).showConversation();
      this.#isBare = false;
      document.dispatchEvent(new Event("chatsite:moved"));
    } catch {
      // The refresh after reconnecting asks again.
    }
  }

  #state(state) {
    this.bar.update(state);
    if (state !== "open") return;
    this.#fallback?.end();
    if (this.#wasOpen) document.dispatchEvent(new Event("chatsite:reconnected"));
    this.#wasOpen = true;
  }

  async #loadFallback() {
    const { Fallback } = await import("./fallback.js");
    this.#fallback ??= new Fallback({ connection: this.connection, bar: this.bar, answers: this.answers, frame: (frame) => this.frame(frame) });
  }

  /* Three sockets in a row failed: HTTP brings the news, where it gets through. */
  async #ask() {
    if (page.conversation && !this.sending.isBusy) await this.refresh();
    await this.#loadFallback().catch(() => {});
    await this.#fallback?.takeOver();
  }

  #changed() {
    const running = this.runningArticle;
    const asker = running?.previousElementSibling?.querySelector(".message__author");
    this.composer.answering = running !== null;
    if (asker) this.composer.say(`${asker.children[1].textContent} is asking.`);
  }

  async #totals() {
    try {
      await (await surroundings()).showTotals();
    } catch {
      // They are shown anew after the next answer.
    }
  }
}
