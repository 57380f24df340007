const NUMBER = new Intl.NumberFormat("en-US");

export const thousands = (value) => NUMBER.format(value);

/** Seconds as the server writes them: `0.8 s`, `12 s`, `2 min 5 s`. */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** On Apple keyboards the same keys have other names. */
export const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

export function nameKeys(root) {
  if (!isApple) return;
  for (const key of root.querySelectorAll("[data-keys]")) {
    key.textContent = key.textContent.replace("Ctrl", "⌘").replace("Shift", "⇧");
  }
}
