const KEY = "chatsite:toast";

/** A short line at the bottom, with an act to take back what happened. */
export function toast(text, { label = "", act = null, seconds = 7 } = {}) {
  const box = document.createElement("div");
  box.className = "toast";
  const line = document.createElement("p");
  line.textContent = text;
  box.append(line);
  let timer = null;
  const close = () => {
    clearTimeout(timer);
    box.remove();
  };
  if (act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = label;
    button.addEventListener("click", () => {
      close();
      act();
    });
    box.append(button);
  }
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(close, seconds * 1000);
  };
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", wait);
  box.addEventListener("focusin", () => clearTimeout(timer));
  box.addEventListener("focusout", wait);
  document.getElementById("toasts").replaceChildren(box);
  wait();
}

/** What the next page shall offer: the conversation just deleted, say. */
export function leaveToast(state) {
  sessionStorage.setItem(KEY, JSON.stringify(state));
}

export function takeToast() {
  const state = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  sessionStorage.removeItem(KEY);
  return state;
}
