"""A method that an address does not take, and a range that a file does not have: in the shape of all errors."""

from __future__ import annotations

import uuid

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from whitenoise.middleware import WhiteNoiseFileResponse

from chatsite import errors
from tests.world import JSON, Person

SOME = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", f"/generations/{SOME}/stop/", {"POST"}),
        ("DELETE", "/conversations/", {"GET", "HEAD", "POST"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_refused_in_words(alice: Person, method: str, path: str, allowed: set[str]) -> None:
    refused = alice.client.generic(method, path, HTTP_HOST="127.0.0.1", **JSON)
    assert refused.status_code == 405
    assert set(refused["Allow"].replace(" ", "").split(",")) == allowed
    assert refused["Content-Type"] == "application/json"
    assert refused.json()["error"]["type"] == "method_not_allowed"
    assert refused.json()["error"]["message"]


def test_a_person_sees_a_page(alice: Person) -> None:
    refused = alice.client.get(f"/generations/{SOME}/stop/", HTTP_ACCEPT="text/html,*/*;q=0.8")
    assert (refused.status_code, refused["Allow"]) == (405, "POST")
    assert refused["Content-Type"].startswith("text/html")
    assert b"<h1>Not allowed</h1>" in refused.content


def test_who_is_not_signed_in_is_told_to_before(alice: Person) -> None:
    assert Client().get(f"/generations/{SOME}/stop/", **JSON).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/attachments/", 400),
        ("POST", f"/generations/{SOME}/stop/", 404),
        ("GET", f"/generations/{SOME}/events/", 404),
        ("GET", f"/conversations/{SOME}/messages/", 404),
        ("GET", f"/attachments/{SOME}/", 404),
        ("GET", f"/attachments/{SOME}/thumbnail/", 404),
        ("GET", f"/conversations/{SOME}/export/", 404),
    ],
)
def test_an_address_without_a_page_refuses_in_json_whoever_asks_for_none(
    alice: Person, method: str, path: str, status: int
) -> None:
    refused = alice.client.generic(method, path, HTTP_ACCEPT="*/*")
    anonymous = Client().generic(method, path)
    foreign = Client(enforce_csrf_checks=True)
    foreign.cookies = alice.client.cookies
    forged = foreign.post(path, HTTP_ACCEPT="*/*") if method == "POST" else None
    for response, expected in ((refused, status), (anonymous, 401), (forged, 403)):
        if response is not None:
            assert (response.status_code, list(response.json())) == (expected, ["error"])
    assert Client().generic(method, path, HTTP_ACCEPT="text/html").status_code == 302


def test_a_key_that_confirms_no_address_is_refused_in_words(db: None) -> None:
    refused = Client().get("/accounts/confirm-email/made-up/", **JSON)
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request")


def test_a_static_file_refuses_in_the_same_words(rf: RequestFactory) -> None:
    bare = WhiteNoiseFileResponse((), status=405, headers={"Allow": "GET, HEAD"})
    refused = errors.dressed(rf.post("/static/a.css", **JSON), bare)
    assert refused["Allow"] == "GET, HEAD"
    assert isinstance(refused, HttpResponse)
    assert b"method_not_allowed" in refused.content
