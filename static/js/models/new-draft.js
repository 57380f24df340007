import { uuid } from "./draft.js";

/* A page that is just being left holds its lock for a moment longer. */
const LEAVING = 1000;

/**
 * The key of this tab's draft of a new conversation: its own one, one that no open tab has any more, or a new one. Without
 * locks (plain http in a local network) all tabs share one.
 */
export async function claim(prefix) {
  const own = sessionStorage.getItem(prefix);
  const kept = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  for (const key of navigator.locks ? [own, ...kept, `${prefix}:${uuid()}`] : []) {
    if (!key || !(await hold(key, key === own ? { signal: AbortSignal.timeout(LEAVING) } : { ifAvailable: true }))) continue;
    sessionStorage.setItem(prefix, key);
    return key;
  }
  return prefix;
}

/* Resolves to whether this page has the lock; it keeps it as long as it lives. */
const hold = (key, options) =>
  new Promise((resolve) => {
    const keep = (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {});
    };
    navigator.locks.request(key, options, keep).catch(() => resolve(false));
  });
