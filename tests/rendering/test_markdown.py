"""What readers of an answer see: the forms that models write."""

from __future__ import annotations

from html import escape

import pytest

from conversations.rendering import markdown
from conversations.rendering.markdown import render_document

from .inspection import Inspector, faults


def html(text: str) -> str:
    return "".join(render_document(text)).strip()


def test_each_top_level_block_is_one_string() -> None:
    assert len(render_document("# A\n\ntext\n\n- x\n- y\n\n```\ncode\n```\n")) == 4


def test_an_empty_text_has_no_blocks() -> None:
    assert render_document("") == [] == render_document("  \n\n")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("# One", "<h3>One</h3>"),
        ("## Two", "<h4>Two</h4>"),
        ("### Three", "<h5>Three</h5>"),
        ("#### Four", "<h6>Four</h6>"),
        ("###### Six", "<h6>Six</h6>"),
    ],
)
def test_headings_leave_the_first_two_levels_to_the_page(source: str, expected: str) -> None:
    assert html(source) == expected


def test_a_code_block_has_its_language_its_buttons_and_coloured_tokens() -> None:
    assert html("```python\nx = 1\n```") == (
        '<figure class="code"><figcaption><span class="code__language">python</span>'
        '<button type="button" class="code__wrap">Wrap</button>'
        '<button type="button" class="code__copy">Copy</button></figcaption>'
        '<pre tabindex="0"><code><span class="n">x</span> <span class="o">=</span> <span class="mi">1</span>\n'
        "</code></pre></figure>"
    )


def test_code_keeps_every_character_of_its_source() -> None:
    source = 'def f(a, *, b="<&>"):\n\n\treturn  a  # ü 👩‍👩‍👧 \\n\n\n\n'
    rendered = html(f"```python\n{source}```")
    assert Inspector(rendered.partition("<pre")[2].partition(">")[2].rpartition("</pre>")[0]).text == source


@pytest.mark.parametrize(
    "source",
    [
        "```console\n$ make\n$ make install",
        "```hcl\nscript = <<EOF\n#!/bin/sh\nmake\n",
        "```py\n\ufeffx\n```",
    ],
)
def test_code_that_its_lexer_would_change_keeps_its_characters_too(source: str) -> None:
    code = source.partition("\n")[2].removesuffix("```")
    assert Inspector(html(source)).text.endswith(f"Copy{code}")


@pytest.mark.parametrize(
    "language", ["py", "Python", "python3", "js", "c++", "C#", "sh", "yml", "tsx", "Dockerfile"]
)
def test_usual_names_of_languages_are_coloured(language: str) -> None:
    assert "<span class=" in html(f"```{language}\nif x: return 'a' # 1\n```").partition("<code>")[2]


def test_every_language_on_the_list_can_be_loaded() -> None:
    from conversations.rendering.highlighting import code_html
    from conversations.rendering.languages import ALIASES, LEXERS

    assert set(ALIASES.values()) <= set(LEXERS)
    for language in LEXERS:
        assert Inspector(code_html("\na = <b>\n", language)).text == "\na = <b>\n"


@pytest.mark.parametrize(
    ("info", "shown"),
    [
        ("rust,ignore", ""),
        ("{.python}", "python"),
        ("unknown-language", "unknown-language"),
        ('"><img src=x>', ""),
        ("a" * 33, ""),
        ("", ""),
        ("js title=x", "js"),
    ],
)
def test_the_language_shown_is_the_first_plain_word(info: str, shown: str) -> None:
    rendered = html(f"```{info}\nx\n```")
    assert f'<span class="code__language">{shown}</span>' in rendered
    assert faults([rendered]) == []


def test_code_of_more_than_thirty_lines_is_marked_long() -> None:
    assert "code--long" not in html("```\n" + "x\n" * 30 + "```")
    assert 'class="code code--long"' in html("```\n" + "x\n" * 31 + "```")


def test_indented_code_is_a_code_block_too() -> None:
    assert '<figure class="code">' in html("    a < b\n") and "a &lt; b" in html("    a < b\n")


def test_a_table_scrolls_by_keyboard_and_aligns_by_class() -> None:
    rendered = html("| a | b | c | d |\n|---|:--|:-:|--:|\n| 1 | 2 | 3 | 4 |\n")
    assert rendered.startswith('<div class="table" tabindex="0" role="group" aria-label="Table"><table>')
    assert '<th scope="col">a</th>' in rendered and '<th scope="col" class="align-left">b</th>' in rendered
    assert '<td class="align-center">3</td>' in rendered and '<td class="align-right">4</td>' in rendered
    assert "style" not in rendered


def test_a_table_may_follow_a_paragraph_and_hold_pipes_and_breaks() -> None:
    rendered = html("Text:\n| a | b |\n|---|---|\n| x \\| y | 1<br>2<br/>3 |")
    assert "<p>Text:</p>" in rendered
    assert "<td>x | y</td>" in rendered
    assert rendered.count("<br>") == 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("## a | b", "<h4>a | b</h4>"),
        ("$$a|b$$", "</math>"),
        ("- a | b", "<ul>"),
        ("> a | b", "<blockquote>"),
        ("a | b", "<th"),
    ],
)
def test_a_table_begins_with_a_line_that_begins_nothing_else(line: str, expected: str) -> None:
    rendered = html(f"{line}\n|---|---|\n\n")
    assert expected in rendered and ("<th" in rendered) == (expected == "<th")


@pytest.mark.parametrize("tag", ["<br>", "<br/>", "<BR />", "<br  >", "</br>"])
def test_a_line_break_may_be_written_as_a_tag(tag: str) -> None:
    assert html(f"a{tag}b") == "<p>a<br>\nb</p>"


@pytest.mark.parametrize("text", ["a < br > c", "a <b r> c", "a <b/r> c", "a </br c", "a <brie> c"])
def test_what_only_resembles_that_tag_is_text(text: str) -> None:
    assert html(text) == f"<p>{escape(text)}</p>"


def test_task_lists_have_named_checkboxes_that_cannot_be_changed() -> None:
    rendered = html("- [ ] open\n- [x] done")
    assert '<ul class="tasks">' in rendered
    assert '<li class="task"><input type="checkbox" disabled="" aria-label="Task"> open</li>' in rendered
    assert '<input type="checkbox" disabled="" checked="" aria-label="Task"> done' in rendered


def test_an_ordered_list_keeps_its_first_number() -> None:
    assert '<ol start="3">' in html("3. c\n4. d") and "<ol>" in html("1. a")


@pytest.mark.parametrize(
    ("source", "opening"),
    [
        ("- **שלום** עולם\n- two", '<ul dir="rtl">'),
        ("3. مرحبا", '<ol start="3" dir="rtl">'),
        ("- `npm` להתקין", '<ul dir="rtl">'),
        ("> שלום", '<blockquote dir="rtl">'),
        ("| اسم | n |\n|---|---|\n| 1 | 2 |", '<div class="table" dir="rtl" tabindex="0"'),
        ("- hello שלום", "<ul>"),
        ("- 1\n- 2\n\n", "<ul>"),
        ("> hello\n> שלום", "<blockquote>"),
    ],
)
def test_what_runs_from_right_to_left_has_its_marks_there(source: str, opening: str) -> None:
    assert html(source).startswith(opening)


def test_what_stands_in_a_list_runs_as_the_list_does() -> None:
    assert "dir=" not in html("- one\n  - שלום\n\n  > עולם")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("NOTE", "note"),
        ("TIP", "tip"),
        ("IMPORTANT", "important"),
        ("WARNING", "warning"),
        ("CAUTION", "caution"),
    ],
)
def test_alerts_are_marked_by_kind(kind: str, name: str) -> None:
    rendered = html(f"> [!{kind}]\n> Careful.")
    assert f'<div class="alert alert--{name}">' in rendered
    assert f'<p class="alert__title">{kind.capitalize()}</p>' in rendered and "<p>Careful.</p>" in rendered


def test_html_is_text() -> None:
    assert html("a <b>b</b>") == "<p>a &lt;b&gt;b&lt;/b&gt;</p>"


def test_an_image_becomes_a_note_that_names_its_host() -> None:
    assert html("![A cat](https://pictures.example/cat.png)") == (
        '<p><span class="image">Image not loaded: A cat (<a href="https://pictures.example/cat.png" '
        'target="_blank" rel="noopener noreferrer">pictures.example</a>)</span></p>'
    )


def test_an_image_inside_a_link_makes_no_link_in_a_link() -> None:
    rendered = html("[![x](https://a.example/i.png)](https://b.example/)")
    assert [href for href, _ in Inspector(rendered).links] == ["https://b.example/"]
    assert "a.example" in rendered and faults([rendered]) == []


def test_what_is_nested_too_deep_stays_readable() -> None:
    for text in (">" * 100 + " deep", "\n".join("  " * depth + "- deep" for depth in range(60))):
        rendered = html(text)
        assert "deep" in rendered and faults([rendered]) == []
        assert Inspector(rendered).text.count("deep") == text.count("deep")


def test_a_text_of_the_limit_is_formatted_and_one_byte_more_is_plain() -> None:
    text = "**a** " + "x" * (markdown.MAX_BYTES - 6)
    assert "<strong>" in render_document(text)[0]
    blocks = render_document(text + "x")
    assert "<strong>" not in "".join(blocks) and len(blocks) > 1
    assert Inspector("".join(blocks)).text == text + "x"


def test_the_limit_counts_bytes() -> None:
    assert "<strong>" in render_document("**a**" + "é" * (markdown.MAX_BYTES // 2 - 5))[0]
    assert "<strong>" not in "".join(render_document("**a**" + "é" * (markdown.MAX_BYTES // 2)))


def test_html_of_a_block_beyond_its_limit_gives_way_to_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    table = "| a | b |\n|---|---|\n" + "| x |\n" * 40
    monkeypatch.setattr(markdown, "MAX_HTML", len(html(table)) - 10)
    assert '<p class="plain">' in html(table) and "| a | b |" in html(table)


def test_a_fault_in_one_block_costs_only_its_format(monkeypatch: pytest.MonkeyPatch) -> None:
    from conversations.rendering import output

    def broken(source: str, display: bool) -> str:
        raise ValueError(source)

    monkeypatch.setattr(output, "formula_html", broken)
    assert html("**a**\n\n$x$ <b>\n\n*c*").split("\n") == [
        "<p><strong>a</strong></p>",
        '<p class="plain">$x$ &lt;b&gt;</p><p><em>c</em></p>',
    ]
