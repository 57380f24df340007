"""Plain text as HTML: answers, and blocks of them, that are too large or too slow to format."""

from __future__ import annotations

import html

from .characters import collapse, visible

CHUNK = 8192
"""Characters per paragraph of a long plain text, so that a browser can lay out only what is in view."""


def plain_blocks(text: str) -> list[str]:
    """Return `text` as escaped paragraphs of up to `CHUNK` characters, cut at line ends where possible."""
    text = visible(text.replace("\r\n", "\n").replace("\r", "\n"))
    blocks = []
    start = 0
    while start < len(text):
        end = start + CHUNK
        if end < len(text):
            end = text.rfind("\n", start, end) + 1 or end
        piece = text[start:end]
        blocks.append(f'<p class="plain">{collapse(html.escape(piece, quote=False))}</p>')
        start = end
    return blocks
