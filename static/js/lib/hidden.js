/*
 * Characters that carry a message nobody sees: tag characters outside of the three flags that are made of them, and
 * variation selectors where nothing varies. The same ones as in rendering/characters.py.
 */
const FLAG = "\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}";
const SELECTORS = "\ufe00-\ufe0f\u{e0100}-\u{e01ef}";
const HIDDEN = new RegExp(
  `(${FLAG})|(?:[\u{e0000}-\u{e00ff}\u{e01f0}-\u{e0fff}]|(?<=[${SELECTORS}A-Za-z])[${SELECTORS}]` +
    `|(?<![\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}])[\u{e0100}-\u{e01ef}])+`,
  "gu",
);

/** The text with one U+FFFD in place of each hidden message: shown as present, and of no use to whoever copies it. */
export function markHidden(text) {
  return text.replace(HIDDEN, (_, flag) => flag ?? "\ufffd");
}

export function markIn(element) {
  element.textContent = markHidden(element.textContent);
}
