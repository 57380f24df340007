"""Pieces of Markdown that do not go well together, and random documents made of them."""

from __future__ import annotations

from hypothesis import strategies as st

FRAGMENTS = [
    *("# h\n", "## h ##\n", "#x\n", "---\n", "===\n", "***\n", "* * *\n", "-\n", "=\n"),
    *("para", "lazy\n", "two  \n", "back\\\n", "x", "1", " ", "  ", "    ", "\t", "\n", "\n\n", "\r\n", "\r"),
    *(
        "- a\n",
        "- \n",
        "* b\n",
        "+ c\n",
        "  - d\n",
        "    - e\n",
        "1. f\n",
        "2. g\n",
        "10) h\n",
        "   i\n",
        "- [ ] t\n",
    ),
    *("> q\n", ">\n", ">> r\n", "> - s\n", "> ```\n", "> [!NOTE]\n", "> # h\n", "- > u\n"),
    *("```py\n", "```\n", "````\n", "~~~\n", "   ```\n", "\t```\n", "    code\n", "\tcode\n", "- ```\n"),
    *("| a | b |\n", "|---|---|\n", "|:-:|\n", "a | b\n", "- | -\n", "| c\n", "--|--\n"),
    *(
        "$$\n",
        "$$ x $$\n",
        "$$",
        "$",
        "$x$",
        "\\[\n",
        "\\]\n",
        "\\[ y \\]\n",
        "\\(z\\)",
        "\\begin{align}\n",
        "\\end{align}\n",
    ),
    *("**b**", "*", "**", "_", "`", "``", "~~", "~", "[", "]", "(", ")", "!", "\\", "<", "&amp;", "&#0;"),
    *(
        "[a]",
        "[a](https://a.b)",
        "![i](https://e.f/x)",
        "https://q.w/e",
        "www.a.b",
        "m@n.o",
        "<https://r.s>",
        "<br>",
    ),
    *("<div>\n", "</div>\n", "<!-- ", "-->\n", "<script>\n"),
    *(
        "\U000e0041\U000e0042",
        "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
        "\0",
        "\u202e",
        "👩‍👩‍👧",
        "日本",
        "\ufffd",
    ),
]
DEFINITIONS = [
    "[a]: https://x.y\n",
    "[a]:\n",
    "https://z.z\n",
    '"title"\n',
    "> [a]: https://v.w\n",
    "- [a]: https://t.u\n",
]

documents = st.lists(st.sampled_from(FRAGMENTS), min_size=3, max_size=24).map("".join)
documents_with_definitions = st.lists(
    st.sampled_from(FRAGMENTS + DEFINITIONS * 4), min_size=3, max_size=24
).map("".join)


def cut(text: str, sizes: list[int]) -> list[str]:
    """Cut `text` into pieces of the given sizes, over and over."""
    pieces, position, turn = [], 0, 0
    while position < len(text):
        size = sizes[turn % len(sizes)]
        pieces.append(text[position : position + size])
        position += size
        turn += 1
    return pieces
