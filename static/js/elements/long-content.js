const LONG_PARAGRAPH = 16000;
const PIECE = 4000;
const LONG_CODE = 12000;
export const CHUNK_LINES = 60;

/**
 * Very long paragraphs and code blocks are laid out piece by piece instead of all at once: the text stays the
 * same to the letter, the pieces are blocks that cost nothing while they are off the screen.
 */
export function lighten(root) {
  for (const paragraph of root.querySelectorAll("p")) {
    const only = paragraph.childNodes.length === 1 ? paragraph.firstChild : null;
    if (only?.nodeType === Node.TEXT_NODE && only.length > LONG_PARAGRAPH) splitText(paragraph, only);
  }
  for (const code of root.querySelectorAll("pre > code")) {
    if (code.textContent.length > LONG_CODE) splitLines(code);
  }
  return root;
}

function splitText(paragraph, text) {
  while (text.length > PIECE) {
    const space = text.data.indexOf(" ", PIECE);
    if (space < 0) break;
    const rest = text.splitText(space + 1);
    paragraph.append(block("piece", text), rest);
    text = rest;
  }
  paragraph.append(block("piece", text));
}

function splitLines(code) {
  let lines = 0;
  let chunk = block("chunk");
  const chunks = [chunk];
  for (const node of [...code.childNodes]) {
    let rest = node;
    while (rest) {
      const { cut, found } = cutAfter(rest, CHUNK_LINES - lines);
      const next = cut > 0 && cut < rest.data.length ? rest.splitText(cut) : null;
      chunk.append(rest);
      lines += found;
      if (lines >= CHUNK_LINES) {
        chunk = block("chunk");
        chunks.push(chunk);
        lines = 0;
      }
      rest = next;
    }
  }
  code.replaceChildren(...chunks.filter((one) => one.hasChildNodes()));
}

/* Where a text node reaches this many line ends. Elements hold none: tokens of several lines come line by line. */
function cutAfter(node, wanted) {
  if (node.nodeType !== Node.TEXT_NODE) return { cut: -1, found: 0 };
  let at = -1;
  for (let found = 1; found <= wanted; found += 1) {
    at = node.data.indexOf("\n", at + 1);
    if (at < 0) return { cut: -1, found: found - 1 };
  }
  return { cut: at + 1, found: wanted };
}

function block(name, ...content) {
  const element = document.createElement("span");
  element.className = name;
  element.append(...content);
  return element;
}

const LONG_TEXT = 2000;
const MANY_LINES = 24;

/**
 * Long code blocks and long pasted turns begin folded, with a button that shows all. Only for messages that
 * come whole: what streams in front of the reader never folds by itself.
 */
export function fold(root) {
  for (const figure of root.querySelectorAll(".code--long:not(.code--folded)")) {
    figure.classList.add("code--folded");
    const lines = figure.querySelector("code").textContent.trimEnd().split("\n").length;
    figure.append(foldButton("code__more", `Show all ${lines} lines`));
  }
  for (const text of root.querySelectorAll(".message__text")) foldTurn(text);
}

export function foldTurn(text) {
  const content = text.textContent;
  if (content.length < LONG_TEXT && content.split("\n").length < MANY_LINES) return;
  text.classList.add("message__text--folded");
  text.after(foldButton("message__unfold", "Show all"));
}

function foldButton(name, label) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = name;
  element.dataset.act = "unfold";
  element.textContent = label;
  return element;
}
