/* More would only wait in the server. */
const AT_ONCE = 2;
/* What the same bytes will not change. */
const FINAL = [400, 413, 415, 422];
const UNDER_WAY = ["waiting", "sending", "checking"];

const INTERRUPTED = "This was not uploaded yet when the page was closed. Attach it again.";
const GONE = "This file is no longer there. Attach it again.";

/**
 * The files of a message that is being written, in their order. An item is `{name, size, picture, file, state,
 * progress, attachment, problem, passing}`; `state` is `waiting`, `sending`, `checking` (all bytes are there), `done`
 * or `refused`, and `passing` says that a refusal may be over when it is tried again.
 */
export class Uploads {
  items = [];
  #send;
  #isThere;
  #changed;

  /** `send(file, {progress, signal})` resolves to the attachment; `changed(item)` hears of progress, `changed()` of the rest. */
  constructor({ send, isThere, changed }) {
    this.#send = send;
    this.#isThere = isThere;
    this.#changed = changed;
  }

  get underWay() {
    return this.items.filter(({ state }) => UNDER_WAY.includes(state));
  }

  get refused() {
    return this.items.filter(({ state }) => state === "refused");
  }

  get attachments() {
    return this.items.filter(({ state }) => state === "done").map(({ attachment }) => attachment);
  }

  /** What a reload shall bring back: attachments, and `{name, size}` of what would be lost with it. */
  get kept() {
    return this.items
      .filter(({ state, file }) => state !== "refused" || file)
      .map(({ attachment, name, size }) => attachment ?? { name, size });
  }

  add(files) {
    for (const file of files) {
      this.items.push({ name: file.name || "Pasted file", size: file.size, picture: file.type.startsWith("image/"), file, state: "waiting", progress: 0 });
    }
    this.#go();
  }

  /** The files of an earlier visit, before those of this one. */
  restore(kept) {
    const known = new Set(this.attachments.map(({ id }) => id));
    const isFirst = !this.items.length;
    const items = kept.filter(({ id }) => (id ? !known.has(id) : isFirst)).map(restored);
    this.items.unshift(...items);
    for (const item of items.filter(({ attachment }) => attachment)) this.#check(item);
    this.#changed();
  }

  retry(item) {
    Object.assign(item, { state: "waiting", progress: 0, problem: "" });
    this.#go();
  }

  /** What failed for a passing reason starts again. */
  retryAll() {
    for (const item of this.refused) if (item.passing) this.retry(item);
  }

  remove(item) {
    this.items = this.items.filter((one) => one !== item);
    item.stop?.abort();
    this.#go();
  }

  move(item, to) {
    const at = this.items.indexOf(item);
    if (at < 0 || to < 0 || to >= this.items.length || at === to) return;
    this.items.splice(at, 1);
    this.items.splice(to, 0, item);
    this.#changed();
  }

  clear() {
    this.items = [];
    this.#changed();
  }

  #go() {
    const running = this.underWay.filter(({ state }) => state !== "waiting").length;
    const next = this.underWay.filter(({ state, isHeld }) => state === "waiting" && !isHeld).slice(0, Math.max(0, AT_ONCE - running));
    for (const item of next) this.#begin(item);
    this.#changed();
  }

  async #begin(item) {
    Object.assign(item, { state: "sending", problem: "" });
    item.stop = new AbortController();
    const progress = (share) => {
      item.progress = share;
      if (share >= 1) item.state = "checking";
      this.#changed(item);
    };
    try {
      const attachment = await this.#send(item.file, { progress, signal: item.stop.signal });
      Object.assign(item, { state: "done", attachment, name: attachment.name, file: null });
    } catch (error) {
      if (error.after) return this.#hold(item, error);
      Object.assign(item, { state: "refused", problem: error.message, passing: !FINAL.includes(error.status) });
      if (!item.passing) item.file = null;
    }
    if (this.items.includes(item)) this.#go();
  }

  /* The server has too many files on their way: this one goes again by itself. Not all pages at the same moment. */
  #hold(item, { message, after }) {
    Object.assign(item, { state: "waiting", progress: 0, problem: message, isHeld: true });
    setTimeout(() => {
      item.isHeld = false;
      this.#go();
    }, after * 1000 * (1 + Math.random()));
    this.#go();
  }

  async #check(item) {
    if (await this.#isThere(item.attachment)) return;
    Object.assign(item, { state: "refused", problem: GONE, attachment: null });
    this.#changed();
  }
}

function restored(one) {
  if (!one.id) return { ...one, picture: false, file: null, state: "refused", problem: INTERRUPTED };
  return { name: one.name, size: one.size, picture: one.media_type.startsWith("image/"), file: null, state: "done", attachment: one };
}
