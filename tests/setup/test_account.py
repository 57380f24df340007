from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from chatsite.middleware import time_zone
from conversations.models import User

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}


@pytest.fixture
def ann(client: Client) -> User:
    user = User.objects.create_user("ann", password="x")
    client.force_login(user)
    return user


def test_a_person_changes_what_others_see_theme_and_time_zone(client: Client, ann: User) -> None:
    form = {"display_name": " Ann\u202e\n Example ", "theme": "dark", "time_zone": "Europe/Paris"}
    answer = client.post("/account/", form)
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    assert [str(message) for message in get_messages(answer.wsgi_request)] == ["Saved."]
    ann.refresh_from_db()
    assert (ann.name, ann.theme, ann.time_zone) == ("Ann Example", "dark", "Europe/Paris")


def test_fields_that_are_left_out_stay(client: Client, ann: User) -> None:
    client.post("/account/", {"display_name": "Ann", "time_zone": "Asia/Tokyo"})
    answer = client.post("/account/", {"theme": "light"}, headers=JSON)
    assert answer.json() == {"display_name": "Ann", "theme": "light", "time_zone": "Asia/Tokyo"}


@pytest.mark.any_database
@pytest.mark.parametrize(
    "form", [{"theme": "pink"}, {"time_zone": "../../etc/passwd"}, {"display_name": "x" * 101}]
)
def test_a_wrong_value_is_named_and_nothing_is_stored(
    client: Client, ann: User, form: dict[str, str]
) -> None:
    answer = client.post("/account/", form, headers=JSON)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request")
    assert client.post("/account/", form).status_code == 400
    ann.refresh_from_db()
    assert (ann.display_name, ann.theme, ann.time_zone) == ("", "system", "")


def test_a_name_is_shown_as_text(client: Client, ann: User) -> None:
    client.post("/account/", {"display_name": "<script>alert(1)</script>"})
    assert b"<script>alert" not in client.get("/account/").content


@pytest.mark.parametrize(
    ("name", "expected"), [("Asia/Tokyo", "Asia/Tokyo"), ("", "UTC"), ("No/Where", "UTC")]
)
def test_times_are_shown_in_the_persons_zone(rf: RequestFactory, name: str, expected: str) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(timezone.get_current_timezone_name())

    request = rf.get("/")
    request.user = User(username="ann", time_zone=name)
    assert time_zone(view)(request).content.decode() == expected
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_pages_are_not_kept_by_anybody(client: Client, ann: User) -> None:
    assert client.get("/account/")["Cache-Control"] == "private, no-store"
