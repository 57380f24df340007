import assert from "node:assert/strict";
import { test } from "node:test";
import { MarkdownTail } from "../../static/js/models/markdown-tail.js";

/* Draws like the page does: paragraphs, each with its kind, emphasis as tags. */
function draw(pieces, options) {
  const tail = new MarkdownTail(options);
  const paragraphs = [""];
  const add = (text) => {
    paragraphs[paragraphs.length - 1] += text;
  };
  for (const piece of pieces) {
    for (const step of tail.push(piece)) {
      if (step === null) paragraphs.push("");
      else if (typeof step === "string") add(step);
      else if (step.kind) add(`[${step.kind}]`);
      else add(step.open ? `<${step.open}>` : `</${step.close}>`);
    }
  }
  return paragraphs;
}

/* However the text is cut, the drawing is the same. */
function drawsAs(text, paragraphs, options) {
  assert.deepEqual(draw([text], options), paragraphs);
  assert.deepEqual(draw([...text], options), paragraphs);
}

test("blank lines begin a paragraph, wherever the text is cut", () => {
  drawsAs("\n\nOne\ntwo\n\n\nThree\n\nFour\n", ["One\ntwo", "Three", "Four"]);
});

test("text that goes on inside a paragraph keeps its first line end", () => {
  drawsAs("\nnext line", ["\nnext line"], { continues: true });
  drawsAs("\n\nnew", ["", "new"], { continues: true });
});

test("headings, items and tables begin a paragraph of their kind, without their marks", () => {
  drawsAs("Text\n## A title\nmore\n- one\n- two\n3. three\n| a | b", [
    "Text\n", "[heading]A title", "more\n", "[item]• one\n", "[item]• two\n", "[item]3. three\n", "[table]| a | b",
  ]);
});

test("numbers and dashes in running text are text", () => {
  drawsAs("1984 was\n-5 degrees, #1 and a*b*c |x|", ["1984 was\n-5 degrees, #1 and a*b*c |x|"]);
});

test("bold and code are drawn as such", () => {
  drawsAs("Some **bold words** and `code` here", ["Some <strong>bold words</strong> and <code>code</code> here"]);
  drawsAs("2 ** 3 is 8", ["2 ** 3 is 8"]);
  drawsAs("`a ** b`.", ["<code>a ** b</code>."]);
});

test("emphasis that was open goes on and closes", () => {
  drawsAs(" words** then", [" words</strong> then"], { continues: true, mark: "**" });
});

test("emphasis never reaches into the next paragraph", () => {
  drawsAs("a **b\n\nc** d", ["a <strong>b", "c** d"]);
});

test("a fence hides its marks and keeps every line in it", () => {
  drawsAs("See:\n```python\n# no heading\n\n- no **item**\n```\nAfter.", [
    "See:\n", "[fence]# no heading\n\n- no **item**\n", "After.",
  ]);
});

test("loses no word and no line of long text, and keeps every paragraph short", () => {
  const lines = Array.from({ length: 4000 }, (_, number) => `line ${number} 😀`);
  const paragraphs = draw([lines.join("\n")]);
  assert.ok(Math.max(...paragraphs.map((one) => one.length)) <= 1600);
  assert.deepEqual(paragraphs.join("\n").split("\n"), lines);
  const words = Array.from({ length: 40000 }, (_, number) => `w${number}`);
  const runs = draw(words.map((word) => `${word} `));
  assert.ok(Math.max(...runs.map((one) => one.length)) <= 6100);
  assert.deepEqual(runs.join(" ").split(/ +/).filter(Boolean), words);
});
