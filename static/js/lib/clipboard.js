/** Copies a text, or a promise of one. Resolves to whether it worked. */
export async function copy(text) {
  try {
    if (navigator.clipboard?.write && globalThis.ClipboardItem) {
      const blob = Promise.resolve(text).then((value) => new Blob([value], { type: "text/plain" }));
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
      return true;
    }
  } catch {
    // Some browsers know the words but refuse promises; the old way follows.
  }
  return copyByField(await text);
}

/* Works without a secure context. */
function copyByField(text) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  (focused?.closest("dialog") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return done;
}

/** Shows a check mark on the pressed button for a moment. */
export function confirmOn(button) {
  const use = button?.querySelector("use");
  if (!use) return;
  const before = use.getAttribute("href");
  if (before === "#i-check") return;
  use.setAttribute("href", "#i-check");
  setTimeout(() => use.setAttribute("href", before), 1600);
}
