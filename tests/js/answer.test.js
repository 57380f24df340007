import assert from "node:assert/strict";
import { test } from "node:test";
import { Answer } from "../../static/js/models/answer.js";

const start = (seq = 1) => ({ type: "message_start", seq });
const open = (seq, index = 0, type = "text") => ({ type: "content_block_start", seq, index, content_block: { type } });
const delta = (seq, text, index = 0) => ({ type: "content_block_delta", seq, index, delta: { type: "text_delta", text } });
const stop = (seq) => ({ type: "message_stop", seq, status: "completed" });
const html = (from, list, provisional, length) => ({ type: "block_html", seq: 1, index: 0, start: from, html: list, open: provisional, length });
const textOf = (answer) => [...answer.blocks.values()].map((block) => block.text).join("");
const begun = () => {
  const answer = new Answer("g", "m");
  answer.apply(start());
  answer.apply(open(2));
  return answer;
};

test("joins the deltas of text blocks in order", () => {
  const answer = begun();
  answer.apply(delta(3, "Good "));
  answer.apply(delta(4, "morning"));
  assert.equal(textOf(answer), "Good morning");
  assert.equal(answer.seq, 4);
});

test("ignores a frame that is not above the last one", () => {
  const answer = begun();
  answer.apply(delta(3, "once"));
  assert.equal(answer.apply(delta(3, "once")), "ignored");
  assert.equal(answer.apply(delta(2, "older")), "ignored");
  assert.equal(textOf(answer), "once");
});

test("takes merged deltas, whose number jumps, without asking again", () => {
  const answer = begun();
  assert.equal(answer.apply(delta(40, "many at once")), "applied");
  assert.equal(answer.seq, 40);
});

test("message_start drops everything, also in the middle", () => {
  const answer = begun();
  answer.apply(delta(3, "half"));
  answer.apply(start());
  assert.equal(textOf(answer), "");
  assert.equal(answer.seq, 1);
  assert.equal(answer.version, 2);
  answer.apply(open(2));
  answer.apply(delta(3, "whole"));
  assert.equal(textOf(answer), "whole");
});

test("a delta of a block that never began is a gap, and leaves the cursor where it was", () => {
  const answer = begun();
  assert.equal(answer.apply(delta(9, "lost start", 1)), "gap");
  assert.equal(answer.seq, 2);
});

test("a hole that resuming does not fill is not asked for twice", () => {
  const answer = begun();
  assert.equal(answer.apply({ type: "content_block_stop", seq: 5, index: 0 }), "gap");
  assert.equal(answer.apply({ type: "content_block_stop", seq: 5, index: 0 }), "applied");
  assert.equal(answer.seq, 5);
});

test("ends once, with the frame's own words, and nothing follows", () => {
  const answer = begun();
  assert.equal(answer.apply(stop(7)), "done");
  assert.equal(answer.end.status, "completed");
  assert.equal(answer.apply(delta(8, "late")), "ignored");
  assert.equal(textOf(answer), "");
});

test("acknowledges every 64 frames and at the end", () => {
  const answer = begun();
  for (let seq = 3; seq <= 64; seq += 1) {
    assert.equal(answer.takeAck(), null);
    answer.apply(delta(seq, "x"));
  }
  assert.equal(answer.takeAck(), 64);
  assert.equal(answer.takeAck(), null);
  answer.apply(stop(65));
  assert.equal(answer.takeAck(), 65);
});

test("keeps rendered HTML by number and remembers from where a view must redraw", () => {
  const answer = begun();
  answer.apply(delta(3, "# A\n\nb\n\nc"));
  const block = answer.blocks.get(0);
  answer.apply(html(0, ["<h3>A</h3>"], "<p>b</p>", 6));
  block.changedFrom = Infinity;
  answer.apply(html(1, ["<p>b</p>"], "<p>c</p>", 9));
  assert.deepEqual(block.closed, ["<h3>A</h3>", "<p>b</p>"]);
  assert.equal(block.changedFrom, 1);
  assert.equal(block.provisional, "<p>c</p>");
  answer.apply(html(2, ["<p>c</p>"], "", 9));
  assert.equal(block.provisional, "");
  assert.equal(block.covered, 9);
});

test("HTML that builds on blocks it never got is left out", () => {
  const answer = begun();
  assert.equal(answer.apply(html(3, ["<p>d</p>"], "", 20)), "ignored");
  assert.deepEqual(answer.blocks.get(0).closed, []);
});

test("unknown events, deltas and blocks do no harm", () => {
  const answer = begun();
  assert.equal(answer.apply({ type: "novelty", seq: 3 }), "ignored");
  answer.apply({ type: "content_block_delta", seq: 4, index: 0, delta: { type: "signature_delta", signature: "x" } });
  assert.equal(textOf(answer), "");
});

test("a long open block is not drawn again for every line, but is when it closes", () => {
  const answer = begun();
  answer.apply(delta(3, "x".repeat(90000)));
  const block = answer.blocks.get(0);
  const long = (letter) => `<pre>${letter.repeat(20000)}</pre>`;
  answer.apply(html(0, [], long("a"), 20000));
  block.changedFrom = Infinity;
  answer.apply(html(0, [], long("b"), 50000));
  assert.equal(block.changedFrom, Infinity);
  assert.equal(block.covered, 20000);
  answer.apply(html(0, [long("c")], "", 90000));
  assert.equal(block.changedFrom, 0);
  assert.equal(block.provisional, "");
  assert.equal(block.covered, 90000);
});

test("HTML that is sent again after resuming takes nothing off the page", () => {
  const answer = begun();
  answer.apply(delta(3, "One.\n\nTwo.\n\nThree."));
  const block = answer.blocks.get(0);
  answer.apply(html(0, ["<p>One.</p>"], "<p>Two.</p>", 10));
  answer.apply(html(1, ["<p>Two.</p>"], "<p>Three.</p>", 18));
  block.changedFrom = Infinity;
  answer.apply(html(0, ["<p>One.</p>"], "<p>Two.</p>", 10));
  assert.equal(block.changedFrom, Infinity);
  assert.equal(block.closed.length, 2);
});

test("a thinking block keeps the time that its last event tells", () => {
  const answer = begun();
  answer.apply({ type: "content_block_stop", seq: 3, index: 0, seconds: 12 });
  assert.equal(answer.blocks.get(0).open, false);
  assert.equal(answer.blocks.get(0).seconds, 12);
});
