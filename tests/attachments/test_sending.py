"""What the provider receives is what the person gave: every kind, over every dialect, in the order given."""

from __future__ import annotations

import base64
import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageOps

from conversations.attachments import process, sending
from conversations.models import (
    Attachment,
    Conversation,
    Generation,
    LanguageModel,
    Message,
    Provider,
    StoredFile,
)
from conversations.upstream.capabilities import lookup
from tests import patience
from tests.world import Person, World, finished, wait_for

from .given import attached, content, encoded, picture, png, stored_file, upload
from .hostile import pdf_of_pages, with_exif
from .test_pictures import close, same

DIALECTS = ["anthropic", "rockapi", "aimlapi", "openai_chat"]
UNKNOWN = "some-model"


def speak(world: World, dialect: str, model: str = "claude-sonnet-4-5") -> None:
    """The provider speaks this dialect and offers this model."""
    path = "/v1" if dialect == "openai_chat" else ""
    Provider.objects.update(dialect=dialect, base_url=f"{world.upstream.url}{path}")
    LanguageModel.objects.update(model_id=model)


def received(world: World) -> list[dict[str, Any]]:
    """The messages of the last answer's request, as the provider got them."""
    return [call for call in world.upstream.calls if call.body.get("stream")][-1].body["messages"]  # type: ignore[no-any-return]


def asked(world: World, files: list[dict[str, Any]], text: str = "What is this?") -> list[dict[str, Any]]:
    """The blocks or parts of a new conversation's first turn, as the provider got them."""
    world.ended(world.alice.start(text, attachments=[file["id"] for file in files]))
    blocks = received(world)[-1]["content"]
    return blocks if isinstance(blocks, list) else [{"type": "text", "text": blocks}]


def decoded(block: dict[str, Any]) -> Image.Image:
    """The picture in an image block or an image_url part; its type must be what its bytes are."""
    if block["type"] == "image_url":
        head, data = block["image_url"]["url"].split(",", 1)
        media_type = head.removeprefix("data:").removesuffix(";base64")
    else:
        assert block["type"] == "image" and block["source"]["type"] == "base64"
        media_type, data = block["source"]["media_type"], block["source"]["data"]
    assert "\n" not in data
    image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    image.load()
    assert Image.MIME[image.format or ""] == media_type
    return image


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_provider_sees_each_picture_as_it_is(dialect: str, world: World) -> None:
    speak(world, dialect)
    lossless = {
        "a.png": encoded(picture(50, 40, "RGBA")),
        "a.gif": encoded(picture(50, 40).quantize(64), "GIF"),
        "a.webp": encoded(picture(50, 40), "WEBP", lossless=True),
    }
    turned = with_exif("JPEG", 8)
    files = [upload(world.alice, data, name) for name, data in lossless.items()]
    files.append(upload(world.alice, turned, "a.jpg"))
    blocks = asked(world, files)
    assert len(blocks) == 5 and blocks[-1] == {"type": "text", "text": "What is this?"}
    for block, data in zip(blocks, lossless.values(), strict=False):
        assert same(decoded(block), Image.open(io.BytesIO(data)))
    photo = decoded(blocks[3])
    assert close(photo, ImageOps.exif_transpose(Image.open(io.BytesIO(turned))))
    assert not photo.getexif() and "comment" not in photo.info


def test_the_demo_names_what_was_uploaded(world: World) -> None:
    """Its transport has no limit of sides, so it gets all the pixels, upright, as far as a request has room."""
    speak(world, "demo", "demo")
    flat = Image.new("RGB", (3000, 2000), "#1e50dc")
    exif = Image.Exif()
    exif[0x0112] = 6
    files = [
        upload(world.alice, encoded(flat), "wide.png"),
        upload(world.alice, encoded(flat, "JPEG", exif=exif), "turned.jpg"),
    ]
    sent = world.alice.start("What is this?", attachments=[file["id"] for file in files])
    text = world.ended(sent).message.text
    assert "1. a PNG picture, 3000 × 2000 pixels, mostly blue" in text
    assert "2. a JPEG picture, 2000 × 3000 pixels, mostly blue" in text


def test_the_demo_gets_the_newest_pictures_whole_where_a_request_has_no_room_for_all(
    alice: Person, settings: Any
) -> None:
    whole = [stored_file(bytes([number]) * 900) for number in range(2)]
    small = [stored_file(bytes([number]) * 300) for number in range(2)]
    rows = [attached(alice.user, original=one, sent=two) for one, two in zip(whole, small, strict=True)]
    turns = [{"role": "user", "content": [sending.reference(row)]} for row in rows]
    files = {str(row.pk): row for row in rows}
    for room, sizes in ((2400, [900, 900]), (2399, [300, 900]), (1599, [300, 300])):
        settings.UPSTREAM_REQUEST_MAX_BYTES = room
        made = sending.with_files(turns, files, lookup("demo"), "demo")
        assert [len(base64.b64decode(turn["content"][0]["source"]["data"])) for turn in made] == sizes


def test_files_go_out_in_the_order_given_before_the_text(world: World) -> None:
    speak(world, "anthropic")
    first, second = upload(world.alice, png(20, 10)), upload(world.alice, png(30, 10))
    note = upload(world.alice, "Grüße".encode(), "note.md")
    for order in ([first, note, second],):
        blocks = asked(world, order)
        assert [block["type"] for block in blocks] == ["image", "document", "image", "text"]
        assert [decoded(blocks[0]).width, decoded(blocks[2]).width] == [20, 30]


def test_the_message_keeps_references_not_bytes(world: World) -> None:
    body = upload(world.alice)
    sent = world.alice.start("Look", attachments=[body["id"]])
    world.ended(sent)
    source = {"type": "attachment", "attachment": body["id"]}
    assert world.alice.messages(sent["conversation"])[0]["content"] == [
        {"type": "image", "source": source}, {"type": "text", "text": "Look"}
    ]  # fmt: skip


@pytest.mark.parametrize("dialect", ["anthropic", "aimlapi", "openai_chat"])
def test_documents_go_out_as_the_dialect_has_them(dialect: str, world: World) -> None:
    speak(world, dialect)
    data = pdf_of_pages(1)
    files = [upload(world.alice, data, "Plan 1.pdf"), upload(world.alice, b"one\ntwo", "note.txt")]
    blocks = asked(world, files)
    if dialect == "openai_chat":
        assert blocks[0]["file"]["filename"] == "Plan 1.pdf"
        assert base64.b64decode(blocks[0]["file"]["file_data"].partition(",")[2]) == data
        named = '<document name="note.txt">\none\ntwo\n</document>'
        assert blocks[1:] == [{"type": "text", "text": named}, {"type": "text", "text": "What is this?"}]
        return
    pdf, note = blocks[:2]
    assert (pdf["type"], pdf["title"]) == ("document", "Plan 1.pdf")
    assert pdf["source"]["media_type"] == "application/pdf"
    assert base64.b64decode(pdf["source"]["data"]) == data
    assert note["source"] == {"type": "text", "media_type": "text/plain", "data": "one\ntwo"}
    cited = {"enabled": True} if dialect == "anthropic" else None
    assert pdf.get("citations") == note.get("citations") == cited


@pytest.mark.parametrize(("dialect", "model"), [("rockapi", "claude-sonnet-4-5"), ("anthropic", UNKNOWN)])
def test_where_there_are_no_documents_text_goes_as_text_and_a_pdf_is_refused(
    dialect: str, model: str, world: World
) -> None:
    speak(world, dialect, model)
    note, look = upload(world.alice, b"one", 'a"b.txt'), upload(world.alice)
    blocks = asked(world, [note, look])
    assert [block["type"] for block in blocks] == ["image", "text"]
    assert blocks[1]["text"] == '<document name="a\'b.txt">\none\n</document>\n\nWhat is this?'
    plan = upload(world.alice, pdf_of_pages(1), "a.pdf")
    before = Conversation.objects.count()
    response = world.alice.post("/conversations/", {"text": "Read", "attachments": [plan["id"]]})
    assert response.status_code == 400
    assert "cannot read PDFs" in response.json()["error"]["message"]  # type: ignore[attr-defined]
    assert Conversation.objects.count() == before and len(world.upstream.calls) == 2


def test_a_file_alone_is_a_message(world: World) -> None:
    speak(world, "anthropic")
    body = upload(world.alice, png(), "Holiday.png")
    for text in ("", " \u200b"):
        body = upload(world.alice, png(), "Holiday.png")
        blocks = asked(world, [body], text)
        assert [block["type"] for block in blocks] == ["image"]
    assert Conversation.objects.latest("created_at").title
    assert world.alice.post("/conversations/", {"text": " "}).status_code == 400


def test_a_large_picture_is_sent_in_the_size_that_the_model_looks_at(world: World) -> None:
    body = upload(world.alice, encoded(picture(3000, 1500), "JPEG"), "a.jpg")
    small = upload(world.alice, png(100, 50))
    speak(world, "anthropic", "claude-sonnet-4-5")
    conversation = world.alice.start("Look", attachments=[body["id"], small["id"]])
    world.ended(conversation)
    assert [decoded(b).size for b in received(world)[0]["content"][:2]] == [(1568, 784), (100, 50)]
    row = Attachment.objects.get(pk=body["id"])
    assert row.sent_large is None
    speak(world, "anthropic", "claude-opus-5-5")
    world.ended(
        world.alice.send(conversation["conversation"], "Again")
        | {"conversation": conversation["conversation"]}
    )
    assert [decoded(b).size for b in received(world)[0]["content"][:2]] == [(2576, 1288), (100, 50)]
    row.refresh_from_db()
    frozen = row.sent_large_id
    assert frozen is not None and (row.sent_large.width, row.sent_large.height) == (2576, 1288)  # type: ignore[union-attr]
    world.ended(
        world.alice.send(conversation["conversation"], "Again")
        | {"conversation": conversation["conversation"]}
    )
    row.refresh_from_db()
    assert row.sent_large_id == frozen


def test_an_answer_is_kept_while_its_pictures_are_made(world: World, settings: Any) -> None:
    """Twenty large photographs take longer than a lease."""
    settings.LEASE_SECONDS = 1
    body = upload(world.alice, encoded(picture(3000, 1500), "JPEG"), "a.jpg")
    speak(world, "anthropic", "claude-opus-5-5")
    places = settings.ATTACHMENT_CHILDREN
    for _ in range(places):
        process._places().acquire()
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(world.alice.start, "Look", attachments=[body["id"]])
        try:
            leases: set[Any] = set()
            # The first is the one that it was sent with.
            wait_for(
                lambda: (
                    leases.update(Generation.objects.values_list("lease_until", flat=True)) or len(leases) > 3
                )
            )  # type: ignore[func-returns-value]
        finally:
            for _ in range(places):
                process._places().release()
        sent = answer.result(patience.SECONDS)
    assert world.ended(sent).status == "completed"


def test_a_request_of_many_pictures_gets_the_smaller_ones(world: World, settings: Any) -> None:
    settings.IMAGES_LARGE_PER_REQUEST = 2
    speak(world, "anthropic", "claude-opus-5-5")
    large = encoded(picture(2000, 1000), "JPEG")
    sent = world.alice.start("One", attachments=[upload(world.alice, large, "a.jpg")["id"] for _ in range(2)])
    world.ended(sent)
    assert {decoded(block).width for block in received(world)[0]["content"][:2]} == {2000}
    third = upload(world.alice, large, "a.jpg")["id"]
    world.ended(world.alice.send(sent["conversation"], "Two", attachments=[third]))
    pictures = [b for turn in received(world) for b in turn["content"] if b["type"] == "image"]
    assert [decoded(block).width for block in pictures] == [1568] * 3


def test_a_second_request_begins_with_the_first(world: World) -> None:
    speak(world, "anthropic")
    body = upload(world.alice)
    sent = world.alice.start("Look", attachments=[body["id"]])
    world.ended(sent)
    first = received(world)
    world.ended(world.alice.send(sent["conversation"], "More"))
    assert received(world)[: len(first)] == first


def test_a_request_larger_than_the_service_takes_is_refused_before_it_is_sent(
    world: World, settings: Any
) -> None:
    speak(world, "anthropic")
    settings.UPSTREAM_REQUEST_MAX_BYTES = 1000
    files = [upload(world.alice, b"a" * 600, "a.txt")["id"] for _ in range(2)]
    response = world.alice.post("/conversations/", {"text": "Read", "attachments": files})
    assert response.status_code == 413 and not world.upstream.calls
    assert "is 1.2 KB; the limit is 1 KB." in response.json()["error"]["message"]  # type: ignore[attr-defined]
    sent = world.alice.start("Read", attachments=files[:1])
    world.ended(sent)
    second = world.ended(world.alice.send(sent["conversation"], "This, too", attachments=files[1:]))
    assert (second.status, second.error["type"]) == ("failed", "size")  # type: ignore[index]
    assert sum(bool(call.body.get("stream")) for call in world.upstream.calls) == 1


def test_a_file_that_the_storage_has_lost_fails_the_answer_with_a_way_out(world: World) -> None:
    body = upload(world.alice)
    stored = Attachment.objects.select_related("original").get(pk=body["id"]).original
    stored.file.storage.delete(str(stored.file))
    ended = world.ended(world.alice.start("Look", attachments=[body["id"]]))
    assert (ended.status, ended.error["type"]) == ("failed", "invalid")  # type: ignore[index]


def test_a_conversation_without_a_word_is_called_after_its_first_file(alice: Person) -> None:
    files = [str(attached(alice.user, name=name).pk) for name in ("Rome.png", "Paris.png")]
    sent = alice.start("", attachments=files)
    assert Conversation.objects.get(pk=sent["conversation"]).title == "Rome.png"


# What a send may carry: no engine is needed to say no.


def refused(person: Person, ids: list[str], status: int = 400) -> str:
    count = Message.objects.count()
    response = person.post("/conversations/", {"text": "Look", "attachments": ids})
    assert response.status_code == status, response.content
    assert Message.objects.count() == count and not Conversation.objects.exists()
    return str(response.json()["error"]["message"])  # type: ignore[attr-defined]


def test_a_name_that_hides_or_reorders_text_shows_it_as_a_title_too(alice: Person) -> None:
    file = attached(alice.user, name="Plan \u202egpj.exe\u202c.png")
    sent = alice.start("", attachments=[str(file.pk)])
    assert Conversation.objects.get(pk=sent["conversation"]).title == "Plan \ufffdgpj.exe\ufffd.png"


def test_foreign_unknown_and_malformed_files_are_refused_alike(alice: Person, bob: Person) -> None:
    mine, theirs = str(attached(alice.user).pk), str(attached(bob.user).pk)
    assert refused(alice, [mine, theirs]) == refused(alice, [mine, str(uuid.uuid4())])
    assert "UUID" in refused(alice, ["../../etc/passwd"])
    assert "twice" in refused(alice, [mine, mine])
    assert Attachment.objects.filter(conversation=None).count() == 2


def test_a_file_that_was_sent_cannot_be_sent_again(alice: Person) -> None:
    file = str(attached(alice.user).pk)
    sent = alice.start("Look", attachments=[file])
    finished(sent["generation"])
    again = alice.post(
        f"/conversations/{sent['conversation']}/messages/", {"text": "Look", "attachments": [file]}
    )
    assert again.status_code == 400
    assert Message.objects.count() == 2


def test_what_an_edited_message_has_already_counts_as_well(alice: Person, settings: Any) -> None:
    sent = alice.start("Look", attachments=[upload(alice)["id"] for _ in range(2)])
    finished(sent["generation"])
    path = f"/conversations/{sent['conversation']}/messages/{sent['message']}/edit/"
    settings.ATTACHMENTS_PER_MESSAGE = 3

    def edit(files: int) -> Any:
        ids = [upload(alice)["id"] for _ in range(files)]
        return alice.post(path, {"text": "Look again", "client_id": str(uuid.uuid4()), "attachments": ids})

    over = edit(2)
    assert over.status_code == 400
    assert "up to 3 files; with the 2 that it has already these are 4" in over.json()["error"]["message"]
    one = Attachment.objects.first()
    assert one is not None
    settings.UPSTREAM_REQUEST_MAX_BYTES = 3 * sending.size_in_request(one, one.sent) - 1
    assert edit(1).status_code == 413
    settings.UPSTREAM_REQUEST_MAX_BYTES += 1
    at_the_limit = edit(1)
    assert at_the_limit.status_code == 201
    edited = Message.objects.get(pk=at_the_limit.json()["message"])
    assert len(sending.referred(edited.content)) == 3


def test_a_message_takes_so_many_files_and_no_more(alice: Person, settings: Any) -> None:
    settings.ATTACHMENTS_PER_MESSAGE = 2
    files = [str(attached(alice.user).pk) for _ in range(3)]
    assert "up to 2 files; these are 3" in refused(alice, files)
    alice.start("Look", attachments=files[:2])


def test_files_are_part_of_what_makes_two_sends_equal(alice: Person) -> None:
    one, other = (str(attached(alice.user).pk) for _ in range(2))
    fields = {"text": "Look", "client_id": str(uuid.uuid4())}
    first = alice.post("/conversations/", fields | {"attachments": [one]})
    second = alice.post("/conversations/", fields | {"attachments": [one]})
    assert (first.status_code, second.status_code) == (201, 200) and first.content == second.content
    for ids in ([other], [one, other], []):
        response = alice.post("/conversations/", fields | {"attachments": ids})
        assert response.json()["error"]["type"] == "client_id_reused"  # type: ignore[attr-defined]
    assert Attachment.objects.filter(conversation=None).count() == 1


def test_json_bodies_name_files_the_same_way(alice: Person) -> None:
    file = str(attached(alice.user).pk)
    body = {"text": "Look", "attachments": [file]}
    response = alice.client.post(
        "/conversations/", body, content_type="application/json", HTTP_ACCEPT="application/json"
    )
    assert response.status_code == 201
    assert Attachment.objects.get(pk=file).conversation is not None


def test_a_file_sent_with_the_message_itself_is_refused_rather_than_left_out(alice: Person) -> None:
    response = alice.post(
        "/conversations/", {"text": "Look", "attachments": SimpleUploadedFile("a.png", png())}
    )
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request")  # type: ignore[attr-defined]
    assert not Conversation.objects.exists()


def test_an_edit_keeps_the_files_and_may_add_others(alice: Person) -> None:
    kept, added = (str(attached(alice.user).pk) for _ in range(2))
    sent = alice.start("Look", attachments=[kept])
    finished(sent["generation"])
    path = f"/conversations/{sent['conversation']}/messages/{sent['message']}/edit/"
    edited = alice.post(path, {"text": "", "attachments": [added]})
    assert edited.status_code == 201, edited.content
    blocks = Message.objects.get(pk=edited.json()["message"]).content  # type: ignore[attr-defined]
    assert [block["source"]["attachment"] for block in blocks] == [kept, added]


def test_a_copy_of_a_conversation_has_its_own_references_to_the_same_bytes(
    alice: Person, bob: Person
) -> None:
    file = attached(alice.user)
    sent = alice.start("Look", attachments=[str(file.pk)])
    finished(sent["generation"])
    stored = StoredFile.objects.count()
    fork = alice.post(f"/conversations/{sent['conversation']}/messages/{sent['reply']}/fork/").json()  # type: ignore[attr-defined]
    block = alice.messages(fork["conversation"])[0]["content"][0]
    copy = Attachment.objects.get(pk=block["source"]["attachment"])
    assert copy.pk != file.pk and copy.original_id == file.original_id and copy.uploader is None
    assert StoredFile.objects.count() == stored
    Conversation.objects.get(pk=sent["conversation"]).delete()
    assert content(alice.get(f"/attachments/{copy.pk}/")) == png()
    assert bob.get(f"/attachments/{copy.pk}/").status_code == 404


def test_the_page_shows_pictures_and_documents(alice: Person) -> None:
    stored = stored_file(b"# x", "text/plain")
    look = attached(alice.user, name="Rome & <Paris>.png")
    note = attached(
        alice.user,
        name="note.md",
        media_type="text/markdown",
        size=3,
        original=stored,
        sent=stored,
        thumbnail=None,
    )
    sent = alice.start("Look", attachments=[str(look.pk), str(note.pk)])
    page = alice.client.get(sent["url"]).content.decode()
    assert f'href="/attachments/{look.pk}/"' in page and f'src="/attachments/{look.pk}/thumbnail/"' in page
    assert 'alt="Rome &amp; &lt;Paris&gt;.png"' in page
    assert f'href="/attachments/{note.pk}/"' in page and "note.md" in page


def test_exports_list_files_without_their_bytes(alice: Person) -> None:
    file = attached(alice.user, name="Rome.png")
    sent = alice.start("Look", attachments=[str(file.pk)])
    finished(sent["generation"])
    listed = alice.get(f"{sent['url']}export/?as=json").json()["attachments"]  # type: ignore[attr-defined]
    assert listed == [
        {
            "id": str(file.pk), "name": "Rome.png", "alt": "", "media_type": "image/png", "width": 40, "height": 30,
            "pages": None, "size": file.size,
        }
    ]  # fmt: skip
    assert "- Rome.png (image/png)" in alice.get(
        f"{sent['url']}export/?as=markdown"
    ).content.decode().replace("\\", "")
