import { post } from "./lib/http.js";
import { urls } from "./lib/page.js";

/** The switch between the system's colours, light and dark: at once here, and remembered for the person. */
export function chooseTheme(theme) {
  document.documentElement.dataset.theme = theme;
  for (const choice of document.querySelectorAll("[data-theme-choice]")) {
    choice.setAttribute("aria-checked", String(choice.dataset.themeChoice === theme));
  }
  return post(urls.account, { theme });
}
