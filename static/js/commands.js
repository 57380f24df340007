import "./elements/command.js";
import { urls } from "./lib/page.js";

/** The search dialog. Loaded with it: what it offers beside conversations; `acts` are the page's own. */
export function dialogWith(acts) {
  const element = document.querySelector("chat-command");
  element.commands = commandsOf(acts);
  return element;
}

const commandsOf = (acts) => [
  { label: "New conversation", keys: "Ctrl Shift O", run: acts.newConversation },
  { label: "Settings for this conversation", run: async () => (await acts.panel()).toggle(true) },
  { label: "Show or hide the sidebar", keys: "Ctrl B", run: acts.sidebar },
  { label: "Archived conversations", run: acts.archived },
  { label: "Attach files", run: acts.attach },
  { label: "Light theme", run: () => acts.chooseTheme("light") },
  { label: "Dark theme", run: () => acts.chooseTheme("dark") },
  { label: "System theme", run: () => acts.chooseTheme("system") },
  { label: "Keyboard shortcuts", keys: "?", run: acts.help },
  { label: "Account", run: () => location.assign(urls.account) },
];
