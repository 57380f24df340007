import assert from "node:assert/strict";
import { test } from "node:test";
import { Uploads } from "../../static/js/models/uploads.js";

/* A server at the other end: each file waits for its answer. */
function server() {
  const sent = [];
  return {
    sent,
    send: (file, { progress, signal }) =>
      new Promise((resolve, reject) => sent.push({ file, progress, signal, resolve, reject })),
    isThere: async ({ id }) => id !== "swept",
  };
}

const file = (name, type = "image/png") => ({ name, size: 10, type });
const described = (id) => ({ id, name: `${id}.png`, size: 10, media_type: "image/png" });
const settled = () => new Promise((resolve) => setImmediate(resolve));
const make = (end) => new Uploads({ ...end, changed: () => {} });

test("two go at a time, in order, and the third when one is done", async () => {
  const end = server();
  const uploads = make(end);
  uploads.add([file("a"), file("b"), file("c")]);
  assert.deepEqual(end.sent.map((one) => one.file.name), ["a", "b"]);
  end.sent[0].resolve(described("a"));
  await settled();
  assert.equal(end.sent[2].file.name, "c");
  assert.deepEqual(uploads.attachments, [described("a")]);
  assert.equal(uploads.underWay.length, 2);
});

test("attachments keep the person's order, whichever arrives first", async () => {
  const end = server();
  const uploads = make(end);
  uploads.add([file("a"), file("b")]);
  uploads.move(uploads.items[1], 0);
  end.sent[1].resolve(described("b"));
  end.sent[0].resolve(described("a"));
  await settled();
  assert.deepEqual(uploads.attachments.map(({ id }) => id), ["b", "a"]);
});

test("a file that is removed on its way is given up and makes room", async () => {
  const end = server();
  const uploads = make(end);
  uploads.add([file("a"), file("b"), file("c")]);
  uploads.remove(uploads.items[0]);
  assert.equal(end.sent[0].signal.aborted, true);
  assert.equal(end.sent[2].file.name, "c");
  end.sent[0].reject(new Error("given up"));
  await settled();
  assert.deepEqual(uploads.items.map(({ name }) => name), ["b", "c"]);
});

test("only what may pass is tried again", async () => {
  const end = server();
  const uploads = make(end);
  uploads.add([file("a"), file("b")]);
  end.sent[0].reject(Object.assign(new Error("No."), { status: 415 }));
  end.sent[1].reject(new Error("The server cannot be reached."));
  await settled();
  assert.deepEqual(uploads.refused.map(({ problem, passing }) => [problem, passing]), [["No.", false], ["The server cannot be reached.", true]]);
  uploads.retryAll();
  assert.equal(end.sent.length, 3);
  assert.equal(end.sent[2].file.name, "b");
});

test("where the server has no room a file waits, says so, and goes again by itself", async (context) => {
  const timers = [];
  context.mock.method(globalThis, "setTimeout", (act, delay) => timers.push({ act, delay }));
  const end = server();
  const uploads = make(end);
  uploads.add([file("a"), file("b"), file("c")]);
  end.sent[0].reject(Object.assign(new Error("Many files."), { status: 503, after: 2 }));
  await settled();
  const [held] = uploads.items;
  assert.deepEqual([held.state, held.problem, uploads.refused.length], ["waiting", "Many files.", 0]);
  assert.deepEqual(end.sent.map((one) => one.file.name), ["a", "b", "c"]);
  end.sent[1].resolve(described("b"));
  await settled();
  assert.equal(end.sent.length, 3);
  const [{ act, delay }] = timers;
  assert.ok(delay >= 2000 && delay <= 4000);
  act();
  assert.equal(end.sent[3].file.name, "a");
  assert.equal(held.problem, "");
});

test("after a reload the finished are there, and the unfinished are named", async () => {
  const end = server();
  const before = make(end);
  before.add([file("a"), file("half")]);
  end.sent[0].resolve(described("a"));
  await settled();
  const after = make(end);
  after.restore(before.kept);
  await settled();
  assert.deepEqual(after.attachments.map(({ id }) => id), ["a"]);
  assert.deepEqual(after.refused.map(({ name }) => name), ["half"]);
  assert.equal(after.refused[0].passing, undefined);
});

test("what the server has forgotten meanwhile cannot be sent", async () => {
  const uploads = make(server());
  uploads.restore([described("swept"), described("kept")]);
  await settled();
  assert.deepEqual(uploads.attachments.map(({ id }) => id), ["kept"]);
  assert.equal(uploads.refused[0].name, "swept.png");
});

test("files that return do not double what is there", async () => {
  const uploads = make(server());
  uploads.restore([described("a")]);
  uploads.restore([described("b"), described("a")]);
  assert.deepEqual(uploads.attachments.map(({ id }) => id), ["b", "a"]);
});
