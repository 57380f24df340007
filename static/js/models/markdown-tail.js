const LONG = 1500;
const VERY_LONG = 6000;
/* What a line may begin with, and what may still become that when more text comes. */
const LINE = /(?<heading>#{1,6}) +|(?<item>[-*+]|\d{1,3}[.)]) +|(?<fence>```)[^\n]*\n|(?<table>\|)|(?<math>\$\$|\\\[)/y;
const UNDECIDED = /#{1,6} *$|[-*+] *$|\d{1,3}[.)]? *$|`{1,2}$|```[^\n]*$|\$$|\\$|\n+$/y;
const FENCE_END = /```[ \t]*(?=\n)/y;
const PLAIN = /[^*`\n]+/y;
const ELEMENTS = { "**": "strong", "`": "code" };

/**
 * Reads growing Markdown that the server has not rendered yet, and says how to draw it: a string goes to the end,
 * null begins a paragraph, {kind} says what the paragraph is, {open} and {close} are emphasis. Only the commonest
 * marks are known, for the fraction of a second until the real HTML comes; all other text is drawn as it is.
 * Paragraphs stay short, so that laying out one more word never costs the whole text again.
 */
export class MarkdownTail {
  #begun;
  #atLineStart;
  #length = 0;
  #held = "";
  #mark = null;
  #kind = "";
  #steps = [];

  /** `continues`: the text goes on inside something already shown; `mark`: inside emphasis that is open there. */
  constructor({ continues = false, mark = null } = {}) {
    this.#begun = continues;
    this.#atLineStart = !continues;
    this.#mark = mark;
  }

  push(text) {
    this.#steps = [];
    const all = this.#held + text;
    this.#held = "";
    let at = 0;
    while (at < all.length) {
      const next = this.#atLineStart ? this.#line(all, at) : this.#inline(all, at);
      if (next < 0) {
        this.#held = all.slice(at);
        break;
      }
      at = next;
    }
    return this.#steps;
  }

  /* The beginning of a line. Returns where to go on, or a negative number to wait for more. */
  #line(all, at) {
    this.#atLineStart = false;
    if (this.#kind === "fence") return this.#fenceLine(all, at);
    if (matchAt(UNDECIDED, all, at)) return this.#wait();
    const found = matchAt(LINE, all, at);
    const kind = found && Object.keys(found.groups).find((name) => found.groups[name]);
    if (!kind) {
      if (this.#kind) this.#paragraph("");
      return at;
    }
    this.#paragraph(kind);
    if (kind === "item") this.#steps.push(/\d/.test(found[0]) ? found[0] : "• ");
    if (kind === "table" || kind === "math") return at;
    if (kind === "fence") this.#atLineStart = true;
    return at + found[0].length;
  }

  #fenceLine(all, at) {
    if (/^`{1,2}$|^```[ \t]*$/.test(all.slice(at))) return this.#wait();
    const end = matchAt(FENCE_END, all, at);
    if (!end) return at;
    this.#kind = "closed";
    return at + end[0].length;
  }

  #inline(all, at) {
    if (all[at] === "\n") return this.#newlines(all, at);
    if (this.#kind === "fence") return this.#text(all.slice(at, endOfLine(all, at)), at);
    const plain = matchAt(PLAIN, all, at);
    if (plain) return this.#text(plain[0], at);
    const mark = all.startsWith("**", at) ? "**" : all[at];
    const after = all[at + mark.length];
    if (after === undefined && mark !== "`") return -1;
    if (mark === "`" && after === "`") return this.#text("``", at);
    if (this.#mark === mark) return this.#close(at);
    if (!this.#mark && ELEMENTS[mark] && /\S/.test(after ?? "x")) return this.#open(mark, at);
    return this.#text(mark, at);
  }

  #newlines(all, at) {
    let end = at;
    while (all[end] === "\n") end += 1;
    if (end === all.length) return -1;
    this.#atLineStart = true;
    if (this.#kind === "fence") return this.#text(all.slice(at, end), at);
    if (this.#begun && (end - at > 1 || this.#kind === "heading" || this.#kind === "closed")) this.#paragraph("");
    else if (this.#begun) this.#text("\n", at);
    return end;
  }

  #text(text, at) {
    this.#fill(text);
    this.#begun = true;
    return at + text.length;
  }

  #open(mark, at) {
    this.#mark = mark;
    this.#begun = true;
    this.#steps.push({ open: ELEMENTS[mark] });
    return at + mark.length;
  }

  #close(at) {
    const mark = this.#mark;
    this.#mark = null;
    this.#steps.push({ close: ELEMENTS[mark] });
    return at + mark.length;
  }

  #wait() {
    this.#atLineStart = true;
    return -1;
  }

  #paragraph(kind) {
    if (this.#begun) this.#break();
    this.#kind = kind;
    if (kind) this.#steps.push({ kind });
    this.#begun = true;
  }

  #break() {
    this.#steps.push(null);
    this.#mark = null;
    this.#length = 0;
  }

  #fill(text) {
    let rest = text;
    for (let cut = this.#cut(rest); cut >= 0; cut = this.#cut(rest)) {
      if (cut > 0) this.#steps.push(rest.slice(0, cut));
      this.#break();
      if (this.#kind) this.#steps.push({ kind: this.#kind });
      rest = rest.slice(cut + 1);
    }
    if (rest) this.#steps.push(rest);
    this.#length += rest.length;
  }

  /* Where to cut so that the paragraph stays short; the character there is dropped. Negative: nowhere. */
  #cut(text) {
    const length = this.#length + text.length;
    if (length <= LONG) return -1;
    if (text === "\n") return 0;
    return length <= VERY_LONG ? -1 : lastWithin(text, " ", VERY_LONG - this.#length);
  }
}

function matchAt(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function endOfLine(text, at) {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

/* The last place of the character within the room that is left; without room, its first place. */
function lastWithin(text, character, room) {
  return room > 0 ? text.lastIndexOf(character, room) : text.indexOf(character);
}
