"""Sources in an answer: split sentences read as one, marks are numbered, panels say where, hostile values stay text."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.utils.safestring import SafeString

from conversations.models import Message
from conversations.views.citations import Citations, joined
from tests.world import Person, finished

PAGES = {
    "type": "page_location", "cited_text": "61 m long", "document_index": 0, "document_title": "gauge.pdf",
    "start_page_number": 3, "end_page_number": 4,
}  # fmt: skip
WEB = {
    "type": "web_search_result_location", "cited_text": "A quote", "url": "https://example.com/a", "title": "Example",
}  # fmt: skip


def found(*citations: Any) -> Citations:
    made = Citations(uuid.uuid4())
    made.marks({"type": "text", "text": "x", "citations": list(citations)})
    return made


@pytest.mark.parametrize(
    ("told", "place"),
    [
        (PAGES, "Page 3"),
        ({**PAGES, "end_page_number": 6}, "Pages 3–5"),
        ({"type": "char_location", "start_char_index": 0, "end_char_index": 20}, "Characters 1–20"),
        ({"type": "content_block_location", "start_block_index": 0, "end_block_index": 1}, "Part 1"),
        ({"type": "search_result_location", "start_block_index": 1, "end_block_index": 3}, "Parts 2–3"),
        ({**PAGES, "start_page_number": "3"}, ""),
        ({**PAGES, "end_page_number": 3}, ""),
        ({**PAGES, "start_page_number": True}, ""),
        (WEB, ""),
    ],
)
def test_a_place_is_told_as_people_count(told: dict[str, Any], place: str) -> None:
    assert [one.place for one in found(told).found] == [place]


def test_equal_sources_share_a_number() -> None:
    assert [(one.number, one.title) for one in found(PAGES, WEB, PAGES).found] == [
        (1, "gauge.pdf"),
        (2, "Example"),
    ]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "data:text/html,x", "/admin/", 7, None]
)
def test_only_web_addresses_become_links(url: object) -> None:
    assert found({**WEB, "url": url}).found[0].url == ""


@pytest.mark.parametrize("cited", [None, "x", 5, {}, [1, None], [{}]])
def test_odd_values_do_no_harm(cited: object) -> None:
    made = Citations(uuid.uuid4())
    assert len(re.findall("<button", made.marks({"type": "text", "citations": cited}))) == len(made.found)


def test_a_source_is_where_it_can_be_read() -> None:
    searched = {
        "type": "search_result_location",
        "cited_text": "x",
        "source": "https://example.com/b",
        "title": "B",
    }
    (known,) = found(searched).found
    assert (known.title, known.url) == ("B", "https://example.com/b")
    (inside,) = found({**searched, "source": "kb-17", "title": None}).found
    assert (inside.title, inside.url) == ("kb-17", "")


def test_a_page_without_a_title_is_called_by_its_address() -> None:
    assert found({**WEB, "title": None}).found[0].title == "https://example.com/a"


def test_a_title_stays_text() -> None:
    made = Citations(uuid.uuid4())
    marks = made.marks({"citations": [{**WEB, "title": '"><script>alert(1)</script>'}]})
    assert "<script" not in marks
    assert "&quot;&gt;&lt;script&gt;" in marks


MARK = SafeString("<m>")


@pytest.mark.parametrize(
    ("pieces", "html"),
    [
        ([("One ", ["<p>One</p>"], ""), ("two.", ["<p>two.</p>"], MARK)], ["<p>One two.<m></p>"]),
        ([("wo", ["<p>wo</p>"], ""), ("rd", ["<p>rd</p>"], MARK)], ["<p>word<m></p>"]),
        (
            [("One.\n\n", ["<p>One.</p>"], ""), ("Two.", ["<p>Two.</p>"], MARK)],
            ["<p>One.</p>", "<p>Two.<m></p>"],
        ),
        ([("x", ["<p>x</p>"], MARK), ("\n\ny", ["<p>y</p>"], "")], ["<p>x<m></p>", "<p>y</p>"]),
        ([("- a", ["<ul><li>a</li></ul>"], MARK)], ["<ul><li>a</li></ul>", "<p><m></p>"]),
        ([("a", ['<p dir="auto">a</p>'], ""), ("b", ['<p dir="auto">b</p>'], "")], ['<p dir="auto">ab</p>']),
        ([("", [], MARK)], ["<p><m></p>"]),
        ([], []),
    ],
)
def test_a_split_sentence_is_one_paragraph(
    pieces: list[tuple[str, list[str], SafeString]], html: list[str]
) -> None:
    assert joined(pieces) == html


def answered(person: Person, *content: dict[str, Any]) -> str:
    """The address of a conversation whose answer has this content."""
    sent = person.start("How long is it?")
    finished(sent["generation"], content=list(content))
    return str(sent["url"])


def exported(person: Person, url: str) -> str:
    return str(person.get(f"{url}export/").content.decode())


def test_an_export_as_markdown_carries_the_sources_as_footnotes(alice: Person) -> None:
    url = answered(
        alice,
        {"type": "text", "text": "The pier is "},
        {"type": "text", "text": "61 m long ", "citations": [PAGES, WEB]},
        {"type": "text", "text": "and old.", "citations": [{**PAGES, "cited_text": "*Old*\nas it is"}]},
        {"type": "text", "text": "\n\n61 m.\n\n", "citations": [PAGES]},
    )
    text = exported(alice, url)
    assert "The pier is 61 m long[^1][^2] and old.[^3]\n\n61 m.[^1]\n" in text
    assert text.endswith(
        "\n"
        "[^1]: “61 m long” — gauge.pdf, page 3\n"
        "[^2]: “A quote” — Example, <https://example.com/a>\n"
        "[^3]: “\\*Old\\* as it is” — gauge.pdf, page 3\n"
    )


def test_what_is_said_before_and_after_a_tool_stays_apart_in_an_export(alice: Person) -> None:
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "pier"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    url = answered(
        alice,
        {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
        {"type": "text", "text": "Let me search."},
        call, result, {"type": "text", "text": "\n"}, call, result,
        {"type": "text", "text": "It is "},
        {"type": "text", "text": "61 m long.", "citations": [WEB]},
    )  # fmt: skip
    assert "\n\nLet me search.\n\nIt is 61 m long.[^1]\n" in exported(alice, url)


def test_footnotes_go_on_where_those_of_the_answers_end(alice: Person) -> None:
    own = {"type": "text", "text": "As some say[^4].\n\n[^4]: Some."}
    text = exported(alice, answered(alice, own, {"type": "text", "text": " True.", "citations": [PAGES]}))
    assert " True.[^5]\n" in text and "\n[^5]: “61 m long”" in text


@pytest.mark.parametrize("end", ["```", "~~~", "| 61 m |", "$$"])
def test_a_mark_after_a_block_stands_alone(end: str, alice: Person) -> None:
    text = exported(alice, answered(alice, {"type": "text", "text": f"x\n{end}\n", "citations": [PAGES]}))
    assert f"\n{end}\n\n[^1]\n" in text


def test_a_source_adds_no_markdown_to_an_export(alice: Person) -> None:
    evil = "<img src=x>\n\n# [a](javascript:b)"
    told = {**WEB, "cited_text": evil, "title": evil, "url": "https://example.com/>\n#x y"}
    text = exported(alice, answered(alice, {"type": "text", "text": "x", "citations": [told]}))
    note = next(line for line in text.splitlines() if line.startswith("[^1]:"))
    assert text.endswith(f"{note}\n") and "](" not in note and note.count("<") - note.count("\\<") <= 1


def test_an_export_as_json_keeps_the_blocks_of_sources_as_they_came(alice: Person) -> None:
    told = {**PAGES, "file_id": None, "new": {"x": [1, "\u2028"]}}
    blocks = [
        {"type": "text", "text": "61 m", "citations": [told]},
        {"type": "text", "text": ".", "citations": None},
    ]
    document = alice.get(f"{answered(alice, *blocks)}export/?as=json").json()
    assert document["messages"][1]["content"] == blocks


def test_a_conversation_shows_marks_and_panels(alice: Person) -> None:
    sent = alice.start("How long is it?")
    finished(sent["generation"], "")
    content = [
        {"type": "text", "text": "The pier is "},
        {"type": "text", "text": "61 m long", "citations": [PAGES]},
        {"type": "text", "text": ", as *others* say.", "citations": [WEB]},
    ]
    Message.objects.filter(pk=sent["reply"]).update(content=content, html=None)
    page = alice.get(f"/conversations/{sent['conversation']}/").content.decode()
    sentence = re.sub(r"<button[^>]*>(\d)</button>", r"[\1]", page)
    assert re.search(r"<p[^>]*>The pier is 61 m long\[1\], as <em>others</em> say\.\[2\]</p>", sentence)
    assert 'role="dialog" aria-label="Source 1"' in page
    assert "Page 3" in page
    assert 'href="https://example.com/a"' in page
