/** One polite sentence for screen readers. */
export function announce(sentence) {
  const region = document.getElementById("announcer");
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = sentence;
  });
}
