/* What A4 and Letter have between their usual margins, and inside a list, in CSS pixels. */
const PAPER = 600;

/* Formulas do not break: on paper, where nothing scrolls, one that is wider than the page is drawn smaller. */
addEventListener("beforeprint", () => {
  for (const formula of document.querySelectorAll(".prose math")) {
    const parts = [...formula.children].map((part) => part.getBoundingClientRect());
    const width = Math.max(...parts.map(({ right }) => right)) - Math.min(...parts.map(({ left }) => left));
    if (width > PAPER) formula.style.fontSize = `${(PAPER / width).toFixed(3)}em`;
  }
});
addEventListener("afterprint", () => {
  for (const formula of document.querySelectorAll(".prose math[style]")) formula.removeAttribute("style");
});
