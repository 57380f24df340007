import { isComposing } from "./elements/composer.js";

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

/** On Apple keyboards the same keys have other names. */
export const named = (keys) => (isApple ? keys.replace("Ctrl", "⌘").replace("Shift", "⇧") : keys);

const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]") !== null;

/** The keyboard map. */
export function enableKeys(acts) {
  for (const one of document.querySelectorAll("[data-keys]")) one.textContent = named(one.textContent);
  const withControl = {
    k: acts.search,
    b: acts.sidebar,
    "shift+o": acts.newConversation,
    "shift+c": acts.copyAnswer,
    "shift+;": acts.copyCode,
    "shift+:": acts.copyCode,
    "shift+semicolon": acts.copyCode,
  };
  const alone = { "/": acts.composer, "?": acts.help };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isComposing(event) || event.altKey) return;
    // Of other scripts the place counts.
    const key = (event.key > "~" ? event.code.replace("Key", "") : event.key).toLowerCase();
    const control = isApple ? event.metaKey : event.ctrlKey;
    if (control) press(event, withControl[event.shiftKey ? `shift+${key}` : key]);
    else if (key === "escape") acts.escape();
    else if (!isTyping(event.target) && !event.ctrlKey && !event.metaKey) press(event, alone[key]);
  });
}

function press(event, act) {
  if (!act) return;
  event.preventDefault();
  act();
}
