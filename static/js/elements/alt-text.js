import { announce } from "../lib/page.js";
import { post } from "../lib/http.js";

/** The form in the viewer that changes the words for those who cannot see the picture; not there for readers. */
export class AltText {
  #link = null;
  /* What the person had before their eyes: another description than this is somebody else's. */
  #basedOn = "";

  /** `changed(alt)` hears that the picture that is shown has other words now. */
  constructor(form, changed) {
    this.form = form;
    this.changed = changed;
    this.field = form.querySelector("textarea");
    this.problem = form.querySelector("[role=alert]");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save().catch((error) => {
        this.problem.textContent = error.message;
        this.#basedOn = error.current ?? this.#basedOn;
      });
    });
  }

  show(link) {
    const { alt } = link.querySelector("img");
    this.#link = link;
    this.form.hidePopover();
    this.problem.textContent = "";
    this.field.value = this.#basedOn = alt === link.dataset.name ? "" : alt;
  }

  async #save() {
    const link = this.#link;
    const { alt } = await post(`${link.getAttribute("href")}alt/`, { alt: this.field.value, based_on: this.#basedOn });
    link.querySelector("img").alt = alt;
    announce("The description was saved.");
    if (link !== this.#link) return;
    this.show(link);
    this.changed(alt);
  }
}
