import assert from "node:assert/strict";
import { test } from "node:test";
import { Draft } from "../../static/js/models/draft.js";

function storage() {
  const items = new Map();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  };
}

test("a draft is there again after a reload, and leaves nothing when it is empty", () => {
  const place = storage();
  new Draft(place, "k").write("half a thought");
  assert.equal(new Draft(place, "k").text, "half a thought");
  new Draft(place, "k").write("");
  assert.equal(place.items.size, 0);
});

test("a send stays until it is acknowledged by its own id", () => {
  const draft = new Draft(storage(), "k");
  draft.write("hello");
  draft.send({ client_id: "a", text: "hello" });
  assert.equal(draft.text, "");
  draft.acknowledge("b");
  assert.equal(draft.pending.text, "hello");
  draft.acknowledge("a");
  assert.equal(draft.pending, null);
});

test("an acknowledgement does not touch what was written since", () => {
  const draft = new Draft(storage(), "k");
  draft.send({ client_id: "a", text: "first" });
  draft.write("second");
  draft.acknowledge("a");
  assert.equal(draft.text, "second");
});

test("a refused send returns before the newer text", () => {
  const draft = new Draft(storage(), "k");
  draft.send({ client_id: "a", text: "first" });
  draft.write("second");
  assert.equal(draft.giveBack("a"), "first\n\nsecond");
  assert.equal(draft.pending, null);
  assert.equal(draft.giveBack("a"), "first\n\nsecond");
});

test("unreadable storage counts as empty", () => {
  const place = storage();
  place.items.set("k", "{broken");
  assert.equal(new Draft(place, "k").text, "");
});

test("attachments are part of the draft, go with the send, and return before newer ones", () => {
  const place = storage();
  const draft = new Draft(place, "k");
  draft.attach([{ id: "1" }]);
  assert.deepEqual(new Draft(place, "k").attachments, [{ id: "1" }]);
  draft.send({ client_id: "a", text: "", attachments: draft.attachments });
  assert.deepEqual(draft.attachments, []);
  draft.write("more");
  draft.attach([{ id: "2" }]);
  assert.equal(draft.giveBack("a"), "more");
  assert.deepEqual(draft.attachments, [{ id: "1" }, { id: "2" }]);
  draft.write("");
  draft.attach([]);
  assert.equal(place.items.size, 0);
});
