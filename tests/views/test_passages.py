"""A quoted passage in its surroundings, from our own copy of the document: where it stands, or that it does not."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage

from conversations.attachments.passages import AROUND, LONGEST
from conversations.models import Attachment, Participant
from tests.attachments.given import upload
from tests.world import Person, finished

TEXT = "Grüße aus Rom.\r\n" + "Vor dem Pier. " * 100 + "Der Pier ist 61 m lang. " + "Nach dem Pier. " * 100
QUOTE = "Der Pier ist 61 m lang."
START = TEXT.index(QUOTE)


def cited(
    start: int = START, end: int = START + len(QUOTE), quote: str = QUOTE, **fields: Any
) -> dict[str, Any]:
    return {
        "type": "char_location", "cited_text": quote, "document_index": 0, "document_title": "pier.txt",
        "start_char_index": start, "end_char_index": end,
    } | fields  # fmt: skip


def answered(
    person: Person, *citations: dict[str, Any], text: str = TEXT, name: str = "pier.txt"
) -> dict[str, Any]:
    """A conversation about this text, whose answer has these sources."""
    sent = person.start("How long?", attachments=[upload(person, text.encode(), name)["id"]])
    finished(sent["generation"], content=[{"type": "text", "text": "61 m", "citations": list(citations)}])
    return sent


def passage(person: Person, sent: dict[str, Any], number: int = 1) -> str:
    response = person.get(address(sent, number))
    assert response.status_code == 200
    return str(response.content.decode())


def address(sent: dict[str, Any], number: int = 1) -> str:
    return f"/conversations/{sent['conversation']}/messages/{sent['reply']}/sources/{number}/"


def test_the_passage_stands_in_its_surroundings(alice: Person) -> None:
    sent = answered(alice, cited())
    assert f'data-passage="{address(sent)}"' in alice.client.get(sent["url"]).content.decode()
    before, rest = passage(alice, sent).split("<mark>")
    quoted, after = rest.split("</mark>")
    assert quoted == QUOTE
    assert before.endswith("… " + TEXT[START - AROUND : START])
    assert after.startswith(TEXT[START + len(QUOTE) :][:AROUND] + " …")


def test_at_the_ends_of_the_document_nothing_is_left_out(alice: Person) -> None:
    html = passage(alice, answered(alice, cited(0, 4, "A & "), text="A & <b>"))
    assert "><mark>A &amp; </mark>&lt;b&gt;<" in html and "…" not in html


@pytest.mark.parametrize(
    "citation",
    [cited(START + 1, START + 1 + len(QUOTE)), cited(end=len(TEXT) + 1, quote=""), cited(quote="Something else")],
)  # fmt: skip
def test_a_range_that_does_not_fit_our_copy_is_told(citation: dict[str, Any], alice: Person) -> None:
    html = passage(alice, answered(alice, citation))
    assert "<mark>" not in html and "not at this place in the copy kept here" in html


def test_line_ends_and_spaces_make_no_difference(alice: Person) -> None:
    sent = answered(alice, cited(0, 16, "Grüße aus Rom.\n"))
    assert "<mark>Grüße aus Rom.\r\n</mark>" in passage(alice, sent)


def test_a_very_long_passage_is_shown_from_its_beginning(alice: Person) -> None:
    text = "x" * LONGEST + "y" * 10
    html = passage(alice, answered(alice, cited(0, len(text), text), text=text))
    assert f"<mark>{'x' * LONGEST} …</mark><" in html


def test_bytes_that_are_gone_are_told_and_no_page_asks_for_them(alice: Person) -> None:
    sent = answered(alice, cited())
    default_storage.delete(str(Attachment.objects.get().sent.file))
    assert "data-passage" in alice.client.get(sent["url"]).content.decode()
    assert "cannot be read any more" in passage(alice, sent)


def test_only_what_is_cited_from_a_text_of_the_conversation_has_a_passage(alice: Person) -> None:
    pages = {"type": "page_location", "cited_text": "x", "start_page_number": 1, "end_page_number": 2}
    other = cited(document_title="other.txt")
    sent = answered(alice, pages | {"document_title": "pier.txt"}, other, cited(start=-1), cited(end="x"))
    page = alice.client.get(sent["url"]).content.decode()
    assert "data-passage" not in page and page.count('aria-label="Source ') > 4
    for number in (0, 1, 2, 3, 4, 5, 10**30):
        assert alice.get(address(sent, number)).status_code == 404


def test_of_documents_of_one_name_the_place_in_the_request_tells_which_is_meant(alice: Person) -> None:
    sent = answered(alice, cited(0, 3, "Old", document_index=0), text="Old words")
    fetched = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A page"}}
    told = {"type": "web_fetch_result", "url": "https://example.com/", "content": fetched}
    after = alice.send(sent["conversation"], "And this?", parent=sent["reply"])
    content = [
        {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": told},
        {"type": "text", "text": "So"},
    ]
    finished(after["generation"], content=content)
    new = upload(alice, b"New words", "pier.txt")["id"]
    last = alice.send(sent["conversation"], "Now?", parent=after["reply"], attachments=[new])
    sources = [cited(0, 3, "New", document_index=index) for index in (2, 1, 3, None)]
    content = [{"type": "text", "text": "x", "citations": [*sources, cited(0, 3, "Old")]}]
    finished(last["generation"], content=content)
    assert "<mark>Old</mark>" in passage(alice, sent)
    page = alice.client.get(sent["url"]).content.decode()
    assert page.count(f'href="/attachments/{new}/"') == 2
    found = {**sent, "reply": last["reply"]}
    assert "<mark>New</mark>" in passage(alice, found, 1) and "<mark>Old</mark>" in passage(alice, found, 3)
    assert alice.get(address(found, 2)).status_code == 404


def test_it_is_as_visible_as_the_conversation(alice: Person, bob: Person) -> None:
    sent = answered(alice, cited())
    assert bob.get(address(sent)).status_code == 404
    sharing = Participant.objects.create(conversation_id=sent["conversation"], user=bob.user, role="reader")
    assert QUOTE in passage(bob, sent)
    sharing.delete()
    assert bob.get(address(sent)).status_code == 404


def test_a_file_of_another_conversation_is_never_read(alice: Person) -> None:
    answered(alice, cited())
    sent = alice.start("How long?")
    finished(sent["generation"], content=[{"type": "text", "text": "61 m", "citations": [cited()]}])
    assert alice.get(address(sent)).status_code == 404
