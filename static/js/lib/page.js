/** What the server told this page (views/chat_context.py), the site's addresses, and what screen readers hear. */
const data = JSON.parse(document.getElementById("page")?.textContent ?? "{}");

export const page = {
  conversation: data.conversation ?? null,
  user: data.user ?? "",
  models: data.models ?? [],
  unread: data.unread ?? false,
  mayWrite: data.may_write ?? true,
  utcOffset: data.utc_offset ?? 0,
};

/* How far the browser's clock is behind the server's, which wrote its time into this page just before it arrived. */
const arrived = Date.now() - performance.now() + (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0);
const behind = data.now ? data.now - arrived : 0;

export const serverNow = () => Date.now() + behind;

export const urls = {
  home: "/",
  create: "/conversations/",
  list: "/conversations/",
  account: "/account/",
  signIn: "/accounts/login/",
  conversation: (id = page.conversation) => `/conversations/${id}/`,
  act: (name, id = page.conversation) => `/conversations/${id}/${name}/`,
  send: () => `/conversations/${page.conversation}/messages/`,
  message: (message, act = "") => `/conversations/${page.conversation}/messages/${message}/${act ? `${act}/` : ""}`,
  history: (before = "") => `/conversations/${page.conversation}/history/${before ? `?before=${before}` : ""}`,
  stop: (generation) => `/generations/${generation}/stop/`,
  events: (generation, after) => `/generations/${generation}/events/?after=${after}`,
  /** `catch_up`: the server begins with the title and the last message, which may be newer than this page. */
  socket: (id = page.conversation) => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const path = id ? `/ws/conversations/${id}/?catch_up` : "/ws/";
    return `${scheme}//${location.host}${path}`;
  },
};

/** One polite sentence for screen readers. */
export function announce(sentence) {
  const region = document.getElementById("announcer");
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = sentence;
  });
}
