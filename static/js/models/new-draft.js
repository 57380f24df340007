import { Draft, uuid } from "./draft.js";

/* A page that is just being left holds its lock for a moment longer. */
const LEAVING = 1000;

/**
 * No two tabs write to one draft of a new conversation, and what a closed tab has left goes on in the next one. An open tab
 * holds a lock that is called like its draft. Resolves to the draft that this tab is to go on with, or to null: its own one.
 */
export async function settled(prefix, own) {
  if (!(await hold(own.key, { signal: AbortSignal.timeout(LEAVING) }))) return claim(prefix, `${prefix}:${uuid()}`);
  if (!own.isEmpty) return null;
  for (const key of Object.keys(localStorage).filter((key) => key.startsWith(prefix))) {
    if (key !== own.key && (await hold(key, { ifAvailable: true }))) return claim(prefix, key);
  }
  return null;
}

function claim(prefix, key) {
  sessionStorage[prefix] = key;
  return new Draft(localStorage, key);
}

/* Resolves to whether this page has the lock; it keeps it as long as it lives. */
const hold = (name, options) =>
  new Promise((resolve) => {
    const keep = (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {});
    };
    navigator.locks.request(name, options, keep).catch(() => resolve(false));
  });
