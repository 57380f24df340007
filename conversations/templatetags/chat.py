"""Template tags of the chat pages: icons, number formats and the blank messages behind `<template>` elements."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree
from zipfile import ZipFile

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
STATIC_IMPORT = re.compile(r'^import [^;]*?"(\.{1,2}/[^"]+)";', re.MULTILINE)

# Every icon that templates or scripts may use, by its Lucide name.
ICONS = (
    "archive", "archive-restore", "arrow-down", "arrow-up", "chart-column", "check", "chevron-left",
    "chevron-right", "circle-alert", "copy", "download", "ellipsis", "file-text", "git-fork", "keyboard", "link",
    "log-out", "menu", "minus", "monitor", "moon", "panel-left", "paperclip", "pencil", "plus", "refresh-cw",
    "scroll-text", "search", "settings-2", "shield", "square", "sun", "trash-2", "undo-2", "user", "users",
    "wrench", "x",
)  # fmt: skip

ROLES = {"user": "You", "assistant": "Answer"}


@register.simple_tag
@cache
def icon_sprite() -> SafeString:
    """Every icon once per page as a `<symbol>`; `{% icon %}` and the scripts refer to them by `#i-<name>`."""
    symbols = []
    # lucide's own tag opens its archive, which lists some thousand names, anew for each icon: most of the time that
    # the first page after a start takes.
    with (files("lucide") / "lucide.zip").open("rb") as file, ZipFile(file) as drawings:
        for name in ICONS:
            drawing = ElementTree.fromstring(drawings.read(f"{name}.svg"))
            for element in drawing.iter():
                element.tag = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
            inside = "".join(ElementTree.tostring(child, encoding="unicode").strip() for child in drawing)
            symbols.append(f'<symbol id="i-{name}" viewBox="0 0 24 24">{inside}</symbol>')
    return mark_safe(f'<svg class="icon-sprite" aria-hidden="true">{"".join(symbols)}</svg>')  # noqa: S308


@register.simple_tag
def icon(name: str) -> SafeString:
    """One icon of the sprite, hidden from assistive technology: the button around it carries the name."""
    if name not in ICONS:
        raise template.TemplateSyntaxError(f"Icon {name!r} is not in the sprite.")
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"></use></svg>', name)


@register.simple_tag
@cache
def page_modules() -> list[str]:
    """The scripts that main.js needs at once, so that the browser fetches them together, not import by import."""
    root = Path(settings.BASE_DIR) / "static"
    found: dict[Path, None] = {}
    waiting = [(root / "js" / "main.js").resolve()]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found[module] = None
            waiting += [
                (module.parent / name).resolve() for name in STATIC_IMPORT.findall(module.read_text())
            ]
    return [module.relative_to(root.resolve()).as_posix() for module in found if module.name != "main.js"]


@register.filter
def thousands(value: object) -> str:
    """`1204` → `1,204`; anything that is no number stays as it is."""
    return f"{value:,}" if isinstance(value, int) else str(value or "")


@register.filter
def duration(seconds: object) -> str:
    """Seconds → `0.8 s`, `12 s`, `2 min 5 s`; empty when unknown."""
    if not isinstance(seconds, int | float) or seconds < 0:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@register.simple_tag
def blank_message(role: str) -> SimpleNamespace:
    """A message view with nothing in it; the page clones it for the echo of a send and for a new answer."""
    return SimpleNamespace(
        id="", role=role, parent="", status="queued" if role == "assistant" else "completed",
        author=None, created_at=None, blocks=[], citations=[], text="", note=None, branch=None, model="", usage=None,
        cost="", duration=None, generation=None, running=role == "assistant", joined=False, can_edit=True,
        can_regenerate=True,
    )  # fmt: skip


@register.simple_tag
def blank_block(kind: str) -> SimpleNamespace:
    """A content block view with nothing in it, for the `<template>` of a running answer."""
    return SimpleNamespace(
        kind=kind, index="", name="", alt="", html=[], source="", text="", seconds=None, redacted=False, input="",
        result="", state="running", type="", url="", size="", pages=None,
    )  # fmt: skip
