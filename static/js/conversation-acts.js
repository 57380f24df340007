import { isComposing } from "./elements/composer.js";
import { post } from "./lib/http.js";
import { page, urls } from "./lib/page.js";
import { leaveToast, takeToast, toast } from "./lib/toast.js";

/** What can be done to a whole conversation, from the header's menu or the sidebar's. */
export class ConversationActs {
  constructor({ sidebar }) {
    this.sidebar = sidebar;
  }

  /** Gone at once; a toast takes it back. The open one leaves for a new conversation. */
  async delete(id) {
    if (!(await attempt(post(urls.act("delete", id))))) return;
    this.#after(id, { text: "The conversation was deleted.", act: "restore", id });
  }

  async archive(id, archived) {
    if (!(await attempt(post(urls.act("archive", id), { archived: !archived })))) return;
    const text = archived ? "The conversation was taken out of the archive." : "The conversation was archived.";
    this.#after(id, { text, act: "archive", archived, id }, archived);
  }

  /** The title becomes a field; Enter keeps the change, Esc drops it. */
  rename() {
    const button = document.getElementById("title");
    if (!button || button.hidden) return;
    const field = document.createElement("input");
    field.className = "header__field";
    field.maxLength = 200;
    field.dir = "auto";
    field.value = button.textContent.trim();
    field.setAttribute("aria-label", "Title");
    button.hidden = true;
    button.after(field);
    field.select();
    let open = true;
    const close = (keep) => {
      if (!open) return;
      open = false;
      const title = field.value.trim();
      const changed = keep && title && title !== button.textContent.trim();
      const focused = document.activeElement === field;
      field.remove();
      button.hidden = false;
      if (focused) button.focus();
      if (changed) this.#rename(button, title);
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (isComposing(event)) return;
      if (event.key === "Enter") {
        // Or the same key press would act on the button that gets the focus.
        event.preventDefault();
        close(true);
      }
      if (event.key === "Escape") close(false);
    });
    field.addEventListener("blur", () => close(true));
  }

  /** What the page before this one left to be taken back. */
  takeUp() {
    const state = takeToast();
    if (state) this.#offer(state);
  }

  async #rename(button, title) {
    const before = button.textContent;
    button.textContent = title;
    const done = await attempt(post(urls.act("rename"), { title }));
    if (!done) button.textContent = before;
  }

  #after(id, state, stay = false) {
    if (id === page.conversation && !stay) {
      leaveToast(state);
      location.assign(urls.home);
      return;
    }
    this.sidebar.reload();
    this.#offer(state);
  }

  #offer({ text, act, archived, id }) {
    const fields = act === "archive" ? { archived } : {};
    const undo = async () => {
      if (!(await attempt(post(urls.act(act, id), fields)))) return;
      this.sidebar.reload();
      if (act === "restore") location.assign(urls.conversation(id));
    };
    toast(text, { label: "Undo", act: undo });
  }
}

async function attempt(promise) {
  try {
    await promise;
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}
