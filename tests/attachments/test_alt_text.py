"""A picture's words for those who cannot see it: its file's name until somebody who may write says more."""

from __future__ import annotations

from typing import Any

from conversations.models import Attachment, Conversation, Participant
from tests.world import Person

from .given import png, post, upload

HOSTILE = '"><img src=x onerror=alert(1)>\n  \u202egnp.exe'


def described(person: Person, file: dict[str, Any], alt: str) -> Any:
    return person.post(f"{file['url']}alt/", {"alt": alt})


def test_it_is_shown_on_the_page_and_in_exports_and_goes_with_a_copy(alice: Person) -> None:
    file = upload(alice, png(), "IMG_0042.png")
    sent = alice.start("Look", attachments=[file["id"]])
    page = alice.client.get(sent["url"]).content.decode()
    assert 'alt="IMG_0042.png"' in page
    assert described(alice, file, " A pier\n at low tide ").json() == {
        "id": file["id"],
        "alt": "A pier at low tide",
    }
    page = alice.client.get(sent["url"]).content.decode()
    assert 'alt="A pier at low tide"' in page and 'data-name="IMG_0042.png"' in page
    copy = alice.post(f"/conversations/{sent['conversation']}/messages/{sent['message']}/fork/").json()
    for url in (sent["url"], copy["url"]):
        assert "IMG_0042.png (image/png): A pier at low tide" in alice.get(f"{url}export/").content.decode()
        assert alice.get(f"{url}export/?as=json").json()["attachments"][0]["alt"] == "A pier at low tide"


def test_taken_away_the_name_stands_for_it_again(alice: Person) -> None:
    file = upload(alice)
    described(alice, file, "A pier")
    assert described(alice, file, "  ").json()["alt"] == "a.png"
    assert Attachment.objects.get().alt == ""


def test_whoever_may_write_may_change_it_and_readers_may_not(alice: Person, bob: Person) -> None:
    file = upload(alice)
    assert described(bob, file, "Mine").status_code == 404
    conversation = Conversation.objects.get(pk=alice.start("Look", attachments=[file["id"]])["conversation"])
    sharing = Participant.objects.create(conversation=conversation, user=bob.user, role="reader")
    assert described(bob, file, "Mine").status_code == 404
    assert b'id="alt-text"' not in bob.client.get(f"/conversations/{conversation.pk}/").content
    sharing.role = "writer"
    sharing.save()
    assert described(bob, file, "A pier").status_code == 200
    assert b'id="alt-text"' in bob.client.get(f"/conversations/{conversation.pk}/").content
    assert Attachment.objects.get().alt == "A pier"


def test_who_was_overtaken_is_told_and_may_save_again(alice: Person, bob: Person) -> None:
    file = upload(alice, png(), "pier.png")

    def saved(alt: str, based_on: str) -> Any:
        return alice.post(f"{file['url']}alt/", {"alt": alt, "based_on": based_on})

    assert saved("A pier", "").status_code == 200
    late = saved("A jetty", "")
    assert late.status_code == 409
    error = late.json()["error"]
    assert (error["type"], error["current"]) == ("changed", "A pier")
    assert "“A pier”" in error["message"]
    assert Attachment.objects.get().alt == "A pier"
    assert saved("A jetty", "A pier").status_code == 200
    # Both mean the same; nobody is overwritten.
    assert saved("A jetty", "A pier").status_code == 200
    assert saved("", "A jetty").status_code == 200
    gone = saved("A quay", "A jetty").json()["error"]
    assert gone["current"] == "" and "removed the description" in gone["message"]
    # The name of the file in so many words is as good as no description; what cannot be seen is shown as pages show it.
    assert saved("pier.png", "").status_code == 200
    assert saved("A \u202e quay", "").status_code == 200
    assert saved("A quay", "A \ufffd quay").status_code == 200
    assert described(alice, file, "Whatever there was").status_code == 200


def test_it_has_a_length(alice: Person, settings: Any) -> None:
    settings.ALT_TEXT_MAX_CHARACTERS = 10
    file = upload(alice)
    assert described(alice, file, "x" * 10).status_code == 200
    refused = described(alice, file, "y" * 11)
    assert refused.status_code == 400 and "the limit is 10" in refused.json()["error"]["message"]
    assert Attachment.objects.get().alt == "x" * 10


def test_what_somebody_writes_stays_text(alice: Person) -> None:
    file = upload(alice)
    sent = alice.start("Look", attachments=[file["id"]])
    described(alice, file, HOSTILE)
    link = alice.post(f"{sent['url']}links/", {"days": "7"}).json()["url"]
    for url in (sent["url"], link):
        page = alice.client.get(url).content.decode()
        assert "<img src=x" not in page and "\u202e" not in page
        assert "onerror=alert(1)&gt; \ufffdgnp.exe" in page, url


def test_only_a_picture_has_one(alice: Person) -> None:
    file = post(alice, b"text", "a.txt").json()
    assert described(alice, file, "A text").status_code == 400


def test_a_form_leads_back_to_the_conversation(alice: Person) -> None:
    file = upload(alice)
    sent = alice.start("Look", attachments=[file["id"]])
    response = alice.client.post(f"{file['url']}alt/", {"alt": "A pier"})
    assert (response.status_code, response["Location"]) == (302, sent["url"])
