import { isComposing } from "./elements/composer.js";

/* On Apple keyboards the same keys have other names. */
const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]") !== null;

/**
 * The keyboard map. `acts`: search, newConversation, sidebar, composer, escape, copyAnswer, copyCode, help;
 * `escape` returns whether there was anything to do.
 */
export function enableKeys(acts) {
  if (isApple) nameKeys();
  const withControl = {
    k: acts.search,
    b: acts.sidebar,
    "shift+o": acts.newConversation,
    "shift+c": acts.copyAnswer,
    "shift+;": acts.copyCode,
    "shift+:": acts.copyCode,
  };
  const alone = { "/": acts.composer, "?": acts.help };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isComposing(event) || event.altKey) return;
    const key = event.key.toLowerCase();
    const control = isApple ? event.metaKey : event.ctrlKey;
    if (control) press(event, withControl[event.shiftKey ? `shift+${key}` : key]);
    else if (key === "escape") acts.escape(event);
    else if (!isTyping(event.target) && !event.ctrlKey && !event.metaKey) press(event, alone[key]);
  });
}

function nameKeys() {
  for (const key of document.querySelectorAll("[data-keys]")) {
    key.textContent = key.textContent.replace("Ctrl", "⌘").replace("Shift", "⇧");
  }
}

function press(event, act) {
  if (!act) return;
  event.preventDefault();
  act();
}
