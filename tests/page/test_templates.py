"""The partials in every state, and the blank ones that scripts clone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import mark_safe
from lucide.templatetags.lucide import lucide

from conversations.templatetags.chat import ICONS, blank_message, duration, icon_sprite, thousands

TEMPLATES = Path(settings.BASE_DIR) / "templates"
HOSTILE = '<img src=x onerror="alert(1)">'


class Parsed(HTMLParser):
    """Start tags with their attributes, and the text between."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def acts(self) -> list[str | None]:
        return [attributes["data-act"] for _, attributes in self.tags if "data-act" in attributes]


def rendered(role: str = "assistant", **changes: Any) -> Parsed:
    message = blank_message(role)
    message.__dict__.update({"id": "1", "status": "completed", "running": False} | changes)
    return Parsed(render_to_string("conversations/_message.html", {"message": message}))


def test_an_answer_shows_model_duration_tokens_cost_and_cached_share() -> None:
    usage = {"input": 1100, "output": 104, "cache_read": 890, "cache_share": 81, "total": 1204}
    page = rendered(model="Claude Opus 5.5", duration=12.2, usage=usage, cost="$0.041")
    for fact in ("Claude Opus 5.5", "12 s", "1,204 tokens", "$0.041", "81 % from cache"):
        assert fact in page.text


@pytest.mark.parametrize(
    ("action", "label"),
    [("continue", "Continue"), ("retry", "Try again"), ("regenerate", "Regenerate"), ("settings", "Settings"),
     ("edit", "Edit message"), ("new", "New conversation")],
)  # fmt: skip
def test_a_note_offers_each_next_step_by_a_verb(action: str, label: str) -> None:
    page = rendered(note=SimpleNamespace(kind="limit", text="It ended early.", actions=[action]))
    assert "It ended early." in page.text
    assert label in page.text
    assert action == "new" or action in page.acts()


def test_the_branch_switcher_leads_to_its_neighbours() -> None:
    page = rendered(branch={"index": 2, "count": 3, "previous": "a", "next": "c"})
    assert [attributes["data-to"] for _, attributes in page.tags if "data-to" in attributes] == ["a", "c"]
    assert "2/3" in page.text


def test_texts_of_people_models_and_tools_are_text() -> None:
    note = SimpleNamespace(kind="failed", text=HOSTILE, actions=[])
    blocks = [
        {"kind": "thinking", "index": 0, "text": HOSTILE},
        {"kind": "tool", "index": 1, "name": HOSTILE, "input": HOSTILE, "result": HOSTILE, "state": HOSTILE},
        {"kind": "unknown", "index": 2, "type": HOSTILE},
        {"kind": "document", "index": 3, "name": HOSTILE, "url": "/attachments/1/", "size": 9},
    ]
    answer = rendered(note=note, blocks=blocks, text=HOSTILE, model=HOSTILE)
    author = {"name": HOSTILE, "initial": "<"}
    turn = rendered("user", text=HOSTILE, shared=True, author=author, blocks=[], created_at=timezone.now())
    for page in (answer, turn):
        assert "img" not in [tag for tag, _ in page.tags]
        assert HOSTILE in page.text


def test_rendered_blocks_follow_each_other_as_they_are() -> None:
    html = [mark_safe("<p>One</p>"), mark_safe("<h3>Two</h3>")]
    page = rendered(blocks=[{"kind": "text", "index": 0, "html": html, "source": ""}])
    assert [tag for tag, _ in page.tags if tag in ("p", "h3")][:2] == ["p", "h3"]


def test_a_running_answer_is_busy_and_waits_visibly() -> None:
    page = rendered(status="running", running=True, generation="g")
    article = page.tags[0][1]
    assert article["aria-busy"] == "true"
    assert article["data-generation"] == "g"
    assert [attributes for _, attributes in page.tags if attributes.get("class") == "waiting"] == [
        {"class": "waiting"}
    ]


def test_blank_messages_carry_nothing() -> None:
    for role in ("user", "assistant"):
        page = Parsed(render_to_string("conversations/_message.html", {"message": blank_message(role)}))
        assert page.tags[0][1]["data-message"] == ""
        assert "None" not in page.text


def test_nothing_inline_that_the_content_security_policy_would_block() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|\son\w+=\"|<style|javascript:", text), path
        for tag in re.findall(r"<script[^>]*>", text):
            assert "src=" in tag, path


def test_templates_and_style_sheets_name_what_exists() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        for name in re.findall(r"{% icon \"([^\"]+)\" %}", text):
            assert name in ICONS, path
        for name in re.findall(r"{% static '([^']+)' %}", text):
            assert (Path(settings.BASE_DIR) / "static" / name).is_file(), path


def test_what_scrolls_sideways_can_be_scrolled_by_keyboard_and_shows_that_it_does() -> None:
    tables = [
        tag
        for path in TEMPLATES.rglob("*.html")
        for tag in re.findall(r"(<[^>]*>)\s*<table", path.read_text())
    ]
    assert len(tables) >= 4
    for tag in tables:
        assert re.search(r'class="figures-scroll" tabindex="0" role="region" aria-label(ledby)?="', tag)
    css = (Path(settings.BASE_DIR) / "static" / "css" / "base.css").read_text()
    shades = re.search(r"\.figures-scroll, \.prose \.table, \.code pre \{(.*?)\}", css, re.DOTALL)
    assert shades is not None
    assert shades[1].count("no-repeat local") == 2 and "overflow-x: auto" in shades[1]
    # High contrast knows no half-transparent shades.
    assert re.search(r"forced-colors: active\) \{[^@]*--shade: CanvasText", css)


def test_components_use_meaning_not_colours() -> None:
    for path in (Path(settings.BASE_DIR) / "static" / "css").glob("*.css"):
        if path.name not in ("tokens.css", "code.css"):
            assert not re.search(r"oklch\(|#[0-9a-f]{6}\b|rgb\(|!important", path.read_text()), path.name


def test_the_sprite_holds_every_icon_once() -> None:
    sprite = icon_sprite()
    assert [name for name in ICONS if sprite.count(f'id="i-{name}"') != 1] == []
    # As the package draws them, without what HTML does not know.
    drawn = [line.strip() for line in lucide("archive", size=None).splitlines()[1:-1]]
    assert f'<symbol id="i-archive" viewBox="0 0 24 24">{"".join(drawn)}</symbol>' in sprite
    assert "xmlns" not in sprite and "ns0:" not in sprite


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.84, "0.8 s"), (12.4, "12 s"), (125, "2 min 5 s"), (None, ""), (-1, ""), ("x", "")],
)
def test_durations_read_as_people_say_them(seconds: object, text: str) -> None:
    assert duration(seconds) == text


def test_thousands_are_grouped() -> None:
    assert thousands(1234567) == "1,234,567"
    assert thousands(None) == ""
