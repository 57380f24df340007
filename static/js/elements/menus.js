const GAP = 4;
const EDGE = 8;

let source = null;

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest("[role=menu]");
  if (menu) move(event, menu);
});
document.addEventListener("click", (event) => {
  const menu = event.target.closest("[role=menuitem]")?.closest("[popover]");
  menu?.hidePopover();
});
document.addEventListener("toggle", (event) => {
  if (!event.target.matches("[role=menu]")) return;
  const open = event.newState === "open";
  source?.setAttribute("aria-expanded", String(open));
  source?.closest(".message")?.classList.toggle("message--menu", open);
}, { capture: true });

/**
 * A [data-menu] button was pressed: the popover with that id opens beside it, with roving focus inside, or closes.
 * The popover closes itself on Esc and on clicks elsewhere and gives the focus back. Loaded with the first press.
 */
export function toggleMenu(button) {
  const menu = document.getElementById(button.dataset.menu);
  if (menu.matches(":popover-open") && source === button) {
    menu.hidePopover();
    return;
  }
  source?.setAttribute("aria-expanded", "false");
  source = button;
  button.focus();
  menu.showPopover();
  place(menu, button.getBoundingClientRect());
  items(menu)[0]?.focus();
}

function place(menu, button) {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = button.bottom + GAP + height <= innerHeight - EDGE;
  const top = below ? button.bottom + GAP : Math.max(EDGE, button.top - GAP - height);
  const left = button.left + width <= innerWidth - EDGE ? button.left : button.right - width;
  menu.style.top = `${top}px`;
  menu.style.left = `${Math.max(EDGE, left)}px`;
}

const items = (menu) => [...menu.querySelectorAll("[role^=menuitem]")].filter((item) => !item.hidden);

function move(event, menu) {
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  const to = {
    ArrowDown: at + 1,
    ArrowRight: at + 1,
    ArrowUp: at - 1,
    ArrowLeft: at - 1,
    Home: 0,
    End: all.length - 1,
  }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    all[(to + all.length) % all.length].focus();
  } else if (event.key === "Tab") {
    menu.hidePopover();
  } else if (/^\S$/.test(event.key)) {
    const next = [...all.slice(at + 1), ...all].find((item) => item.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()));
    next?.focus();
  }
}
