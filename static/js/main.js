import { draftKey, newKey } from "./elements/composer.js";
import "./elements/sidebar.js";
import "./elements/transcript.js";
import { enableAttachments } from "./elements/attachments-gate.js";
import { ConnectionBar } from "./elements/connection-bar.js";
import { enableKeys } from "./keys.js";
import { page, urls } from "./lib/page.js";
import { Session } from "./session.js";

const $ = (id) => document.getElementById(id);
const transcript = $("transcript");
const composer = $("composer");
const sidebar = $("sidebar");

const session = new Session({
  transcript,
  composer,
  bar: new ConnectionBar($("connection-bar")),
  fields: () => ({ ...$("settings").values?.(), model: composer.model.value }),
});
/* Loaded when somebody acts, or when the page has been quiet for a while. */
const LATER = 15000;
const once = (load) => {
  let loading = null;
  return () =>
    (loading ??= load().catch((error) => {
      loading = null;
      throw error;
    }));
};
const messageActs = once(async () => {
  const { MessageActs } = await import("./message-acts.js");
  return new MessageActs({ session, transcript, composer });
});
const conversationActs = once(async () => {
  const { ConversationActs } = await import("./conversation-acts.js");
  return new ConversationActs({ sidebar });
});
const codeActs = once(() => import("./code-acts.js"));
const command = once(async () => {
  const { dialogWith } = await import("./commands.js");
  return dialogWith({ ...pageActs, panel: settings, newConversation, chooseTheme, attach: () => $("attach").click() });
});
const loadSettings = once(() => import("./elements/settings.js"));
const settings = async () => {
  await loadSettings();
  return $("settings");
};
const people = once(async () => {
  await import("./elements/people.js");
  return $("people");
});
const presence = once(async () => {
  const { Presence } = await import("./presence.js");
  return new Presence({ user: page.user, hint: $("composer-hint") });
});
const menus = once(() => import("./elements/menus.js"));
const viewer = once(() => import("./elements/viewer.js"));
const reading = once(async () => {
  const { Reading } = await import("./reading.js");
  return new Reading();
});
const paper = () => import("./paper.js");
const chooseTheme = async (theme) => (await import("./theme.js")).chooseTheme(theme);
for (const load of [menus, messageActs, conversationActs, codeActs, command, loadSettings, paper]) setTimeout(() => load().catch(() => {}), LATER);

/* The button that opened the menu which is open now, or was open last. */
let opener = null;

/* What a pressed [data-act] is about: a menu's item acts on what its menu was opened for. */
function subjectOf(button) {
  const from = button.closest("[role=menu]") ? opener : button;
  const entry = from.closest("[data-conversation]");
  return { article: from.closest(".message"), conversation: entry?.dataset.conversation ?? page.conversation, entry, from };
}

function isArchived({ entry }) {
  return entry ? entry.hasAttribute("data-archived") : $("main").hasAttribute("data-archived");
}

const pageActs = {
  sidebar: () => sidebar.toggle(),
  search: async () => (await command()).open(),
  settings: async () => {
    if (!$("people").hidden) await (await people()).toggle(false);
    (await settings()).toggle();
  },
  people: async () => {
    if (!$("settings").hidden) (await settings()).toggle(false);
    await (await people()).toggle();
  },
  shareUpTo: async ({ article }) => {
    if ($("people").hidden) await pageActs.people();
    $("people").upTo(article.dataset.message);
  },
  help: () => $("help").showModal(),
  rename: async () => (await conversationActs()).rename(),
  archived: () => sidebar.toggleArchived(),
  older: ({ from }) => sidebar.show(from.value),
  archive: async (subject) => (await conversationActs()).archive(subject.conversation, isArchived(subject)),
  delete: async (subject) => (await conversationActs()).delete(subject.conversation),
};

/* A script that cannot be fetched has been replaced by a newer one, or the network is away. */
function complain(error) {
  const sentence = error instanceof TypeError ? "That did not work. Reload the page and try again." : error.message;
  composer.say(sentence, { problem: true });
}

async function act(button) {
  const name = button.dataset.act;
  const subject = subjectOf(button);
  if (name in pageActs) {
    await pageActs[name](subject);
  } else if (subject.article) {
    const acts = await messageActs();
    await acts[name]?.(subject.article, subject.from === button ? button : null);
  }
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const menuButton = target.closest("[data-menu]");
  if (menuButton) {
    event.preventDefault();
    opener = menuButton;
    menus().then(({ toggleMenu }) => toggleMenu(menuButton)).catch(complain);
  }
  const button = target.closest("[data-act]");
  if (button) act(button).catch(complain);
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

composer.addEventListener("submit-text", ({ detail }) => session.sending.submit(detail));
composer.addEventListener("stop", () => session.stop());
composer.addEventListener("edit-last", async () => {
  const last = transcript.last("user");
  if (last) (await messageActs()).edit(last);
});
composer.model.addEventListener("change", async () => (await settings()).choose(composer.model.value));
document.addEventListener("model", ({ detail }) => {
  composer.model.value = detail;
});

document.addEventListener("chatsite:moved", () => {
  retitle();
  presence().then((them) => them.draw(), () => {});
  sidebar.reload();
});

/* The newest title that the news told; a page fetched before it must not bring back the old one. */
let title = "";
function retitle() {
  if (!title || !$("title")) return;
  $("title").textContent = title;
  document.title = document.title.replace(/^.* · /, () => `${title} · `);
}

document.addEventListener("chatsite:conversation", ({ detail }) => {
  if (detail.id !== page.conversation) return;
  if (detail.title) {
    title = detail.title;
    retitle();
  }
  if (detail.running === false) reading().then((one) => one.news(), () => {});
});

document.addEventListener("chatsite:presence", ({ detail }) => presence().then((them) => them.update(detail), () => {}));

document.addEventListener("chatsite:reconnected", () => sidebar.reload());

$("sign-out").addEventListener("submit", () => {
  for (const key of Object.keys(localStorage)) if (key.startsWith(draftKey(""))) localStorage.removeItem(key);
});

addEventListener("popstate", () => {
  // A skip link, say, changes the fragment alone.
  if (location.pathname !== (page.conversation ? urls.conversation() : urls.home)) location.reload();
});

const newConversation = () => location.assign(urls.home);
const copyAnswer = async () => {
  const last = transcript.last("assistant");
  if (last) (await messageActs()).copy(last, last.querySelector("[data-act=copy]"));
};

enableKeys({
  newConversation,
  copyAnswer,
  search: pageActs.search,
  sidebar: pageActs.sidebar,
  help: pageActs.help,
  composer: () => composer.focus(),
  copyCode: async () => (await codeActs()).copyLastCode(transcript),
  escape: () => {
    if (document.querySelector("dialog[open], [popover]:popover-open")) return;
    if (!$("scrim").hidden) $("scrim").click();
    else if (composer.answering) session.stop();
  },
});

transcript.addEventListener("click", async (event) => {
  const button = event.target.closest(".code__wrap, .code__copy");
  if (button) (await codeActs()).actOn(button);
  const link = event.target.closest("a.attachment--image");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  viewer().then(({ view }) => view(link), () => location.assign(link.href));
});
// Where it does not succeed, the next scroll asks again.
transcript.addEventListener("earlier", () => import("./earlier.js").then(({ showEarlier }) => showEarlier(transcript)).catch(() => {}));
enableAttachments(composer);
session.start();
/* What closed tabs have left is looked for at once; others need to know of this tab when somebody writes here. */
const draft = once(async () => {
  const { settled } = await import("./models/new-draft.js");
  const other = await settled(newKey, composer.draft);
  if (!other || page.conversation) return;
  composer.goOn(other);
  session.sending.takeUp();
});
if (!page.conversation && navigator.locks) {
  const ask = () => draft().catch(() => {});
  if (Object.keys(localStorage).some((key) => key.startsWith(newKey))) ask();
  else composer.addEventListener("input", ask, { once: true });
}
if (page.unread) reading().catch(() => {});
if (sessionStorage["chatsite:toast"]) conversationActs().then((acts) => acts.takeUp());
