import assert from "node:assert/strict";
import { test } from "node:test";
import { markHidden } from "../../static/js/lib/hidden.js";

const SCOTLAND = "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}";

for (const [text, shown] of [
  ["a\u{e0041}\u{e0042}b\u{e0043}", "a\ufffdb\ufffd"],
  [SCOTLAND, SCOTLAND],
  [`${SCOTLAND}\u{e0041}`, `${SCOTLAND}\ufffd`],
  ["🏴\u{e0075}\u{e0073}\u{e007f}", "🏴\ufffd"],
  ["☺\ufe0f\ufe01\u{e0101}!", "☺\ufe0f\ufffd!"],
  ["a\ufe01b", "a\ufffdb"],
  ["a\u{e0150}", "a\ufffd"],
  ["葛\u{e0100}城市 👩‍👩‍👧‍👦 ❤️‍🔥 #️⃣ می‌خواهم", "葛\u{e0100}城市 👩‍👩‍👧‍👦 ❤️‍🔥 #️⃣ می‌خواهم"],
]) {
  test(`hidden characters are marked in ${JSON.stringify(text)}`, () => assert.equal(markHidden(text), shown));
}
