import assert from "node:assert/strict";
import { test } from "node:test";
import { MarkdownTail } from "../../static/js/models/markdown-tail.js";

const draw = (pieces, options) => {
  const tail = new MarkdownTail(options);
  const paragraphs = [""];
  for (const piece of pieces) {
    for (const step of tail.push(piece)) {
      if (step === null) paragraphs.push("");
      else paragraphs[paragraphs.length - 1] += step;
    }
  }
  return paragraphs;
};

test("blank lines begin a paragraph, wherever the text is cut", () => {
  const text = "\n\nOne\ntwo\n\n\nThree\n\nFour\n";
  assert.deepEqual(draw([text]), ["One\ntwo", "Three", "Four"]);
  assert.deepEqual(draw([...text]), ["One\ntwo", "Three", "Four"]);
});

test("text that goes on inside a paragraph keeps its first line end", () => {
  assert.deepEqual(draw(["\nnext line"], { continues: true }), ["\nnext line"]);
  assert.deepEqual(draw(["\n", "\nnew"], { continues: true }), ["", "new"]);
});

test("loses no word and no line of long text, and keeps every paragraph short", () => {
  const lines = Array.from({ length: 4000 }, (_, number) => `line ${number} 😀`);
  const paragraphs = draw([lines.join("\n")]);
  assert.ok(Math.max(...paragraphs.map((one) => one.length)) <= 1500);
  assert.deepEqual(paragraphs.join("\n").split("\n"), lines);
  const words = Array.from({ length: 40000 }, (_, number) => `w${number}`);
  const runs = draw(words.map((word) => `${word} `));
  assert.ok(Math.max(...runs.map((one) => one.length)) <= 6100);
  assert.deepEqual(runs.join(" ").split(/ +/).filter(Boolean), words);
});
