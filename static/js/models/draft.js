/**
 * What a person has written but not seen arrive, per conversation: the text in the field, its attachments, and what waits for
 * its acknowledgement, from any tab. Survives reloads; only an acknowledgement clears a send.
 */
export class Draft {
  #storage;
  #unsaved = null;

  constructor(storage, key) {
    this.#storage = storage;
    this.key = key;
  }

  get isEmpty() {
    return this.#storage.getItem(this.key) === null;
  }

  get text() {
    return this.#read().text ?? "";
  }

  /** The attachments beside the text, as the server described them; `{name, size}` alone for one that was under way. */
  get attachments() {
    return this.#read().attachments ?? [];
  }

  /** `{client_id, text, attachments, …}` of each unacknowledged send. */
  get pending() {
    return [this.#read().pending ?? []].flat();
  }

  write(text) {
    this.#save({ ...this.#read(), text });
  }

  attach(attachments) {
    this.#save({ ...this.#read(), attachments });
  }

  /** The field's text becomes a pending send. */
  send(pending) {
    this.#save({ text: "", pending: [...this.pending, pending] });
  }

  acknowledge(clientId) {
    this.#save({ ...this.#read(), pending: this.pending.filter((one) => one.client_id !== clientId) });
  }

  /** The send was refused: its text and attachments return, before the newer `text` and attachments. */
  giveBack(record, text) {
    this.acknowledge(record.client_id);
    text = [record.text, text].filter(Boolean).join("\n\n");
    this.#save({ ...this.#read(), text, attachments: [...(record.attachments ?? []), ...this.attachments] });
    return text;
  }

  #read() {
    try {
      return this.#unsaved ?? JSON.parse(this.#storage.getItem(this.key)) ?? {};
    } catch {
      return {};
    }
  }

  #save(state) {
    try {
      if (state.text || state.pending?.length || state.attachments?.length) this.#storage.setItem(this.key, JSON.stringify(state));
      else this.#storage.removeItem(this.key);
      this.#unsaved = null;
    } catch {
      // A full or forbidden storage only costs the memory across reloads.
      this.#unsaved = state;
    }
  }
}

/** A random UUID; also on plain http in a local network, where browsers keep `randomUUID` to themselves. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
