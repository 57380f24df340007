"""The README's nginx example as it stands there, with a real nginx in front of a real site."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from websockets.sync.client import connect

from chatsite.channel import TOO_LARGE as REFUSAL
from tests import patience
from tests.conftest import absent
from tests.fake_upstream import FakeUpstream, wire
from tests.fake_upstream.steps import Hang
from tests.prepared import data_folder
from tests.running_site import RunningSite
from tests.services import free_port, wait_for_port
from tests.upstream.certificates import self_signed

TOO_LARGE = REFUSAL.partition(b"\r\n\r\n")[2]
NAME, PASSWORD = "chat.example.com", "correct-horse-battery"
# Where the browser is, as nginx sees it: not the proxy's own address.
BROWSER = "127.0.0.9"
FORGED = {"X-Forwarded-For": "203.0.113.6", "X-Real-IP": "203.0.113.6", "Forwarded": "for=203.0.113.6"}


def example(root: Path) -> str:
    found = re.search(r"```nginx\n(.*?)```", (root / "README.md").read_text(), re.S)
    assert found
    return found[1]


def test_it_lets_through_what_the_site_takes_and_says_the_sites_sentence_beyond(root: Path) -> None:
    size = re.search(r"client_max_body_size (\d+)m;", example(root))
    said = re.search(r"return 413 '(.*)';", example(root))
    assert size and said
    assert int(size[1]) * 2**20 > settings.UPLOAD_REQUEST_MAX_BYTES
    assert said[1].encode() == TOO_LARGE


@dataclass
class Proxied:
    """A site behind nginx, and a browser that has signed in through it, with forged headers."""

    port: int
    data: Path
    trusting: ssl.SSLContext
    browser: httpx.Client
    signed_in: httpx.Response

    def post(self, path: str, **more: Any) -> httpx.Response:
        headers = {"X-CSRFToken": self.browser.cookies["csrftoken"]}
        return self.browser.post(path, headers=headers, extensions={"sni_hostname": NAME}, **more)

    def start(self, text: str) -> Any:
        return self.post("/conversations/", data={"text": text, "client_id": str(uuid.uuid4())}).json()


@pytest.fixture(scope="module")
def proxied(
    root: Path, tmp_path_factory: pytest.TempPathFactory, session_upstream: FakeUpstream
) -> Iterator[Proxied]:
    if not shutil.which("nginx"):
        absent("nginx", "there is no nginx on the PATH.")
    folder = tmp_path_factory.mktemp("nginx")
    data, port = data_folder(folder / "data"), free_port()
    certificate = self_signed(folder, NAME)
    site = RunningSite(
        data, ANTHROPIC_BASE_URL=session_upstream.url, CHATSITE_PUBLIC_URL=f"https://{NAME}",
        CHATSITE_TRUSTED_PROXIES="127.0.0.1", DJANGO_SUPERUSER_USERNAME="ann", DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )  # fmt: skip
    with site, _nginx(folder, _adapted(example(root), site.port, port, certificate), port):
        trusting = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(
            base_url=f"https://127.0.0.1:{port}",
            transport=httpx.HTTPTransport(verify=trusting, local_address=BROWSER),
            headers={"Host": NAME, "Origin": f"https://{NAME}", "Accept": "application/json", **FORGED},
            timeout=patience.SECONDS,
        ) as browser:
            browser.get(
                "/accounts/login/", extensions={"sni_hostname": NAME}, headers={"Accept": "text/html"}
            )
            form = {"login": "ann", "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
            signed_in = browser.post(
                "/accounts/login/",
                data=form,
                extensions={"sni_hostname": NAME},
                headers={"Accept": "text/html"},
            )
            yield Proxied(port, data, trusting, browser, signed_in)


def _adapted(block: str, site: int, port: int, certificate: Path) -> str:
    """The example with this test's ports and certificate."""
    found = block.replace("127.0.0.1:8000", f"127.0.0.1:{site}").replace(
        "listen 443", f"listen 127.0.0.1:{port}"
    )
    return re.sub(r"/\S+\.pem", str(certificate), found)


@contextlib.contextmanager
def _nginx(folder: Path, block: str, port: int) -> Iterator[None]:
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Else root's nginx would read bodies as somebody who may not enter this folder.
    who = f"user {pwd.getpwuid(0).pw_name};" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{who} daemon off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{ access_log off;\n{paths}{block}}}\n"
    )
    with (folder / "said").open("wb") as said:
        server = subprocess.Popen(
            ["nginx", "-e", folder / "error.log", "-c", folder / "nginx.conf"], stdout=said, stderr=said
        )
    try:
        wait_for_port(port, server)
        yield
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.slow
def test_people_sign_in_over_https_and_their_address_cannot_be_forged(proxied: Proxied) -> None:
    assert (proxied.signed_in.status_code, proxied.signed_in.headers["location"]) == (302, "/")
    cookies = proxied.signed_in.headers.get_list("set-cookie")
    assert cookies and all("Secure" in cookie for cookie in cookies)
    with contextlib.closing(sqlite3.connect(proxied.data / "db.sqlite3")) as database:
        rows = database.execute(
            "SELECT address FROM conversations_auditevent WHERE act = 'signed_in'"
        ).fetchall()
    assert rows == [(BROWSER,)]


@pytest.mark.slow
def test_the_first_word_arrives_while_the_answer_goes_on(proxied: Proxied, upstream: FakeUpstream) -> None:
    upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Hi"), Hang())
    sent = proxied.start("Hello")
    url = f"wss://{NAME}:{proxied.port}/ws/conversations/{sent['conversation']}/"
    headers = {"Cookie": f"sessionid={proxied.browser.cookies['sessionid']}"}
    raw = socket.create_connection(("127.0.0.1", proxied.port), patience.SECONDS)
    with connect(
        url, sock=raw, ssl=proxied.trusting, origin=f"https://{NAME}", additional_headers=headers, close_timeout=1  # type: ignore[arg-type]
    ) as page:  # fmt: skip
        page.send(json.dumps({"type": "resume", "generation": sent["generation"], "after": 0}))
        while json.loads(page.recv(20))["type"] != "content_block_delta":
            pass
    path = f"/generations/{sent['generation']}/events/?after=0"
    with proxied.browser.stream("GET", path, extensions={"sni_hostname": NAME}) as events:
        assert "event: content_block_delta" in events.iter_lines()
    proxied.post(f"/generations/{sent['generation']}/stop/")


@pytest.mark.slow
def test_files_pass_and_what_is_too_large_gets_the_sites_sentence(proxied: Proxied) -> None:
    taken = proxied.post("/attachments/", files={"file": ("a.txt", b"a" * settings.ATTACHMENT_MAX_BYTES)})
    assert taken.status_code == 201
    for size in (settings.UPLOAD_REQUEST_MAX_BYTES, 2 * settings.UPLOAD_REQUEST_MAX_BYTES):
        refused = proxied.post("/attachments/", files={"file": ("a.txt", b"a" * size)})
        assert (refused.status_code, refused.content) == (413, TOO_LARGE)
