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
  assert.equal(draft.pending[0].text, "hello");
  draft.acknowledge("a");
  assert.deepEqual(draft.pending, []);
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
  const record = { client_id: "a", text: "first" };
  draft.send(record);
  draft.write("second");
  assert.equal(draft.giveBack(record, "second"), "first\n\nsecond");
  assert.equal(draft.text, "first\n\nsecond");
  assert.deepEqual(draft.pending, []);
});

test("sends of two tabs wait beside each other, each for its own acknowledgement", () => {
  const place = storage();
  const here = new Draft(place, "k");
  const there = new Draft(place, "k");
  here.send({ client_id: "a", text: "first" });
  there.send({ client_id: "b", text: "another" });
  const ids = () => new Draft(place, "k").pending.map((one) => one.client_id);
  assert.deepEqual(ids(), ["a", "b"]);
  there.acknowledge("b");
  assert.deepEqual(ids(), ["a"]);
  here.acknowledge("a");
  assert.equal(place.items.size, 0);
});

test("a send that an older version of the page has stored goes out", () => {
  const place = storage();
  place.items.set("k", JSON.stringify({ text: "", pending: { client_id: "a", text: "first" } }));
  const draft = new Draft(place, "k");
  assert.equal(draft.pending[0].text, "first");
  draft.acknowledge("a");
  assert.deepEqual(draft.pending, []);
});

test("a refused send returns beside another tab's, and that one stays", () => {
  const place = storage();
  const here = new Draft(place, "k");
  const there = new Draft(place, "k");
  const record = { client_id: "a", text: "first", attachments: [{ id: "1" }] };
  here.send(record);
  here.write("since");
  there.send({ client_id: "b", text: "another" });
  assert.equal(here.giveBack(record, "since"), "first\n\nsince");
  assert.deepEqual(here.attachments, [{ id: "1" }]);
  assert.equal(here.pending[0].client_id, "b");
});

test("a refused send returns where nothing could be stored", () => {
  const full = () => {
    throw new Error("full");
  };
  const draft = new Draft({ ...storage(), setItem: full }, "k");
  const record = { client_id: "a", text: "first", attachments: [{ id: "1" }] };
  draft.send(record);
  assert.deepEqual(draft.pending, [record]);
  assert.equal(draft.giveBack(record, "since"), "first\n\nsince");
  assert.deepEqual(draft.attachments, [{ id: "1" }]);
  draft.write("");
  draft.attach([]);
  assert.equal(draft.text, "");
  assert.deepEqual(draft.attachments, []);
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
  const record = { client_id: "a", text: "", attachments: draft.attachments };
  draft.send(record);
  assert.deepEqual(draft.attachments, []);
  draft.write("more");
  draft.attach([{ id: "2" }]);
  assert.equal(draft.giveBack(record, "more"), "more");
  assert.deepEqual(draft.attachments, [{ id: "1" }, { id: "2" }]);
  draft.write("");
  draft.attach([]);
  assert.equal(place.items.size, 0);
});
