"""Fixed texts of the demo: long Markdown with everything a page must draw, and a long plain answer."""

from __future__ import annotations

HELP = """This is the demo: a small program inside this site, **not Claude**. It shows what the page can do \
until an administrator enters a key for a provider.

Write any of these words in a message:

| Word | What you get |
|---|---|
| `/markdown` | headings, lists, a table, code, mathematics |
| `/think` | a thinking block before the answer |
| `/tool` | a tool call |
| `/cite` | a search with cited sources |
| `/long` | a very long answer |
| `/slow` | the answer at a tenth of the pace |
| `/error 529` | an error: 400, 401, 404, 413, 429, 500, 529, or `/error mid` in mid-answer |
| `/refuse` · `/max_tokens` · `/empty` | the other ways in which an answer ends |
| `/help` | this list |

Attach a picture and the demo tells you its format, its size and its main colour.
"""

MARKDOWN = r"""# A sample of everything

The demo writes **bold**, *italic*, ~~struck~~ and `inline code`, a [link](https://www.djangoproject.com/),
and a line that is long enough to wrap on a narrow screen.

## Lists

1. First
   - nested once
     - nested twice
2. Second

- [x] a finished task
- [ ] an open task

## A table

| Language | Year | Typing |
|:---|---:|:---:|
| Python | 1991 | dynamic |
| Haskell | 1990 | static |
| Rust | 2015 | static, `Option<T>` \| `Result<T, E>` |

## Code

```python
from collections.abc import Iterator


def fibonacci() -> Iterator[int]:
    # Yields for ever: take as many as you like.
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b
```

```html
<p class="greeting">Hello, <em>world</em> &amp; friends</p>
```

## Mathematics

Inline: $e^{i\pi} + 1 = 0$. On its own line:

$$
\int_{-\infty}^{\infty} e^{-x^2}\,dx = \sqrt{\pi}
$$

> A quotation, with *emphasis*,
>
> and a second paragraph.

---

Other scripts: 你好，世界 · مرحبا بالعالم · Привет, мир · 👩‍👩‍👧‍👦 family, 🇩🇪 flag, e\u0301 combined.
""".replace(r"\u0301", "\u0301")

SOURCES = (
    (
        "Django documentation",
        "https://docs.djangoproject.com/en/5.2/",
        "Django makes it easier to build better web apps more quickly.",
    ),
    (
        "Server-sent events",
        "https://html.spec.whatwg.org/multipage/server-sent-events.html",
        "This section is non-normative.",
    ),
)


def long_answer(paragraphs: int = 60) -> str:
    """About 25 KB of numbered paragraphs, each different, so that a missing piece would show."""
    return "\n\n".join(
        f"Paragraph {number}. The demo counts its paragraphs so that nothing can be lost without being seen: "
        f"it is number {number} of {paragraphs}, its digits add up to {sum(map(int, str(number)))}, "
        f"and its square is {number * number}. Scroll up while it runs: the page must stay where you are reading, "
        f"and end with paragraph {paragraphs}."
        for number in range(1, paragraphs + 1)
    )
