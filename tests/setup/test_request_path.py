"""How a request reaches a view and how its answer leaves, through the real ASGI handler."""

from __future__ import annotations

import asyncio
import encodings
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from chatsite.content_type import header_parameters
from chatsite.handler import PageHandler
from tests import patience

from . import views_for_tests

pytestmark = [pytest.mark.urls("tests.setup.views_for_tests"), pytest.mark.django_db(transaction=True)]


class Exchange:
    """One request and what was sent back."""

    def __init__(self, path: str, body: bytes = b"", **headers: str) -> None:
        path, _, query = path.partition("?")
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "POST" if body else "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost"), *pairs],
            "client": ["127.0.0.1", 1],
            "server": ["127.0.0.1", 80],
        }
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()
        self.inbox.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self.sent: list[Any] = []
        self.flows = asyncio.Event()

    async def run(self) -> Exchange:
        async def send(message: Any) -> None:
            self.sent.append(message)
            if len(self.sent) > 3:
                self.flows.set()

        await PageHandler()(self.scope, self.inbox.get, send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    def json(self) -> Any:
        return json.loads(self.body)


@pytest.mark.any_database
async def test_requests_share_a_few_threads_and_their_connections() -> None:
    answers = [(await Exchange("/where").run()).json() for _ in range(12)]
    assert {answer["loop"] for answer in answers} == {id(asyncio.get_running_loop())}
    threads = {answer["thread"] for answer in answers}
    assert len(threads) <= 4
    if connection.vendor == "sqlite":  # elsewhere they come from a pool
        assert len({(answer["thread"], answer["connection"]) for answer in answers}) == len(threads)


async def test_an_async_view_works() -> None:
    assert (await Exchange("/waits").run()).status == 200


async def test_a_stream_leaves_piece_by_piece_and_is_closed() -> None:
    views_for_tests.closed.clear()
    exchange = await Exchange("/ticks?count=5").run()
    assert exchange.body == b"0;1;2;3;4;"
    assert len(exchange.sent) >= 6
    assert views_for_tests.closed == ["/ticks"]


async def test_a_stream_ends_when_the_client_leaves() -> None:
    views_for_tests.closed.clear()
    exchange = Exchange("/ticks?for_ever=1")
    running = asyncio.create_task(exchange.run())
    async with asyncio.timeout(patience.SECONDS):
        await exchange.flows.wait()
        exchange.inbox.put_nowait({"type": "http.disconnect"})
        await running
    assert views_for_tests.closed == ["/ticks"]


async def test_a_file_is_read_in_pieces_and_keeps_its_cookies() -> None:
    exchange = await Exchange("/file").run()
    assert exchange.body == b"x" * 200_000
    assert max(len(message["body"]) for message in exchange.sent[1:]) <= 65536
    assert exchange.headers[b"Set-Cookie"].startswith(b"seen=1")


@pytest.mark.parametrize("path", ["/file", "/ticks?for_ever=1"])
async def test_head_gets_the_headers_of_a_stream_and_nothing_of_it(path: str) -> None:
    exchange = Exchange(path)
    exchange.scope["method"] = "HEAD"
    async with asyncio.timeout(patience.SECONDS):
        await exchange.run()
    assert (exchange.status, exchange.body) == (200, b"")


@pytest.mark.parametrize("headers", [{"transfer_encoding": "chunked"}, {"content_length": "LENGTH"}])
async def test_a_form_may_come_in_chunks(headers: dict[str, str]) -> None:
    named = 'Content-Disposition: form-data; name="{}"\r\n\r\n'
    parts = [named.format("text") + "Hi", named.format('file"; filename="a.txt') + "words"]
    body = "".join(f"--x\r\n{part}\r\n" for part in parts).encode() + b"--x--\r\n"
    headers = {name: value.replace("LENGTH", str(len(body))) for name, value in headers.items()}
    exchange = await Exchange("/given", body, content_type="multipart/form-data; boundary=x", **headers).run()
    assert exchange.json() == {"text": "Hi", "file": "words"}


async def test_a_client_that_leaves_before_its_body_is_whole_is_forgotten() -> None:
    exchange = Exchange("/where")
    exchange.inbox = asyncio.Queue()
    exchange.inbox.put_nowait({"type": "http.disconnect"})
    assert (await exchange.run()).sent == []


async def test_a_path_that_is_no_text_is_refused() -> None:
    exchange = Exchange("/where")
    exchange.scope["query_string"] = b"\xff"
    assert (await exchange.run()).status == 400


def form(charset: str, disposition: str) -> Exchange:
    """A form of a browser that has a CSRF cookie, as its Content-Type and the header of its one part say."""
    body = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\nx\r\n--b--\r\n".encode()
    return Exchange(
        "/accounts/login/", body, content_type=f"multipart/form-data; boundary=b; charset={charset}",
        content_length=str(len(body)), cookie=f"csrftoken={'a' * 32}", accept="application/json",
    )  # fmt: skip


@pytest.mark.urls("chatsite.urls")
@pytest.mark.parametrize("charset", ["UTF-8", '"utf8"', "US-ASCII"])
async def test_a_form_in_utf_8_is_read(charset: str) -> None:
    exchange = await form(charset, "name=csrfmiddlewaretoken").run()
    assert (exchange.status, exchange.json()["error"]["type"]) == (403, "csrf_failed")


@pytest.mark.urls("chatsite.urls")
@pytest.mark.parametrize(
    ("charset", "disposition"),
    [
        ("rot13", "name=a"),
        ("idna", "name=a"),
        ("punycode", "name=a"),
        ("utf-8", f'name=a; filename="&#{"9" * 5000};"'),
    ],
    ids=["no text", "no replacement", "quadratic", "a number that is too long"],
)
async def test_a_form_that_python_trips_over_is_no_error_of_the_site(charset: str, disposition: str) -> None:
    exchange = await form(charset, disposition).run()
    assert (exchange.status, exchange.json()["error"]["type"]) == (400, "invalid_request")


@pytest.mark.urls("chatsite.urls")
@pytest.mark.parametrize("named", ["x*=nonsense''a", "x*=undefined''a", "charset*=a''b", f"x*{'9' * 5000}=a"])
async def test_a_content_type_that_cannot_be_read_counts_as_none(named: str) -> None:
    exchange = await Exchange("/healthz", content_type=f"text/plain; {named}").run()
    assert exchange.status == 200


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("form-data; name=file; filename*=UTF-8''%e2%82%ac.png", {"name": "file", "filename": "€.png"}),
        ("form-data; filename*=iso-8859-1'en'%A3", {"filename": "£"}),
        ('form-data; filename="a*b=c\'d.png"', {"filename": "a*b=c'd.png"}),
        ("form-data; filename*=punycode''a", None),
        ("form-data; name*0*=no-charset-of-anybody''a; name*1=b", None),
    ],
)
def test_values_are_in_the_charsets_of_headers_and_others_are_not_looked_up(
    line: str, found: dict[str, str] | None
) -> None:
    if found is not None:
        assert header_parameters(line) == ("form-data", found)
        return
    with pytest.raises(ValueError):
        header_parameters(line)
    assert "no_charset_of_anybody" not in encodings._cache  # type: ignore[attr-defined]


async def test_an_error_says_nothing_of_its_cause() -> None:
    page = await Exchange("/breaks").run()
    assert page.status == 500
    assert b"secret" not in page.body
    assert b"<h1>" in page.body
    program = await Exchange("/breaks", accept="application/json").run()
    assert program.json()["error"]["type"] == "internal_error"


async def test_what_is_not_there_says_so_to_people_and_programs() -> None:
    page, program = await Exchange("/nope").run(), await Exchange("/nope", accept="application/json").run()
    assert (page.status, program.status) == (404, 404)
    assert program.json()["error"]["type"] == "not_found"
    assert b"content-security-policy" in {name.lower() for name in page.headers}


@pytest.mark.parametrize("path", ["/%00", "/\x00", "/nope/\ud800".encode("utf-8", "replace").decode()])
async def test_odd_paths_are_not_found(path: str) -> None:
    assert (await Exchange(path).run()).status == 404


def test_pages_are_compressed_and_nothing_else(client: Client) -> None:
    wants = {"accept-encoding": "gzip"}
    assert client.get("/long", headers=wants)["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in client.get("/long?type=application/json", headers=wants)
    assert "Content-Encoding" not in client.get("/ticks?count=500", headers=wants)
