/** What an answer says, without what can be pressed on it, its marks of lists written out. Loaded with the acts of messages. */
export function plainText(blocks) {
  const copy = blocks.cloneNode(true);
  for (const one of copy.querySelectorAll("button, figcaption, details")) one.remove();
  // The parts of a formula would come one a line.
  for (const formula of copy.querySelectorAll("math")) formula.replaceWith(formula.textContent);
  for (const item of copy.querySelectorAll("li")) (item.querySelector(":scope > p:first-child") ?? item).prepend(markOf(item));
  // Line breaks are those of a laid-out element.
  const place = document.createElement("div");
  place.className = "visually-hidden";
  place.append(copy);
  document.body.append(place);
  const text = copy.innerText.trim();
  place.remove();
  return text;
}

function markOf(item) {
  const box = item.querySelector(":scope > input, :scope > p:first-child > input");
  if (box) return box.checked ? "[x]" : "[ ]";
  const list = item.parentElement;
  return list.matches("ol") ? `${list.start + [...list.children].indexOf(item)}. ` : "• ";
}
