import { lighten } from "./long-content.js";

/* Two renderings of a message differ in nothing a reader could see when these agree. */
const SIGNATURE = ["status", "branch", "parent"];

const sameMessage = (one, other) => SIGNATURE.every((name) => one.dataset[name] === other.dataset[name]);

/**
 * Makes the articles in `box` those of `fresh` (the newest messages of the current branch), keeping every
 * element that already shows the same. `isLive(article)`: the page is drawing into it, it stays.
 * Echoes that have no id yet stay at the end.
 */
export function reconcile(box, fresh, isLive) {
  const articles = [...fresh.children];
  const old = new Map([...box.children].map((article) => [article.dataset.message, article]));
  const wanted = articles.map((article) => {
    const before = old.get(article.dataset.message);
    return before && (isLive(before) || sameMessage(before, article)) ? before : article;
  });
  const above = ancestorsAbove(articles[0], old);
  const keep = new Set([...above, ...wanted]);
  for (const child of [...box.children]) if (child.dataset.message && !keep.has(child)) child.remove();
  wanted.forEach((article, index) => {
    const there = box.children[above.length + index] ?? null;
    if (there !== article) box.insertBefore(article, there);
  });
}

/* Messages above the first fresh one stay when they lead to it. */
function ancestorsAbove(first, old) {
  const above = [];
  let article = first && old.get(first.dataset.message)?.previousElementSibling;
  if (article?.dataset.message !== first?.dataset.parent) return above;
  for (; article; article = article.previousElementSibling) above.unshift(article);
  return above;
}

/**
 * The final rendering of an answer goes into the article it was drawn in: equal parts stay untouched, so
 * that nothing jumps and no selection is lost.
 */
export function settleInto(article, fresh) {
  lighten(fresh);
  for (const { name, value } of fresh.attributes) if (name !== "class") article.setAttribute(name, value);
  article.removeAttribute("aria-busy");
  article.classList.toggle("message--joined", fresh.classList.contains("message--joined"));
  for (const child of [...article.children]) if (!child.matches(".message__blocks")) child.remove();
  const blocks = article.querySelector(".message__blocks");
  const freshBlocks = fresh.querySelector(".message__blocks");
  const parts = [...fresh.children];
  const at = parts.indexOf(freshBlocks);
  blocks.before(...parts.slice(0, at));
  blocks.after(...parts.slice(at + 1));
  blocks.className = freshBlocks.className;
  patch(blocks, freshBlocks, (live, other) => {
    if (live.matches(".prose") && other.matches(".prose")) {
      live.className = other.className;
      patch(live, other);
    } else if (live.matches("details")) {
      other.open = live.open;
      live.replaceWith(other);
    } else return false;
    return true;
  });
}

function patch(live, fresh, inside = () => false) {
  const old = [...live.children];
  const wanted = [...fresh.children];
  wanted.forEach((node, index) => {
    const before = old[index];
    if (!before) live.append(node);
    else if (!before.isEqualNode(node) && !(sameIndex(before, node) && inside(before, node))) before.replaceWith(node);
  });
  for (const rest of old.slice(wanted.length)) rest.remove();
}

const sameIndex = (one, other) => one.dataset.index === other.dataset.index;
