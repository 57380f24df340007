import { AltText } from "./alt-text.js";

const STEP = 1.25;
const SMALLEST = 0.05;
const LARGEST = 8;
const PAN = 80;

let viewer = null;

/** Opens the picture behind this link, among those of its message. Loaded with the first press on a picture. */
export function view(link) {
  viewer ??= new Viewer(document.getElementById("viewer"));
  viewer.open(link);
}

/** The dialog that shows pictures whole: ← → other pictures, or pan when enlarged; + − 0 zoom; Esc closes. */
class Viewer {
  #links = [];
  #at = 0;
  /* 0: as large as fits. */
  #zoom = 0;
  #opener = null;

  constructor(dialog) {
    this.dialog = dialog;
    this.stage = dialog.querySelector(".viewer__stage");
    this.img = dialog.querySelector(".viewer__picture");
    const form = dialog.querySelector("#alt-text");
    this.alt = form && new AltText(form, (alt) => (this.img.alt = alt));
    this.img.addEventListener("load", () => this.#layOut());
    this.img.addEventListener("dblclick", () => this.#set(this.#zoom ? 0 : 1));
    dialog.addEventListener("click", (event) => this.#press(event));
    dialog.addEventListener("keydown", (event) => this.#key(event));
    dialog.addEventListener("close", () => this.#closed());
    this.stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.stage.addEventListener("pointerdown", (event) => this.#grab(event));
    addEventListener("resize", () => dialog.open && this.#layOut());
  }

  open(link) {
    this.#opener = link;
    this.#links = [...(link.closest(".message__files") ?? link.parentElement).querySelectorAll(".attachment--image")];
    this.dialog.showModal();
    this.#show(this.#links.indexOf(link));
    this.stage.focus();
  }

  #show(at) {
    this.#at = at;
    this.#zoom = 0;
    const link = this.#links[at];
    const { alt } = link.querySelector("img");
    this.img.alt = alt;
    this.img.src = link.href;
    /* A picture that has just been sent has no other words than its name. */
    link.dataset.name ||= alt;
    this.#part("name").textContent = link.dataset.name;
    this.alt?.show(link);
    this.#part("count").textContent = this.#links.length > 1 ? `${at + 1} / ${this.#links.length}` : "";
    this.dialog.querySelector("[download]").href = link.href;
    for (const [act, step] of [["previous", -1], ["next", 1]]) {
      const button = this.dialog.querySelector(`[data-view=${act}]`);
      button.hidden = this.#links.length < 2;
      button.setAttribute("aria-disabled", String(!this.#links[at + step]));
    }
    this.#layOut();
  }

  #step(step) {
    if (this.#links[this.#at + step]) this.#show(this.#at + step);
  }

  get #natural() {
    const { width, height } = this.#links[this.#at].dataset;
    return { width: Number(width) || this.img.naturalWidth || 1, height: Number(height) || this.img.naturalHeight || 1 };
  }

  get #fit() {
    const { width, height } = this.#natural;
    return Math.min(1, this.stage.clientWidth / width, this.stage.clientHeight / height);
  }

  get #scale() {
    return this.#zoom || this.#fit;
  }

  /* What is in the middle of the stage stays there. */
  #set(zoom) {
    const { stage } = this;
    const x = (stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth;
    const y = (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight;
    this.#zoom = zoom && Math.min(LARGEST, Math.max(SMALLEST, zoom));
    this.#layOut();
    stage.scrollTo(x * stage.scrollWidth - stage.clientWidth / 2, y * stage.scrollHeight - stage.clientHeight / 2);
  }

  #layOut() {
    const { width, height } = this.#natural;
    const scale = this.#scale;
    this.img.style.inlineSize = `${Math.max(1, Math.floor(width * scale))}px`;
    this.img.style.blockSize = `${Math.max(1, Math.floor(height * scale))}px`;
    this.#part("zoom").textContent = `${Math.round(scale * 100)} %`;
    this.dialog.classList.toggle("viewer--large", this.#isLarge);
  }

  get #isLarge() {
    return this.#scale > this.#fit * 1.001;
  }

  #part(name) {
    return this.dialog.querySelector(`.viewer__${name}`);
  }

  #press({ target }) {
    const act = target.closest("[data-view]")?.dataset.view;
    if (act) this.#act(act);
    else if (target === this.stage && !this.#isLarge) this.dialog.close();
  }

  #act(act) {
    if (act === "previous") this.#step(-1);
    else if (act === "next") this.#step(1);
    else if (act === "larger") this.#set(this.#scale * STEP);
    else if (act === "smaller") this.#set(this.#scale / STEP);
    else if (act === "fit") this.#set(0);
    else this.dialog.close();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.form) return;
    const act = { "+": "larger", "=": "larger", "-": "smaller", 0: "fit" }[event.key];
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const rise = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (act) this.#act(act);
    else if (way && !this.#isLarge) this.#step(way);
    else if (way || rise) this.stage.scrollBy((way ?? 0) * PAN, (rise ?? 0) * PAN);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.#set(this.#scale * (event.deltaY < 0 ? STEP : 1 / STEP));
  }

  /* With a mouse, an enlarged picture is moved by pulling it; fingers scroll by themselves. */
  #grab(event) {
    if (event.pointerType !== "mouse" || event.button !== 0 || !this.#isLarge) return;
    event.preventDefault();
    const { stage } = this;
    const pull = ({ movementX, movementY }) => stage.scrollBy(-movementX, -movementY);
    const end = new AbortController();
    stage.setPointerCapture(event.pointerId);
    stage.addEventListener("pointermove", pull, { signal: end.signal });
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => end.abort(), { signal: end.signal });
  }

  #closed() {
    this.img.removeAttribute("src");
    this.#opener.focus({ preventScroll: true });
  }
}
