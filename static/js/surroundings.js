import { documentOf, nodesOf } from "./lib/html.js";
import { getHTML } from "./lib/http.js";
import { urls } from "./lib/page.js";

/** What stands around the messages, as the server has it now. Loaded by the session; both throw as getHTML. */

/** How full and how expensive the conversation is, and what is said about budgets. */
export async function showTotals() {
  const { html } = await getHTML(urls.act("totals"));
  for (const part of [...nodesOf(html).children]) {
    const old = document.getElementById(part.id);
    if (!old?.isEqualNode(part)) old?.replaceWith(part);
  }
}

/** Header, menus and settings of the conversation that has come into being here; open settings stay. */
export async function showConversation() {
  const { html } = await getHTML(urls.conversation());
  const fresh = documentOf(html);
  const panel = document.getElementById("settings");
  for (const id of ["header", "conversation-menu"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
  if (panel.hidden) panel.replaceWith(fresh.getElementById("settings"));
  else panel.moved();
  document.title = fresh.title;
}
