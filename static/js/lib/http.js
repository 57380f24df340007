import { nodesOf } from "./html.js";
import { urls } from "./page.js";

/** An answer of the server that is no success: its status and the words it gave. */
export class Refused extends Error {
  constructor(status, error = {}) {
    super(error.message ?? "The server could not do this.");
    this.status = status;
    this.type = error.type ?? "";
    this.current = error.current;
  }
}

/** The server was not reached, its answer broke off, or a network's own came instead. */
export class Unreached extends Error {
  message = "The server cannot be reached.";
}

/** POST a form (multipart: emoji are small in it); resolves to the JSON answer. Throws Refused or Unreached. */
export async function post(url, fields = {}) {
  const body = new FormData();
  for (const field of Symbol.iterator in fields ? fields : Object.entries(fields)) body.append(...field);
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  return (await reach(url, { method: "POST", body, headers })).json().catch(() => Promise.reject(new Unreached()));
}

/** GET JSON. */
export async function getJSON(url) {
  return (await reach(url, { headers: { Accept: "application/json" } })).json();
}

/** GET a piece of server-rendered HTML; resolves to its text and the response. */
export async function getHTML(url) {
  const response = await reach(url, { headers: { Accept: "text/html", "X-Requested-With": "fetch" } });
  if (response.redirected && new URL(response.url).pathname.startsWith(urls.signIn)) signIn();
  return { html: await response.text(), headers: response.headers };
}

/** GET HTML as nodes, again and again for ten seconds while it `isOld`, or fails and that passes. Throws as getHTML. */
export async function getFresh(url, isOld, passes = () => false) {
  for (let wait = 150; ; wait *= 2) {
    const isLast = wait > 5000;
    try {
      const { html, headers } = await getHTML(url);
      const fragment = nodesOf(html);
      if (isLast || !isOld(fragment)) return { fragment, headers };
    } catch (error) {
      if (isLast || !passes(error)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** To the sign-in page, and back here afterwards. */
export function signIn() {
  location.assign(`${urls.signIn}?next=${encodeURIComponent(location.pathname)}`);
}

async function reach(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch {
    throw new Unreached();
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) signIn();
  throw new Refused(response.status, body.error);
}

/** What Django wants to see beside the cookie. */
export function token() {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith("csrftoken="));
  return cookie?.slice(10) ?? document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}
