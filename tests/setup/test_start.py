"""The whole server, for real: one process, one data folder, raw HTTP and websockets."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import CommandError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from conversations.management.commands.start import Command
from tests import patience
from tests.prepared import data_folder
from tests.running_site import ROOT, RunningSite, clean_environment
from tests.world import wait_for

PASSWORD = "correct-horse-battery"
ADMINISTRATOR = {"DJANGO_SUPERUSER_USERNAME": "ann", "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """Begun with nothing: its folder, its database and its static files are made by the start."""
    with RunningSite(tmp_path_factory.mktemp("site") / "data", **ADMINISTRATOR) as running:
        yield running


@pytest.fixture(scope="module")
def ann(site: RunningSite) -> Iterator[httpx.Client]:
    with closing(signed_in(site)) as client:
        yield client


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that a server has used, with the administrator ann; copy it."""
    data = data_folder(tmp_path_factory.mktemp("prepared") / "data")
    with RunningSite(data, **ADMINISTRATOR):
        pass
    return data


@pytest.fixture
def data(prepared: Path, tmp_path: Path) -> Path:
    """A data folder of one's own, in use before."""
    return Path(shutil.copytree(prepared, tmp_path / "data"))


def signed_in(site: RunningSite, name: str = "ann", password: str = PASSWORD) -> httpx.Client:
    client = httpx.Client(base_url=site.url, timeout=patience.SECONDS, verify=False)
    client.get("/accounts/login/")
    form = {"login": name, "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    answer = client.post("/accounts/login/", data=form)
    assert answer.status_code == 302, answer.text
    return client


def open_socket(
    site: RunningSite, client: httpx.Client | None, origin: str | None, path: str = "/ws/"
) -> Any:
    headers = {"Cookie": f"sessionid={client.cookies['sessionid']}"} if client else {}
    if origin is not None:
        headers["Origin"] = origin
    return connect(
        f"ws://127.0.0.1:{site.port}{path}", additional_headers=headers, open_timeout=patience.SECONDS
    )


def memory(site: RunningSite) -> float:
    """Resident MiB of the server."""
    assert site.process is not None
    pages = Path(f"/proc/{site.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096 / MIB


def test_it_prints_its_address_and_who_answers_but_no_link_when_there_is_an_administrator(
    site: RunningSite,
) -> None:
    assert f"Chatsite is ready at {site.url}/" in site.output
    assert "The demo model answers" in site.output
    assert site.setup_link == ""


def test_the_data_folder_is_for_its_owner_alone(site: RunningSite) -> None:
    for name in ("", "uploads", "uploads/work", "static"):
        assert stat.S_IMODE((site.data_dir / name).stat().st_mode) == 0o700, name
    for name in ("secret_key", "db.sqlite3"):
        assert stat.S_IMODE((site.data_dir / name).stat().st_mode) == 0o600


def test_so_it_is_where_the_secret_comes_from_elsewhere(tmp_path: Path) -> None:
    """Whatever the umask: here everybody on the machine could have written into it."""
    code = "import os; os.umask(0); import chatsite.settings"
    variables = {"CHATSITE_DATA_DIR": str(tmp_path / "data"), "SECRET_KEY": "s" * 50}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env=clean_environment(**variables))
    for folder in (tmp_path / "data", tmp_path / "data" / "uploads"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="which files a process has open")
def test_a_large_body_waits_in_the_data_folder(site: RunningSite) -> None:
    assert site.process is not None
    files = Path(f"/proc/{site.process.pid}/fd")
    work = str(site.data_dir / "uploads" / "work")

    def waiting() -> bool:
        opened: list[str] = []
        for file in files.iterdir():
            with suppress(FileNotFoundError):
                opened.append(str(file.readlink()))
        return any(name.startswith(work) for name in opened)

    head = (
        f"POST /attachments/ HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nCookie: sessionid=x\r\n"
        f"Content-Length: {MIB}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        connection.sendall(head.encode() + b"x" * 1000)
        wait_for(waiting)


def test_probes_answer_without_signing_in(site: RunningSite) -> None:
    for path in ("/healthz", "/readyz"):
        answer = httpx.get(site.url + path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_the_administrator_of_the_environment_signs_in_at_once(ann: httpx.Client) -> None:
    assert ann.get("/account/").status_code == 200
    assert ann.get("/admin/").status_code == 200


def test_every_answer_has_the_security_headers(site: RunningSite, ann: httpx.Client) -> None:
    static = re.findall(r'/static/[^"]+\.css', httpx.get(site.url + "/accounts/login/").text)[0]
    assert ann.get(static).headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/accounts/login/", "/nothing-here", "/account/", "/healthz"):
        headers = ann.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "Server" not in headers
    assert "no-store" in ann.get("/account/").headers["Cache-Control"]


def test_static_files_are_compressed_and_may_be_kept_for_ever(site: RunningSite) -> None:
    static = re.findall(r'/static/[^"]+\.css', httpx.get(site.url + "/accounts/login/").text)[0]
    answer = httpx.get(site.url + static, headers={"Accept-Encoding": "br"})
    assert answer.headers["Content-Encoding"] == "br"
    assert "immutable" in answer.headers["Cache-Control"]
    assert (
        "max-age=31536000" in answer.headers["Cache-Control"]
        or "max-age=315360000" in answer.headers["Cache-Control"]
    )


@pytest.mark.parametrize(
    "path", ["/static/../chatsite/settings.py", "/static/%2e%2e/%2e%2e/secret_key", "/static//etc/passwd"]
)
def test_static_paths_lead_nowhere_else(site: RunningSite, path: str) -> None:
    with socket.create_connection(("127.0.0.1", site.port), patience.SECONDS) as raw:
        raw.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost:{site.port}\r\nConnection: close\r\n\r\n".encode()
        )
        assert b" 404 " in raw.recv(200)


def test_an_anonymous_program_gets_401_and_a_person_the_sign_in_page(site: RunningSite) -> None:
    answer = httpx.get(site.url + "/account/", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_required"
    page = httpx.get(site.url + "/account/")
    assert page.status_code == 302
    assert page.headers["Location"].startswith("/accounts/login/?next=")


def test_a_post_without_csrf_token_is_refused_as_json_or_as_a_page(ann: httpx.Client) -> None:
    answer = ann.post("/account/", data={"theme": "dark"}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "csrf_failed")
    page = ann.post("/account/", data={"theme": "dark"})
    assert page.status_code == 403
    assert "Reload the page" in page.text


def test_a_foreign_host_is_refused(site: RunningSite) -> None:
    for host in ("evil.example", "localhost:99999"):
        assert httpx.get(site.url + "/accounts/login/", headers={"Host": host}).status_code == 400


def test_a_request_line_with_a_whole_address_is_refused(site: RunningSite) -> None:
    with socket.create_connection(("127.0.0.1", site.port), patience.SECONDS) as raw:
        raw.sendall(b"GET http://evil.example/accounts/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")


def test_forwarded_headers_of_a_stranger_are_ignored(site: RunningSite) -> None:
    answer = httpx.get(
        site.url + "/account/", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    )
    assert answer.status_code == 302
    assert "evil" not in answer.headers["Location"]


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "https://127.0.0.1:{port}", "http://127.0.0.1:1"]
)
def test_a_websocket_of_another_origin_is_refused(
    site: RunningSite, ann: httpx.Client, origin: str | None
) -> None:
    origin = origin and origin.format(port=site.port)
    with pytest.raises(InvalidStatus) as caught:
        open_socket(site, ann, origin)
    assert caught.value.response.status_code == 403


def test_a_websocket_without_a_session_or_to_nowhere_is_refused(site: RunningSite, ann: httpx.Client) -> None:
    for client, path in ((None, "/ws/"), (ann, "/ws/nowhere/")):
        with pytest.raises(InvalidStatus) as caught:
            open_socket(site, client, site.url, path)
        assert caught.value.response.status_code == 403


@pytest.fixture
def page_socket(site: RunningSite, ann: httpx.Client) -> Iterator[ClientConnection]:
    with open_socket(site, ann, site.url) as opened:
        yield opened


def close_code(opened: ClientConnection) -> int:
    deadline = time.monotonic() + patience.SECONDS
    try:
        while time.monotonic() < deadline:
            opened.recv(timeout=patience.SECONDS)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return closed.rcvd.code
    raise AssertionError("The socket stayed open.")


# Little more than is allowed: who still writes when the server has given up on an answer to its close frame never
# reads that frame. The limits are 4,096 bytes a message, and 40 messages at once with 20 a second to come back.
FRAGMENTS = 4_200
FLOOD = 200


def test_websockets_do_not_compress(page_socket: ClientConnection) -> None:
    assert page_socket.protocol.extensions == []


def test_a_message_at_the_limit_is_read_and_one_above_it_closes_with_1009(
    page_socket: ClientConnection,
) -> None:
    page_socket.send("x" * 4096)
    assert json.loads(page_socket.recv(timeout=patience.SECONDS))["type"] == "error"
    page_socket.send("x" * 4097)
    assert close_code(page_socket) == 1009


def test_many_small_fragments_close_with_1009(page_socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        page_socket.send("x" for _ in range(FRAGMENTS))
    assert close_code(page_socket) == 1009


def test_a_message_of_empty_fragments_closes_with_1009(page_socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        page_socket.send("" for _ in range(FRAGMENTS))
    assert close_code(page_socket) == 1009


@pytest.mark.parametrize("control", ["ping", "pong"])
def test_a_flood_of_control_frames_closes_with_1008(page_socket: ClientConnection, control: str) -> None:
    send = getattr(page_socket, control)
    with suppress(ConnectionClosed):
        for number in range(FLOOD):
            send(str(number))
    assert close_code(page_socket) == 1008


def test_a_flood_of_messages_closes_with_1008(page_socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        for _ in range(FLOOD):
            page_socket.send('{"type":"nonsense"}')
    assert close_code(page_socket) == 1008


@pytest.mark.parametrize(
    "value",
    ["ä".encode(), b"x" * 10_000, b",,,", b"", b"a\x0bOrigin: http://evil"],
    ids=["letters", "long", "empty", "nothing", "control"],
)
def test_odd_websocket_protocols_do_no_harm(site: RunningSite, ann: httpx.Client, value: bytes) -> None:
    with socket.create_connection(("127.0.0.1", site.port), patience.SECONDS) as raw:
        head = (
            f"GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Cookie: sessionid={ann.cookies['sessionid']}\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: {site.url}\r\n"
            "Sec-WebSocket-Protocol: "
        )
        raw.sendall(head.encode() + value + b"\r\n\r\n")
        raw.settimeout(patience.SECONDS)
        assert raw.recv(100).split()[1] == b"400"
    assert httpx.get(site.url + "/healthz").status_code == 200


def test_a_body_announced_too_large_is_refused_at_once(site: RunningSite, ann: httpx.Client) -> None:
    before = memory(site)
    with socket.create_connection(("127.0.0.1", site.port), patience.SECONDS) as raw:
        raw.sendall(
            b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
            b"Content-Length: 1000000000\r\n\r\n"
        )
        raw.settimeout(patience.SECONDS)
        assert b" 413 " in raw.recv(1000)
        with pytest.raises(ConnectionError):
            while True:
                raw.sendall(b"x" * 65536)
    assert memory(site) - before < 32


def test_invented_sessions_do_not_keep_people_from_uploading(site: RunningSite, ann: httpx.Client) -> None:
    with ExitStack() as held:
        for number in range(25):
            raw = held.enter_context(socket.create_connection(("127.0.0.1", site.port), patience.SECONDS))
            raw.sendall(
                b"POST /attachments/ HTTP/1.1\r\nHost: localhost\r\nCookie: sessionid=invented%d\r\n"
                b"Expect: 100-continue\r\nContent-Length: 30000000\r\n\r\n" % number
            )
            # Each is heard before the next comes; the last ones find no place.
            assert raw.recv(1000).split()[1] == (b"100" if number < 20 else b"503")
        # A person has opened a page before she sends a file: by that the server knows her session.
        assert ann.get("/").status_code == 200
        headers = {"X-CSRFToken": ann.cookies["csrftoken"], "Accept": "application/json"}
        answer = ann.post("/attachments/", files={"file": ("a.txt", b"words")}, headers=headers)
        assert answer.status_code == 201


def test_a_chunked_body_is_cut_at_the_limit(site: RunningSite) -> None:
    before = memory(site)

    def endless() -> Iterator[bytes]:
        for _ in range(5000):
            yield b"x" * 65536

    try:
        answer = httpx.post(site.url + "/accounts/login/", content=endless(), timeout=patience.SECONDS)
        assert answer.status_code == 413
        assert answer.json()["error"]["type"] == "request_too_large"
    except httpx.TransportError:
        pass  # The client was still writing when the connection closed.
    assert memory(site) - before < 32


def test_a_body_at_the_limit_reaches_the_application_and_one_byte_more_does_not(ann: httpx.Client) -> None:
    headers = {"X-CSRFToken": ann.cookies["csrftoken"], "Content-Type": "application/x-www-form-urlencoded"}
    at_limit = b"theme=dark&x=".ljust(2 * MIB, b"x")
    assert ann.post("/account/", content=at_limit, headers=headers).status_code == 302
    assert ann.post("/account/", content=at_limit + b"x", headers=headers).status_code == 413


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Host: other.example\r\n",
    ],
)
def test_ambiguous_heads_are_refused(site: RunningSite, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", site.port), patience.SECONDS) as raw:
        raw.sendall(b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n")
        raw.settimeout(patience.SECONDS)
        answer = raw.recv(1000)
        assert answer.startswith(b"HTTP/1.1 400") or answer == b""


def test_it_stays_small_when_idle(tmp_path: Path) -> None:
    # A site of its own: after a page with an answer the render process lives on for a minute.
    with RunningSite(data_folder(tmp_path / "data")) as site:
        assert memory(site) < 120


def test_a_second_server_on_the_same_folder_says_so(site: RunningSite) -> None:
    second = RunningSite(site.data_dir)
    assert second.launch().wait(60) == 1
    assert "in use by another server" in second.output
    assert "Traceback" not in second.output


@pytest.mark.parametrize("part", ["server.lock", "prepare.lock", "static/staticfiles.json"])
def test_a_data_folder_that_does_not_take_a_file_is_named(data: Path, part: str) -> None:
    """As one that is read-only, or on a full disk."""
    (data / part).unlink()
    (data / part).mkdir()
    (data / "static" / "sources").unlink()
    site = RunningSite(data)
    assert site.launch().wait(60) == 1
    assert f"The data folder {data} cannot be used: " in site.output
    assert "Traceback" not in site.output


def test_an_occupied_port_is_named(site: RunningSite, tmp_path: Path) -> None:
    second = RunningSite(tmp_path / "data", port=site.port)
    assert second.launch().wait(60) == 1
    assert f"Port {site.port} is in use" in second.output
    assert "Traceback" not in second.output


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_cannot_be_is_named(tmp_path: Path, port: str) -> None:
    site = RunningSite(tmp_path / "data", f"--port={port}")
    assert site.launch().wait(60) == 1
    assert f"There is no port {port}; choose one from 1 to 65535." in site.output


def test_listening_everywhere_needs_a_public_address(tmp_path: Path) -> None:
    site = RunningSite(tmp_path / "data", "--host", "0.0.0.0")
    assert site.launch().wait(60) == 1
    assert "CHATSITE_PUBLIC_URL" in site.output
    assert "Traceback" not in site.output


@pytest.mark.parametrize("host", ["0", "0x0", "::0", ""])
def test_everywhere_may_be_written_in_other_ways(host: str) -> None:
    with pytest.raises(CommandError, match="CHATSITE_PUBLIC_URL"):
        Command()._bind(host, 0)


def test_words_that_nobody_can_read_end_nothing() -> None:
    """A pipe without a reader, or a log on a disk that is full: it did not start, and did not exit with 0."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        Command(stdout=file)._say("Chatsite is ready.")
        Command(stdout=file)._say("Stopped.")


def test_a_wrong_environment_is_named_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    site = RunningSite(
        tmp_path / "data",
        CHATSITE_PUBLIC_URL="chat.example.com",
        CHATSITE_LEASE_SECONDS="soon",
        OIDC_ISSUER="http://login.example.com",
        DATABASE_URL="mysql://somebody:pa55word@db/chat",
    )
    assert site.launch().wait(60) == 1
    assert "OIDC_ISSUER must be an https:// address." in site.output
    assert "OIDC_CLIENT_ID" in site.output
    assert "CHATSITE_PUBLIC_URL" in site.output
    assert "CHATSITE_LEASE_SECONDS" in site.output
    assert "DATABASE_URL" in site.output
    assert "pa55word" not in site.output
    assert "Traceback" not in site.output
    assert not (tmp_path / "data").exists()


def test_the_set_up_link_says_how_long_it_works(tmp_path: Path) -> None:
    with RunningSite(data_folder(tmp_path / "data"), CHATSITE_SETUP_LINK_SECONDS="1800") as site:
        assert f"(works once, for 30 minutes): {site.setup_link}" in site.output


def test_the_set_up_link_makes_one_administrator_once(tmp_path: Path) -> None:
    with RunningSite(data_folder(tmp_path / "data")) as site:
        link = site.setup_link
        assert link.startswith(f"{site.url}/setup/")
        assert f"(works once, for 24 hours): {link}" in site.output
        with httpx.Client(timeout=patience.SECONDS, verify=False) as client:
            client.get(link)
            form = {"username": "ann", "password1": PASSWORD, "password2": PASSWORD}
            form["csrfmiddlewaretoken"] = client.cookies["csrftoken"]
            answer = client.post(link, data=form)
            assert (answer.status_code, answer.headers["Location"]) == (302, "/")
            assert client.get(f"{site.url}/account/").status_code == 200
            assert client.get(link).status_code == 404
            assert client.post(link, data={**form, "username": "eve"}).status_code in (403, 404)
        secret = (site.data_dir / "secret_key").read_text()
        assert site.end() == 0
        assert "Stopped." in site.output
        again = RunningSite(site.data_dir, port=site.port).start()
        try:
            assert again.output.count("Create the first administrator") == 1  # the first run's line
            assert (site.data_dir / "secret_key").read_text() == secret
            assert httpx.get(f"{site.url}/account/", cookies=client.cookies).status_code == 200
        finally:
            again.end()


def test_sigterm_tells_open_pages_that_it_restarts(data: Path) -> None:
    with RunningSite(data) as site:
        with closing(signed_in(site)) as client, open_socket(site, client, site.url) as opened:
            assert site.process is not None
            site.process.send_signal(signal.SIGTERM)
            assert close_code(opened) == 1012
        assert site.process.wait(patience.SECONDS) == 0
        # Its port is free at once.
        again = RunningSite(site.data_dir, port=site.port).start()
        assert again.end(signal.SIGINT) == 0


def test_one_that_is_told_again_and_again_to_stop_stops_without_a_complaint(data: Path) -> None:
    with RunningSite(data) as site:
        process = site.process
        assert process is not None
        while process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.002)
        assert (process.returncode, "Traceback" in site.output) == (0, False), site.output


def test_the_database_is_copied_before_a_migration(data: Path) -> None:
    assert not (data / "backups").exists()
    with sqlite3.connect(data / "db.sqlite3") as database:
        # As if this version brought one more migration.
        database.execute("DROP TABLE usersessions_usersession")
        database.execute("DELETE FROM django_migrations WHERE app = 'usersessions'")
    database.close()
    with RunningSite(data) as site:
        assert "was copied to" in site.output
    (copy,) = (data / "backups").iterdir()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with sqlite3.connect(copy) as kept:
        assert kept.execute("SELECT username FROM conversations_user").fetchall() == [("ann",)]
    kept.close()


def test_a_database_of_a_newer_version_is_left_alone(data: Path) -> None:
    with sqlite3.connect(data / "db.sqlite3") as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('conversations', '9999_future', '2030-01-01')"
        )
    database.close()
    site = RunningSite(data)
    assert site.launch().wait(60) == 1
    assert "newer version" in site.output


def test_https_turns_on_redirect_hsts_and_secure_cookies_behind_a_trusted_proxy(data: Path) -> None:
    variables = {"CHATSITE_PUBLIC_URL": "https://chat.example.com", "CHATSITE_TRUSTED_PROXIES": "127.0.0.0/8"}
    with RunningSite(data, **variables) as site:
        assert "https://chat.example.com/" in site.output
        plain = httpx.get(site.url + "/accounts/login/", headers={"Host": "chat.example.com"})
        assert plain.status_code == 301
        assert plain.headers["Location"] == "https://chat.example.com/accounts/login/"
        proxied = {"Host": "internal", "X-Forwarded-Host": "chat.example.com", "X-Forwarded-Proto": "https"}
        answer = httpx.get(site.url + "/accounts/login/", headers=proxied)
        assert answer.status_code == 200
        # For this name alone: other sites below it may speak plain http.
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert "Secure" in answer.headers["Set-Cookie"]
        assert (
            httpx.get(site.url + "/accounts/login/", headers={**proxied, "X-Forwarded-Host": "x"}).status_code
            == 400
        )


def test_a_message_gets_its_answer(site: RunningSite, ann: httpx.Client) -> None:
    headers = {"X-CSRFToken": ann.cookies["csrftoken"], "Accept": "application/json"}
    body = {"text": "Hello", "client_id": str(uuid.uuid4())}
    answer = ann.post("/conversations/", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert set(answer.json()) == {"conversation", "message", "reply", "generation", "url"}
