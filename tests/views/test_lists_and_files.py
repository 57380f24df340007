"""The sidebar with its search, the history, the totals, the export."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from email.message import Message as Headers
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.attachments.sending import reference
from conversations.models import (
    Conversation,
    GenerationEvent,
    GenerationStatus,
    LanguageModel,
    Message,
    Participant,
)
from conversations.views.messages import message_json
from conversations.views.transcript import PAGE
from tests.attachments.given import attached
from tests.world import MODEL, Person, finished, long_conversation


def titles(person: Person, query: str = "") -> set[str]:
    page = person.client.get("/conversations/", {"q": query})
    assert page.status_code == 200
    text = page.content.decode()
    return {title for title in Conversation.objects.values_list("title", flat=True) if f">{title}<" in text}


def conversation(person: Person, title: str, days: int = 0) -> Conversation:
    return Conversation.objects.create(
        owner=person.user, title=title, updated_at=timezone.now() - timedelta(days=days)
    )


def test_the_search_finds_titles_that_hold_every_word(alice: Person) -> None:
    for title in ("Trip to Rome", "Rome wine list", "Budget"):
        conversation(alice, title)
    assert titles(alice) == {"Trip to Rome", "Rome wine list", "Budget"}
    assert titles(alice, "rome") == {"Trip to Rome", "Rome wine list"}
    assert titles(alice, "wine ROME") == {"Rome wine list"}
    assert titles(alice, "paris") == set()


@pytest.mark.any_database
def test_the_search_finds_words_of_every_script_whatever_their_case(alice: Person) -> None:
    """SQLite by itself knows upper and lower case of ASCII alone; signs of patterns are letters like others."""
    wanted = "Погода в Риме: Été, C++ (x), 50%_, A\\B, ***:X, #1 - 2"
    conversation(alice, wanted)
    conversation(alice, "Budget")
    for query in ("погода", "ПОГОДА риме", "ÉTÉ", "c++ (", "50%_", "a\\b", "***:x", "#1 -"):
        assert titles(alice, query) == {wanted}, query
    assert titles(alice, "r.me") == titles(alice, "погода$") == set()


def test_the_search_finds_a_word_however_it_was_typed(alice: Person) -> None:
    conversation(alice, "Résumé")
    assert titles(alice, "re\u0301sume\u0301") == {"Résumé"}


def test_a_search_asks_for_each_word_once_and_for_ten_of_them(alice: Person) -> None:
    """Each is looked for in every title, and nobody needs more to tell one from the others."""
    ten = "one two three four five six seven eight nine ten"
    conversation(alice, ten)
    with CaptureQueriesContext(connection) as asked:
        assert titles(alice, f"{ten} {ten} eleven") == {ten}
    assert max(query["sql"].count("REGEXP") for query in asked.captured_queries) == 10


@pytest.mark.parametrize("query", ["%", "_", "'", '"', "\\", "*", "a OR b", "\x00", "x" * 100_000, "(" * 500])
def test_no_search_is_an_error_or_finds_what_it_does_not_name(alice: Person, query: str) -> None:
    conversation(alice, "Budget")
    assert titles(alice, query) in (set(), {"Budget"} if query == "\x00" else set())


def test_the_list_shows_nobody_elses_and_no_deleted_conversations(alice: Person, bob: Person) -> None:
    conversation(alice, "Mine")
    conversation(bob, "His")
    Conversation.objects.create(owner=alice.user, title="Gone", deleted_at=timezone.now())
    Conversation.objects.create(owner=bob.user, title="Open", visibility=Conversation.Visibility.WORKSPACE)
    assert titles(alice) == {"Mine", "Open"}
    assert titles(alice, "his") == set()


def test_where_all_is_archived_nobody_is_told_that_there_is_nothing_yet(administrator: Person) -> None:
    assert "No conversations yet" in administrator.client.get("/conversations/").content.decode()
    assert "Welcome" in administrator.client.get("/").content.decode()
    Conversation.objects.create(owner=administrator.user, title="Kept", archived_at=timezone.now())
    for address in ("/", "/conversations/"):
        page = administrator.client.get(address).content.decode()
        assert "All conversations are archived" in page
        assert "No conversations yet" not in page
        assert "Welcome" not in page


def test_a_running_conversation_is_marked(alice: Person) -> None:
    sent = alice.start("Marked")
    running = alice.client.get("/conversations/").content.decode()
    finished(sent["generation"])
    assert alice.client.get("/conversations/").content.decode() != running


def test_the_list_is_grouped_by_day(alice: Person) -> None:
    for title, days in (("Now", 0), ("Before", 1), ("Week", 4), ("Old", 400)):
        conversation(alice, title, days)
    page = alice.client.get("/conversations/").content.decode()
    places = [page.index(label) for label in ("Today", "Yesterday", "Last seven days")]
    assert places == sorted(places)


def test_older_conversations_come_on_request(alice: Person) -> None:
    """The newest hundred at first, a hundred more at each step, and no step where there is nothing more."""
    for number in range(201):
        conversation(alice, f"number {number}", days=number)

    def listed(asked: str) -> tuple[int, str]:
        page = alice.client.get("/conversations/", {"shown": asked}).content.decode()
        step = re.search(r'data-act="older" value="(\d+)"', page)
        return page.count("entry__title"), step[1] if step else ""

    assert listed("") == (100, "200")
    assert listed("200") == (200, "300")
    assert listed("300") == (201, "")
    for odd in ("0", "-5", "99", "x", "1e9", "²00", "\x00"):
        assert listed(odd) == (100, "200"), odd
    assert listed("9" * 5000) == (201, "")
    assert 'data-act="older"' not in alice.client.get("/conversations/?q=number").content.decode()
    Conversation.objects.filter(title="number 200").delete()
    assert listed("200") == (200, "")


def test_hostile_titles_are_text(alice: Person) -> None:
    conversation(alice, "<img src=x onerror=alert(1)>")
    page = alice.client.get("/conversations/").content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_the_history_pages_upwards_without_a_gap(alice: Person) -> None:
    found = long_conversation(alice.user, 50)
    ids = [str(id) for id in Message.objects.path_ids(found.current_leaf_id)]
    path = f"/conversations/{found.pk}/history/"
    response = alice.client.get(path)
    shown: list[str] = []
    seen = []
    while True:
        page = re.findall(r'data-message="([^"]+)"', response.content.decode())
        seen.append(len(page))
        shown = page + shown
        if response["X-Has-Earlier"] == "0":
            break
        response = alice.client.get(path, {"before": shown[0]})
    assert shown == ids
    assert max(seen) <= PAGE
    assert alice.client.get(path, {"before": "nonsense"}).status_code == 404


def queries_of(django_assert_max_num_queries: Any, person: Person, path: str) -> int:
    with django_assert_max_num_queries(40) as context:
        response = person.client.get(path)
        assert response.status_code == 200
        b"".join(response) if response.streaming else response.content
    return len(context)


def test_a_conversation_of_2000_messages_costs_as_many_queries_as_one_of_20(
    alice: Person, django_assert_max_num_queries: Any
) -> None:
    short, long = long_conversation(alice.user, 10), long_conversation(alice.user, 1000)
    for part in ("", "history/", "totals/", "messages/", "export/", "export/?as=json"):
        counts = [
            queries_of(django_assert_max_num_queries, alice, f"/conversations/{found.pk}/{part}")
            for found in (short, long)
        ]
        assert counts[0] == counts[1], part


def test_ten_refused_answers_cost_as_many_queries_as_one_and_readers_none(
    alice: Person, bob: Person, django_assert_max_num_queries: Any
) -> None:
    """What each can be tried without is looked up for all of them at once, for those who may try."""
    found = long_conversation(alice.user, 40)
    Participant.objects.create(conversation=found, user=bob.user, role="reader")
    first = Message.objects.filter(conversation=found, parent=None)
    path = f"/conversations/{found.pk}/"
    answers = Message.objects.path_ids(found.current_leaf_id)[1::2]
    refused = {"status": "failed", "content": [], "error": {"type": "invalid", "message": "No."}}
    for content in ([{"type": "text", "text": "Hi"}], [reference(attached(alice.user, found))]):
        first.update(content=content)
        counts = []
        # The first of those on the page stands alone, and the last one behind nine others.
        for last in (answers[-10:-9], answers[-10:]):
            Message.objects.filter(pk__in=answers).update(status="completed", error=None)
            before = queries_of(django_assert_max_num_queries, bob, path)
            Message.objects.filter(pk__in=last).update(**refused)
            counts.append(queries_of(django_assert_max_num_queries, alice, path))
            assert queries_of(django_assert_max_num_queries, bob, path) == before
        assert counts[0] == counts[1], content


def test_a_send_costs_as_many_queries_after_2000_messages_as_after_20(
    alice: Person, django_assert_max_num_queries: Any
) -> None:
    counts = []
    for turns in (10, 1000):
        found = long_conversation(alice.user, turns)
        with django_assert_max_num_queries(40) as context:
            alice.send(str(found.pk))
        counts.append(len(context))
    assert counts[0] == counts[1]


def test_the_list_costs_as_many_queries_for_100_conversations_as_for_one(
    alice: Person, django_assert_max_num_queries: Any
) -> None:
    conversation(alice, "One")
    before = queries_of(django_assert_max_num_queries, alice, "/conversations/")
    Conversation.objects.bulk_create(Conversation(owner=alice.user, title=f"C{n}") for n in range(100))
    assert queries_of(django_assert_max_num_queries, alice, "/conversations/") == before


def test_the_export_as_json_holds_the_branch_byte_for_byte(alice: Person) -> None:
    sent = alice.start("Question")
    blocks = [
        {"type": "thinking", "thinking": "Hm  \u2028", "signature": "c2ln+/=="},
        {"type": "new", "x": [1, None]},
    ]
    finished(sent["generation"], content=blocks)
    response = alice.client.get(f"/conversations/{sent['conversation']}/export/?as=json")
    assert response["Content-Disposition"] == 'attachment; filename="Question.json"'
    document = json.loads(response.content)
    assert document["messages"][1]["content"] == blocks
    assert document["messages"] == json.loads(json.dumps(alice.messages(sent["conversation"])))


def test_the_export_as_markdown_joins_an_answer_with_its_continuation(alice: Person) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], "First half,", stop_reason="max_tokens")
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/continue/"
    finished(alice.post(path).json()["generation"], " second half.")
    response = alice.client.get(f"/conversations/{sent['conversation']}/export/")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    text = response.content.decode()
    assert "First half, second half.\n" in text
    assert text.startswith("# Question\n")


def exported(person: Person, sent: Any) -> str:
    return str(person.client.get(f"/conversations/{sent['conversation']}/export/").content.decode())


def test_the_export_as_markdown_holds_what_is_journalled_of_a_running_answer(alice: Person) -> None:
    sent = alice.start("Question")
    assert "*The answer was still running when this was exported.*" in exported(alice, sent)
    rows = [
        {"type": "message_start", "seq": 1, "model": "m", "usage": {}},
        {"type": "content_block_start", "seq": 2, "index": 0, "content_block": {"type": "text", "text": ""}},
        {
            "type": "content_block_delta", "seq": 3, "index": 0,
            "delta": {"type": "text_delta", "text": "As far as this"},
        },
    ]  # fmt: skip
    GenerationEvent.objects.create(
        generation_id=sent["generation"], first_seq=1, seq=3, events=json.dumps(rows)
    )
    text = exported(alice, sent)
    assert text.endswith("\n\nAs far as this\n\n*The answer was still running when this was exported.*\n")
    assert Message.objects.get(pk=sent["reply"]).content == []


def test_the_export_as_markdown_loads_nothing_where_it_is_opened(alice: Person) -> None:
    sent = alice.start("![](https://evil.example/title)")
    finished(
        sent["generation"],
        "`![a](b)`\n\n![](https://evil.example/?q=1) <img src=//evil.example>\n\n```html\n<b>",
    )
    code = "```\n![](https://evil.example/2)\n```\n"
    finished(alice.send(sent["conversation"], "More")["generation"], code)
    text = exported(alice, sent)
    assert text.startswith("# \\![](https://evil.example/title)\n")
    assert "`![a](b)`\n\n\\![](https://evil.example/?q=1) \\<img src=//evil.example>\n\n```html\n<b>" in text
    assert text.count("![](") == text.count("\\![](") + 1 == 4 and code in text


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("stopped", "The answer was stopped."), ("interrupted", "The answer broke off.")],
)
def test_the_export_as_markdown_says_where_an_answer_did_not_end_by_itself(
    alice: Person, status: str, sentence: str
) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], "First half,", status=status)
    assert exported(alice, sent).endswith(f"\n\nFirst half,\n\n*{sentence}*\n")
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/continue/"
    finished(alice.post(path).json()["generation"], " second half.")
    assert exported(alice, sent).endswith("\n\nFirst half, second half.\n")


@pytest.mark.parametrize(
    ("said", "closed_by"),
    [
        ("Look:\n```python\nprint(1)", "```"),
        ("~~~~\n```\n~~~", "~~~~"),
        ("```\r\na\u2028```\n``` not the end", "```"),
        ("```\nwhole\n```", ""),
        ("```in``` a line", ""),
        ("- in a list\n  ```\n  ends with it", ""),
        ("`" * 100_000 + " `", ""),
    ],
)
def test_the_export_as_markdown_ends_the_code_in_which_an_answer_broke_off(
    alice: Person, said: str, closed_by: str
) -> None:
    """What follows is no part of it: neither the note, nor the next message."""
    sent = alice.start("Question")
    finished(sent["generation"], said, status=GenerationStatus.INTERRUPTED, stop_reason="")
    ending = f"{closed_by}\n" * bool(closed_by)
    assert exported(alice, sent).endswith(f"\n\n{said}\n{ending}\n*The answer broke off.*\n")
    more = alice.send(sent["conversation"], "~~~ as a person writes it")
    finished(more["generation"])
    assert exported(alice, sent).endswith(f"\n~~~ as a person writes it\n~~~\n\n## {MODEL}\n\nHi.\n")


def test_the_export_as_markdown_leaves_code_open_that_a_continuation_goes_on_with(alice: Person) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], "```\na", status=GenerationStatus.INTERRUPTED, stop_reason="")
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/continue/"
    finished(alice.post(path).json()["generation"], "b\n```\nSo.")
    assert exported(alice, sent).endswith("\n\n```\nab\n```\nSo.\n")


def test_an_export_is_called_like_its_conversation_in_any_script(alice: Person) -> None:
    sent = alice.start("x")
    for title, name in (
        ("Trip to Rome", "Trip-to-Rome.md"),
        ("Погода: Рим", "Погода-Рим.md"),
        ("हिन्दी", "हिन्दी.md"),
        ("?", "conversation.md"),
        ("日" * 200, "日" * 60 + ".md"),
    ):
        Conversation.objects.update(title=title)
        headers = Headers()
        export = alice.client.get(f"/conversations/{sent['conversation']}/export/")
        headers["Content-Disposition"] = export["Content-Disposition"]
        assert headers.get_filename() == name


def test_a_title_adds_nothing_to_the_export_header(alice: Person) -> None:
    sent = alice.start("x")
    for title in ('a"; filename="evil.exe', "a\r\nSet-Cookie: x=1", '日本"; a=b', "../../etc", "a\u202egpj"):
        Conversation.objects.update(title=title)
        header = alice.client.get(f"/conversations/{sent['conversation']}/export/")["Content-Disposition"]
        assert header.count('"') in (0, 2)
        assert header.isascii() and header.isprintable()
        assert "/" not in header and "%E2%80%AE" not in header


def test_what_is_hidden_in_a_text_or_a_tool_result_shows_on_the_page(alice: Person) -> None:
    hidden = "\U000e0062\U000e0075\U000e0079"
    sent = alice.start("Question")
    tool = {"type": "server_tool_use", "id": "t", "name": "web_search", "input": {"query": f"in{hidden}"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "t", "content": [{"title": f"out{hidden}"}]}
    content = [tool, result, {"type": "text", "text": f"said{hidden}"}]
    finished(sent["generation"], content=content)
    # As one stored it before prompts were cleaned.
    Message.objects.filter(pk=sent["message"]).update(content=[{"type": "text", "text": f"asked{hidden}"}])
    page = alice.client.get(f"/conversations/{sent['conversation']}/").content.decode()
    assert hidden[0] not in page
    for text in ("asked", "in", "out", "said"):
        assert f"{text}\ufffd" in page
    file = exported(alice, sent)
    assert hidden[0] not in file and "asked\ufffd" in file and "said\ufffd" in file


def test_choosing_a_branch_costs_as_many_queries_with_2000_messages_as_with_20(
    alice: Person, django_assert_max_num_queries: Any
) -> None:
    counts = []
    for turns in (10, 1000):
        found = long_conversation(alice.user, turns)
        path = Message.objects.path_ids(found.current_leaf_id)
        with django_assert_max_num_queries(40) as context:
            response = alice.post(f"/conversations/{found.pk}/messages/{path[0]}/select/")
        assert response.json() == {"leaf": str(path[-1])}  # type: ignore[attr-defined]
        counts.append(len(context))
    assert counts[0] == counts[1]


def test_a_copy_of_2000_messages_is_written_many_at_a_time(
    alice: Person, django_assert_max_num_queries: Any
) -> None:
    found = long_conversation(alice.user, 1000)
    with django_assert_max_num_queries(100):
        response = alice.post(f"/conversations/{found.pk}/messages/{found.current_leaf_id}/fork/")
    copy = Conversation.objects.get(pk=response.json()["conversation"])  # type: ignore[attr-defined]
    texts = [message.text for message in Message.objects.path(copy.current_leaf_id)]
    assert texts == [message.text for message in Message.objects.path(found.current_leaf_id)]


def test_an_answer_that_ends_while_it_is_read_is_read_to_its_end(alice: Person) -> None:
    """What the journal had of it goes with its end: an answer that was there must not be gone for a moment."""
    sent = alice.start()
    read = Message.objects.path(uuid.UUID(sent["reply"]))
    finished(sent["generation"], "All of it.")
    found = message_json(read[-1])
    assert (found["status"], found["content"]) == ("completed", [{"type": "text", "text": "All of it."}])


@pytest.mark.parametrize(
    ("status", "meta", "shown"),
    [
        ("completed", {"usage": {"usd_spent": 0.041}}, "$0.041"),
        ("completed", None, "cost unknown"),
        ("failed", None, ""),
    ],
)
def test_the_cost_of_an_answer_without_counted_tokens_is_shown_or_called_unknown(
    alice: Person, status: str, meta: Any, shown: str
) -> None:
    sent = alice.start()
    text = "" if status == "failed" else "Hi."
    finished(sent["generation"], text, usage=None, usage_is_final=False, meta=meta, status=status)
    page = alice.get(sent["url"], HTTP_ACCEPT="text/html").content.decode()
    assert [words for words in ("$0.041", "cost unknown") if f"<span>{words}</span>" in page] == [
        shown
    ] * bool(shown)


def test_the_gauge_knows_the_context_that_an_administrator_has_entered(
    alice: Person, model: LanguageModel
) -> None:
    sent = alice.start()
    finished(sent["generation"], usage={"input_tokens": 8000, "output_tokens": 0})
    path = f"/conversations/{sent['conversation']}/totals/"
    assert "8,000 of 200,000 tokens" in alice.get(path).content.decode()
    LanguageModel.objects.update(listed={"context": 100_000})
    assert "8,000 of 100,000 tokens" in alice.get(path).content.decode()
    model.refresh_from_db()
    model.capabilities = {"context": 32_000}
    model.save()
    assert "8,000 of 32,000 tokens" in alice.get(path).content.decode()
