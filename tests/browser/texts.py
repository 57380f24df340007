"""Answers that are hard to show right, and how to tell that a page shows them right."""

from __future__ import annotations

import random

from playwright.async_api import Locator

from conversations.rendering.markdown import render_document

HARD = (
    "Numbers first: {words}\n\n"
    "Family 👩‍👩‍👧‍👦, flag 🇳🇱, thumb 👍🏽, heart ❤️‍🔥, keycap 5️⃣.\r\n"
    "Combining: e\u0301 n\u0303 \u1112\u1161\u11ab, zalgo Z\u0351\u036b\u0343.\r\n\r\n"
    "Right to left: שלום עולם (שורה) and مرحبا بالعالم 123.\n\n"
    "漢字かな交じり文、全角。\n\n"
    "| Name | *Count* |\r\n|---|--:|\r\n| `a|b` | 1 |\r\n| 🧑‍🚀 | 2 |\n\n"
    "1. one\n2. two\n   - nested **deep**\n\n"
    "> a quotation\n> of two lines\n\n"
    "```python\ndef f(x):\n\treturn '<b>' + \"&amp;\"  # ✅\n\n\nprint(f(1))\n```\n\n"
    "Maths $e^{i\\pi} + 1 = 0$ and `code with  two  spaces`.\n\n"
    "~~gone~~ _kept_ <not a tag> &amp; &lt; a\\*b [link](https://example.com/?a=1&b=2)\n\n"
    "```\nan open end\nthat closes\n```\nLast line without an end 🏁"
).replace("{words}", " ".join(f"w{number}" for number in range(60)))


def pieces(text: str, seed: int, largest: int = 24) -> list[str]:
    """The text cut at random places, also inside what people see as one character."""
    chance = random.Random(seed)
    found = []
    while text:
        size = chance.randint(1, largest)
        found.append(text[:size])
        text = text[size:]
    return found


async def shown_and_expected(article: Locator, text: str) -> tuple[str, str]:
    """The HTML of an answer as the page has it and as a rendering of the whole text in one go gives it, both as
    the browser writes them.
    """
    html = "\n".join(render_document(text))
    found: list[str] = await article.evaluate(
        """(article, html) => {
            const whole = document.createElement("template");
            whole.innerHTML = html;
            // What the page adds to a finished answer: the fold of long code; white space between blocks.
            const plain = (root) => [...root.children].map((child) => {
                const copy = child.cloneNode(true);
                copy.classList.remove("code--folded");
                for (const more of copy.querySelectorAll(".code__more")) more.remove();
                return copy.outerHTML;
            }).join("\\n");
            return [plain(article.querySelector(".prose")), plain(whole.content)];
        }""",
        html,
    )
    return found[0], found[1]
