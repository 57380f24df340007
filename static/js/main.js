import "./elements/command.js";
import "./elements/composer.js";
import "./elements/settings.js";
import "./elements/sidebar.js";
import "./elements/transcript.js";
import { enableCode, copyLastCode } from "./code-acts.js";
import { ConversationActs } from "./conversation-acts.js";
import { ConnectionBar } from "./elements/connection-bar.js";
import { draftKey } from "./elements/composer.js";
import { enableMenus, menuSource } from "./elements/menus.js";
import { enableKeys } from "./keys.js";
import { nameKeys } from "./lib/format.js";
import { page, urls } from "./lib/page.js";
import { MessageActs } from "./message-acts.js";
import { Session } from "./session.js";
import { chooseTheme } from "./theme.js";

const $ = (id) => document.getElementById(id);
const transcript = $("transcript");
const composer = $("composer");
const sidebar = $("sidebar");
const settings = () => $("settings");
const command = document.querySelector("chat-command");

const session = new Session({
  transcript,
  composer,
  bar: new ConnectionBar($("connection-bar")),
  fields: () => ({ ...settings().values(), model: composer.model.value }),
});
const messageActs = new MessageActs({ session, transcript, composer });
const conversationActs = new ConversationActs({ sidebar });

/* What a pressed [data-act] is about: a menu's item acts on what its menu was opened for. */
function subjectOf(button) {
  const from = button.closest("[role=menu]") ? menuSource() : button;
  const entry = from.closest("[data-conversation]");
  return { article: from.closest(".message"), conversation: entry?.dataset.conversation ?? page.conversation, entry, from };
}

function isArchived({ entry }) {
  return entry ? entry.hasAttribute("data-archived") : $("main").hasAttribute("data-archived");
}

const pageActs = {
  sidebar: () => sidebar.toggle(),
  search: () => command.open(),
  settings: () => settings().toggle(),
  help: () => $("help").showModal(),
  rename: () => conversationActs.rename(),
  archived: () => sidebar.toggleArchived(),
  archive: (subject) => conversationActs.archive(subject.conversation, isArchived(subject)),
  delete: (subject) => conversationActs.delete(subject.conversation),
};

async function act(button) {
  const name = button.dataset.act;
  const subject = subjectOf(button);
  if (subject.article && name in messageActs) {
    const shown = subject.from === button ? button : null;
    await messageActs[name](subject.article, shown);
  } else {
    await pageActs[name]?.(subject);
  }
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const button = target.closest("[data-act]");
  if (button) act(button).catch((error) => composer.say(error.message, { problem: true }));
  const theme = target.closest("[data-theme-choice]");
  if (theme) chooseTheme(theme.dataset.themeChoice).catch(() => {});
  const dismissed = target.closest("[data-dismiss]");
  if (dismissed) {
    document.cookie = `${dismissed.dataset.dismiss}=hidden; path=/; samesite=lax`;
    $(dismissed.dataset.dismiss).remove();
    composer.focus();
  }
  const starter = target.closest("[data-starter]");
  if (starter) {
    composer.text = starter.dataset.starter;
    composer.focus();
  }
});

composer.addEventListener("submit-text", ({ detail: text }) => session.sending.submit(text));
composer.addEventListener("stop", () => session.stop());
composer.addEventListener("edit-last", () => {
  const last = transcript.last("user");
  if (last) messageActs.edit(last);
});
composer.model.addEventListener("change", () => settings().choose(composer.model.value));
document.addEventListener("model", ({ detail }) => {
  composer.model.value = detail;
});

/* The same elements as on the new conversation's own page take the place of those here. */
document.addEventListener("chatsite:moved", ({ detail: doc }) => {
  for (const id of ["greeting", "starters"]) $(id)?.remove();
  for (const id of ["header", "settings", "conversation-menu"]) $(id).replaceWith(doc.getElementById(id));
  $("main").classList.remove("main--empty");
  document.title = doc.title;
  sidebar.reload();
});

document.addEventListener("chatsite:conversation", ({ detail }) => {
  if (detail.id !== page.conversation || !detail.title || !$("title")) return;
  $("title").textContent = detail.title;
  document.title = document.title.replace(/^.* · /, () => `${detail.title} · `);
});

document.addEventListener("chatsite:reconnected", () => sidebar.reload());

$("sign-out").addEventListener("submit", () => {
  for (const key of Object.keys(localStorage)) if (key.startsWith(draftKey("").slice(0, -1))) localStorage.removeItem(key);
});

addEventListener("popstate", () => location.reload());

const newConversation = () => location.assign(urls.home);
const copyAnswer = () => {
  const last = transcript.last("assistant");
  if (last) messageActs.copy(last, last.querySelector("[data-act=copy]"));
};

enableKeys({
  newConversation,
  copyAnswer,
  search: pageActs.search,
  sidebar: pageActs.sidebar,
  help: pageActs.help,
  composer: () => composer.focus(),
  copyCode: () => copyLastCode(transcript),
  escape: () => {
    if (document.querySelector("dialog[open], [popover]:popover-open")) return;
    if (sidebar.isOver) sidebar.hide();
    else if (composer.answering) session.stop();
  },
});

command.commands = [
  { label: "New conversation", keys: "Ctrl Shift O", run: newConversation },
  { label: "Settings of this conversation", run: () => settings().toggle(true) },
  { label: "Show or hide the sidebar", keys: "Ctrl B", run: pageActs.sidebar },
  { label: "Archived conversations", run: pageActs.archived },
  { label: "Light theme", run: () => chooseTheme("light") },
  { label: "Dark theme", run: () => chooseTheme("dark") },
  { label: "Theme of the system", run: () => chooseTheme("system") },
  { label: "Keyboard shortcuts", keys: "?", run: pageActs.help },
  { label: "Account", run: () => location.assign(urls.account) },
];

enableMenus();
enableCode(transcript);
nameKeys(document);
if (!page.mayWrite) composer.close("You may read this conversation, but not write in it.");
session.start();
conversationActs.takeUp();
