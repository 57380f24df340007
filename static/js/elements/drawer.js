import { isComposing } from "./composer.js";
import { cover } from "./sidebar.js";

const WIDE = matchMedia("(width >= 1024px)");
const openPanel = () => document.querySelector(".panel:not([hidden])");

/** A panel has opened or closed: on small screens it lies over the page, and a press beside it closes it. */
export function layOver() {
  const panel = openPanel();
  if (panel) document.getElementById("sidebar").hide();
  cover(panel !== null && !WIDE.matches);
}

/** Until the signal. */
export function closeOnEscape(panel, signal) {
  const close = (event) => {
    if (event.key !== "Escape" || isComposing(event)) return;
    // Or it would stop the answer as well.
    event.preventDefault();
    panel.toggle(false);
  };
  panel.addEventListener("keydown", close, { signal });
}

/* From beside the panel, where nothing else is there to be stopped or closed; the focus stays where it is. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || isComposing(event)) return;
  if (document.getElementById("composer").answering || document.querySelector("dialog[open], [popover]:popover-open")) return;
  const focused = document.activeElement;
  openPanel()?.toggle(false);
  focused.focus({ preventScroll: true });
});
document.getElementById("scrim").addEventListener("click", () => openPanel()?.toggle(false));
WIDE.addEventListener("change", layOver);
