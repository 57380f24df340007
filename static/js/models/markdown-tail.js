const LONG = 1500;
const VERY_LONG = 6000;

/**
 * Cuts growing plain text into paragraphs of bounded size, so that laying out one more word never costs
 * the whole text again. Blank lines begin a paragraph; so does a line end, or at last a space, in a long one.
 */
export class MarkdownTail {
  #begun;
  #length = 0;
  /* Line ends at the end of what came: only the next character tells what they mean. */
  #held = "";

  /** `continues`: the text goes on inside something already shown, so leading line ends count. */
  constructor({ continues = false } = {}) {
    this.#begun = continues;
  }

  /** Steps to draw the new text: a string goes to the end of the current paragraph, null begins a new one. */
  push(text) {
    const all = this.#held + text;
    let end = all.length;
    while (end > 0 && all[end - 1] === "\n") end -= 1;
    this.#held = all.slice(end);
    if (end === 0) return [];
    const steps = [];
    const body = this.#begun ? all.slice(0, end) : all.slice(0, end).replace(/^\n+/, "");
    body.split(/\n{2,}/).forEach((paragraph, number) => {
      if (number > 0) this.#break(steps);
      this.#fill(steps, paragraph);
    });
    this.#begun = true;
    return steps;
  }

  #break(steps) {
    steps.push(null);
    this.#length = 0;
  }

  #fill(steps, paragraph) {
    let rest = paragraph;
    while (rest) {
      const cut = this.#cut(rest);
      if (cut > 0) steps.push(rest.slice(0, cut));
      if (cut < 0) {
        steps.push(rest);
        this.#length += rest.length;
        return;
      }
      this.#break(steps);
      rest = rest.slice(cut + 1);
    }
  }

  /* Where to cut so that the paragraph stays short; the character there is dropped. Negative: nowhere. */
  #cut(text) {
    const length = this.#length + text.length;
    if (length <= LONG) return -1;
    const line = lastWithin(text, "\n", LONG - this.#length);
    if (line >= 0 || length <= VERY_LONG) return line;
    return lastWithin(text, " ", VERY_LONG - this.#length);
  }
}

/* The last place of the character within the room that is left; without room, its first place. */
function lastWithin(text, character, room) {
  return room > 0 ? text.lastIndexOf(character, room) : text.indexOf(character);
}
