import { announce } from "../lib/page.js";
import { clone } from "../lib/html.js";
import { fileSize } from "./attachments-echo.js";
import { isThere, sendFile, takeBack } from "../models/upload-request.js";
import { Uploads } from "../models/uploads.js";

const NUMBER = new Intl.NumberFormat("en-US");
const SHOWN_AT_ONCE = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/**
 * <chat-attachments>: the files of the draft as a row above the text. Loaded with the first file. The composer asks
 * it what there is; it dispatches "files" when that changes.
 */
export class ChatAttachments extends HTMLElement {
  isReady = false;
  #list = null;
  #uploads = null;
  #rows = new Map();
  #dragged = null;
  #listeners = null;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    this.#list = this.querySelector("ul");
    this.#uploads = new Uploads({ send: sendFile, isThere, changed: (item) => (item ? this.#drawProgress(item) : this.#draw()) });
    this.addEventListener("click", (event) => this.#press(event), { signal });
    this.addEventListener("dragstart", (event) => this.#dragStart(event), { signal });
    this.addEventListener("dragover", (event) => this.#dragOver(event), { signal });
    this.addEventListener("dragend", () => this.#dragEnd(), { signal });
    addEventListener("online", () => this.#uploads.retryAll(), { signal });
    this.isReady = true;
    this.restore();
  }

  disconnectedCallback() {
    this.#listeners.abort();
  }

  get #composer() {
    return this.closest("chat-composer");
  }

  get count() {
    return this.#uploads.items.length;
  }

  get isBusy() {
    return this.#uploads.underWay.length > 0;
  }

  /** Why the message cannot go out with these files; empty when it can. */
  get problem() {
    const { length } = this.#uploads.refused;
    if (!length) return "";
    return length === 1 ? "One file was not uploaded. Remove it or try again." : `${length} files were not uploaded. Remove them or try again.`;
  }

  get waiting() {
    const { length } = this.#uploads.underWay;
    return length === 1 ? "Sends when the file is uploaded." : `Sends when ${length} files are uploaded.`;
  }

  add(files) {
    this.#uploads.add(files);
    announce(files.length === 1 ? "One file is being uploaded." : `${files.length} files are being uploaded.`);
  }

  /** The files that the draft remembers: after a reload, and when a send was refused. */
  restore() {
    this.#uploads.restore(this.#composer.draft.attachments);
  }

  /** The attachments for a send; the row is empty afterwards. */
  take() {
    const { attachments } = this.#uploads;
    this.#uploads.clear();
    return attachments;
  }

  #draw() {
    const { items } = this.#uploads;
    for (const [item, row] of this.#rows) {
      if (items.includes(item)) continue;
      row.remove();
      this.#rows.delete(item);
      forgetPreview(item);
    }
    items.forEach((item, index) => {
      const row = this.#rows.get(item) ?? this.#add(item);
      if (this.#list.children[index] !== row) this.#list.insertBefore(row, this.#list.children[index] ?? null);
    });
    this.#number();
    this.hidden = !items.length;
    this.#composer.draft.attach(this.#uploads.kept);
    this.dispatchEvent(new Event("files"));
  }

  #add(item) {
    const row = clone("blank-upload");
    row.querySelector(".upload__name").textContent = item.name;
    row.title = item.name;
    const { picture } = item;
    if (picture && item.file && SHOWN_AT_ONCE.includes(item.file.type)) {
      item.preview = URL.createObjectURL(item.file);
      showPicture(row, item.preview);
    }
    this.#rows.set(item, row);
    return row;
  }

  #number() {
    const { items } = this.#uploads;
    let pictures = 0;
    items.forEach((item, index) => {
      if (item.picture && item.state !== "refused") item.label = `Image ${(pictures += 1)}`;
      const row = this.#rows.get(item);
      this.#drawState(item, row);
      name(row, "earlier", `Move ${item.name} forward`, index === 0);
      name(row, "later", `Move ${item.name} back`, index === items.length - 1);
      name(row, "remove", `Remove ${item.name}`);
      name(row, "retry", `Try ${item.name} again`).hidden = !(item.state === "refused" && item.passing);
      row.draggable = items.length > 1;
    });
    this.classList.toggle("attachments--several", items.length > 1);
  }

  #drawState(item, row) {
    const changed = row.dataset.state !== item.state;
    row.dataset.state = item.state;
    row.querySelector(".upload__detail").textContent = detail(item);
    this.#drawProgress(item);
    if (!changed) return;
    if (item.state === "refused") {
      announce(`${item.name}: ${item.problem}`);
      // The row shows three lines of files or so: why a message cannot go out must be among them.
      row.scrollIntoView({ block: "nearest" });
    }
    if (item.state !== "done") return;
    const { thumbnail_url: thumbnail } = item.attachment;
    row.querySelector(".upload__name").textContent = item.name;
    if (thumbnail) showPicture(row, thumbnail);
    forgetPreview(item);
  }

  #drawProgress(item) {
    const row = this.#rows.get(item);
    if (!row) return;
    const bar = row.querySelector("progress");
    bar.hidden = item.state === "done" || item.state === "refused";
    bar.setAttribute("aria-label", `Upload of ${item.name}`);
    if (item.state === "checking") bar.removeAttribute("value");
    else bar.value = item.progress ?? 0;
    if (row.dataset.state !== item.state) this.#drawState(item, row);
  }

  #press({ target }) {
    const button = target.closest("[data-upload]");
    const item = button && this.#itemOf(button);
    if (!item || button.getAttribute("aria-disabled") === "true") return;
    const at = this.#uploads.items.indexOf(item);
    if (button.dataset.upload === "retry") this.#uploads.retry(item);
    else if (button.dataset.upload === "remove") this.#remove(item, at);
    else this.#move(item, at + (button.dataset.upload === "earlier" ? -1 : 1), button);
  }

  #remove(item, at) {
    this.#uploads.remove(item);
    if (item.attachment) takeBack(item.attachment);
    const next = this.#list.children[Math.min(at, this.count - 1)];
    if (next) next.querySelector("[data-upload=remove]").focus();
    else this.#composer.focus();
    announce(`${item.name} was removed.`);
  }

  #move(item, to, button) {
    this.#uploads.move(item, to);
    button.focus();
    announce(`${item.name} is number ${to + 1} of ${this.count}.`);
  }

  #itemOf(element) {
    const row = element.closest(".upload");
    return [...this.#rows].find(([, one]) => one === row)?.[0] ?? null;
  }

  #dragStart(event) {
    this.#dragged = this.#itemOf(event.target);
    if (!this.#dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", this.#dragged.name);
    this.#rows.get(this.#dragged).classList.add("upload--dragged");
  }

  #dragOver(event) {
    if (!this.#dragged) return;
    event.preventDefault();
    const over = this.#itemOf(event.target);
    if (over && over !== this.#dragged) this.#uploads.move(this.#dragged, this.#uploads.items.indexOf(over));
  }

  #dragEnd() {
    this.#rows.get(this.#dragged)?.classList.remove("upload--dragged");
    this.#dragged = null;
  }
}

/* What is known about a file, in one line. */
function detail({ state, size, label, picture, attachment, problem }) {
  if (state === "refused") return problem;
  if (state === "waiting") return problem || "Waiting";
  if (state !== "done") return fileSize(size);
  const { pages, tokens } = attachment;
  const extent = pages ? `${pages} ${pages === 1 ? "page" : "pages"}` : fileSize(size);
  return [picture && label, extent, tokens && `≈\u00a0${NUMBER.format(tokens)}\u00a0tokens`].filter(Boolean).join(" · ");
}

function name(row, act, label, isOff = false) {
  const button = row.querySelector(`[data-upload=${act}]`);
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-disabled", String(isOff));
  return button;
}

function showPicture(row, address) {
  const img = row.querySelector("img");
  const show = (isPicture) => {
    img.hidden = !isPicture;
    row.querySelector(".upload__picture svg").toggleAttribute("hidden", isPicture);
  };
  // What is no picture, whatever its name says, keeps the sign of a file.
  img.onerror = () => show(false);
  img.src = address;
  show(true);
}

function forgetPreview(item) {
  if (item.preview) URL.revokeObjectURL(item.preview);
  item.preview = null;
}

customElements.define("chat-attachments", ChatAttachments);
