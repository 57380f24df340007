const PATIENCE = 1500;

/** The thin line over the transcript that says that the page is cut off, and only when it lasts. */
export class ConnectionBar {
  #element;
  #timer = null;
  #cutOff = "lost";
  #isGone = false;

  constructor(element) {
    this.#element = element;
  }

  update(state) {
    if (this.#isGone) return;
    if (state === "open" && navigator.onLine) {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#cutOff = "lost";
      this.#element.hidden = true;
    } else if (this.#timer === null || !navigator.onLine) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#show(), navigator.onLine ? PATIENCE : 0);
    }
  }

  /** Whether the server answers although no socket comes through. */
  reached(is) {
    const cutOff = is ? "limited" : "lost";
    // Screen readers say it once.
    if (this.#isGone || cutOff === this.#cutOff) return;
    this.#cutOff = cutOff;
    if (!this.#element.hidden) this.#show();
  }

  gone() {
    this.#isGone = true;
    clearTimeout(this.#timer);
    this.#element.classList.add("bar--gone");
    this.#say("gone");
    const link = document.createElement("a");
    link.className = "button";
    link.href = "/";
    link.textContent = "New conversation";
    this.#element.append(link);
  }

  #show() {
    this.#say(navigator.onLine ? this.#cutOff : "offline");
  }

  /* The sentences stand at the element. */
  #say(what) {
    const line = document.createElement("p");
    line.textContent = this.#element.dataset[what];
    this.#element.replaceChildren(line);
    this.#element.hidden = false;
  }
}
