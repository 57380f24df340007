"""Links for people: by mail where there is a mail server, else for the administrator to hand over."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from chatsite.email import is_sender, settings_of
from conversations.models import AuditEvent, User
from tests.services import free_port
from tests.world import Person

from .smtp import MailServer

RESET = "/accounts/password/reset/"
NEW = {"password1": "quite-another-one", "password2": "quite-another-one"}


@pytest.fixture
def by_mail(settings: Any) -> None:
    settings.MAIL_WORKS = True


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.com", "a-password-1")


def link_in(text: object) -> str:
    found = re.search(r"https?://\S+", str(text))
    assert found is not None
    return found[0]


def test_a_forgotten_password_is_chosen_anew_by_a_mailed_link_once(by_mail: None, ann: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    assert Client().post(RESET, {"email": "Ann@example.com"}).status_code == 302
    (message,) = mail.outbox
    assert message.to == ["ann@example.com"]
    assert message.subject == "A new password for Chatsite"
    assert "You sign in as ann." in message.body and "testserver!" not in message.body
    path = link_in(message.body).removeprefix("http://testserver")
    guest = Client()
    form = guest.get(path)["Location"]
    page = guest.get(form)
    assert "Choose a new password" in page.content.decode()
    assert "is set" in guest.post(form, NEW, follow=True).content.decode()
    ann.refresh_from_db()
    assert ann.check_password(NEW["password1"])
    assert elsewhere.get("/account/").status_code == 302, "other devices are signed out"
    assert AuditEvent.objects.filter(act="password_reset").count() == 1
    late = Client()
    assert "no longer works" in late.get(path).content.decode()
    late.post(form, {"password1": "a-third-password", "password2": "a-third-password"})
    ann.refresh_from_db()
    assert ann.check_password(NEW["password1"])


def adding(client: Client, password: str, address: str) -> str:
    """The page after this address was added to the account."""
    client.post("/accounts/reauthenticate/", {"password": password})
    page = client.post("/accounts/email/", {"action_add": "", "email": address}, follow=True)
    return page.content.decode()


def test_an_address_is_added_and_confirmed_in_the_words_of_this_site(by_mail: None, alice: Person) -> None:
    page = adding(alice.client, "alice-password-1", "new@example.com")
    assert "A link was sent to new@example.com." in page and "Not confirmed" in page
    (message,) = mail.outbox
    assert message.subject == "Your address in Chatsite"
    assert message.body.startswith("alice has named this as an address of the account in Chatsite.")
    path = link_in(message.body).removeprefix("http://testserver")
    assert "<strong>new@example.com</strong> the address of alice?" in alice.client.get(path).content.decode()
    assert "new@example.com is confirmed." in alice.client.post(path, follow=True).content.decode()
    chosen = {"action_primary": "", "email": "new@example.com"}
    page = alice.client.post("/accounts/email/", chosen, follow=True).content.decode()
    assert "This is the main address" in page and "Confirmed · main address" in " ".join(page.split())
    again = adding(alice.client, "alice-password-1", "new@example.com")
    assert "This address is one of yours already." in again
    gone = {"action_remove": "", "email": "new@example.com"}
    page = alice.client.post("/accounts/email/", gone, follow=True).content.decode()
    assert "new@example.com was removed." in page and "No address yet." in page
    assert "no longer works" in alice.client.get("/accounts/confirm-email/x/").content.decode()


def test_without_a_mail_server_no_link_to_an_address_is_said_to_be_sent(alice: Person) -> None:
    page = adding(alice.client, "alice-password-1", "new@example.com")
    assert "Not confirmed" in page and "link" not in page.split("<main")[1].lower()
    assert mail.outbox == []


def test_known_and_unknown_addresses_are_answered_alike(by_mail: None, ann: User) -> None:
    answers = [Client().post(RESET, {"email": f"{name}@example.com"}) for name in ("ann", "nobody")]
    assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1
    assert [message.to for message in mail.outbox] == [["ann@example.com"], ["nobody@example.com"]]
    assert "/reset/key/" not in mail.outbox[1].body


def test_a_deactivated_person_gets_no_link(by_mail: None, ann: User) -> None:
    User.objects.update(is_active=False)
    Client().post(RESET, {"email": "ann@example.com"})
    assert not any("/reset/key/" in message.body for message in mail.outbox)


def test_links_carry_the_public_address_whatever_the_request_says(
    by_mail: None, ann: User, administrator: Person, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://chat.example.com"
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    forged = {"HTTP_HOST": "chat.example.com:8443", "secure": True}
    Client().post(RESET, {"email": "ann@example.com"}, **forged)
    invitation = {"role": "member", "days": "7", "email": "new@example.com"}
    administrator.client.post("/people/invitations/", invitation, **forged)
    page = administrator.client.post(f"/people/{ann.pk}/password/", **forged).content.decode()
    assert "https://chat.example.com/password/" in page
    assert [link_in(message.body).partition(".com/")[0] for message in mail.outbox] == [
        "https://chat.example"
    ] * 2
    assert Client().get("/accounts/login/", HTTP_HOST="evil.example").status_code == 400


def test_a_mail_server_that_does_not_answer_undoes_nothing(
    by_mail: None, ann: User, administrator: Person, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    with caplog.at_level(logging.ERROR):
        answers = [Client().post(RESET, {"email": f"{name}@example.com"}) for name in ("ann", "nobody")]
    assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1
    assert "could not be sent" in caplog.text and "ann@" not in caplog.text
    invitation = {"role": "member", "days": "7", "email": "new@example.com"}
    page = administrator.client.post("/people/invitations/", invitation).content.decode()
    assert "Copy the link instead." in page and "http://testserver/invitation/" in page
    new = {"oldpassword": "a-password-1", **NEW}
    client = Client()
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post("/accounts/password/change/", new).status_code == 302


def test_the_address_of_a_mail_server_is_where_mail_goes(
    by_mail: None, ann: User, administrator: Person, settings: Any
) -> None:
    settings.DEFAULT_FROM_EMAIL = "chat@example.com"
    with MailServer() as server:
        for name, value in settings_of(server.url).items():
            setattr(settings, name, value)
        Client().post(RESET, {"email": "ann@example.com"})
        invitation = {"role": "member", "days": "7", "email": "new@example.com"}
        page = administrator.client.post("/people/invitations/", invitation).content.decode()
    assert "/invitation/" not in page
    (known, reset), (invited, link) = server.messages
    assert (known, invited) == ("ann@example.com", "new@example.com")
    assert "/reset/key/" in reset and "/invitation/" in link
    assert "From: chat@example.com" in reset and "From: chat@example.com" in link


def test_an_address_that_no_mail_can_name_is_answered_like_others(
    by_mail: None, administrator: Person
) -> None:
    """Each label of a host name is at most 63 letters, as they are sent: xn--…"""
    long = f"new@{'ü' * 60}.com"
    answers = [Client().post(RESET, {"email": email}) for email in (long, "nobody@example.com")]
    assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1
    invitation = {"role": "member", "days": "7", "email": long}
    page = administrator.client.post("/people/invitations/", invitation).content.decode()
    assert "No mail can be sent to this address. Copy the link instead." in page


@pytest.mark.parametrize(
    "url",
    [
        "smtp://ann:12#34@mail.example.com", "smtp://mail.example.com:587/?tls=true", "smtp://mail.example.com/x",
        "smtp://mail.example.com?", "smtp://ann:p%C3%A4ss@mail.example.com", "smtp://änn:pass@mail.example.com",
    ],
)  # fmt: skip
def test_an_address_of_a_mail_server_that_would_be_half_read_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        settings_of(url)


def test_a_sender_is_one_address_with_or_without_a_name() -> None:
    for good in (
        "chat@example.com",
        "chatsite@localhost",
        "Chät <chat@example.com>",
        '"Chat, Team" <a@b.org>',
    ):
        assert is_sender(good), good
    for bad in ("Chat", "<>", "a@@b", "a@b.org, c@d.org", "Chat, Team <a@b.org>", f"a@{'ü' * 60}.com"):
        assert not is_sender(bad), bad


def test_signs_of_a_password_are_written_in_percent() -> None:
    found = settings_of("smtp+tls://ann%40example.com:p%23a%3Fs%2Fs@mail.example.com/")
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("ann@example.com", "p#a?s/s")


def test_without_a_mail_server_links_are_shown_and_nothing_is_sent(ann: User, administrator: Person) -> None:
    assert "Ask your administrator" in Client().get(RESET).content.decode()
    Client().post(RESET, {"email": "ann@example.com"})
    assert mail.outbox == []
    page = administrator.client.post(f"/people/{ann.pk}/password/").content.decode()
    path = re.search(r"http://testserver(/password/[^\"]+)", page)
    assert path is not None
    Client().post(path[1], NEW)
    ann.refresh_from_db()
    assert ann.check_password(NEW["password1"])
    invitation = {"role": "member", "days": "7", "email": "new@example.com"}
    page = administrator.client.post("/people/invitations/", invitation).content.decode()
    assert "http://testserver/invitation/" in page
    assert mail.outbox == []
