"""A person at a real site: signs in, sends, follows an answer over a real websocket."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from tests import patience
from tests.reading import Frame, ReadingClient
from tests.running_site import RunningSite

NAME, PASSWORD = "ann", "correct-horse-battery"
opened: list[httpx.Client] = []


class Visitor:
    """Signed in; with several sites on one database the session is good on each (`at`)."""

    def __init__(self, site: RunningSite) -> None:
        self.site = site
        self.http = httpx.Client(base_url=site.url, timeout=patience.SECONDS, verify=False)
        opened.append(self.http)
        self.http.get("/accounts/login/")
        form = {"login": NAME, "password": PASSWORD, "csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        assert self.http.post("/accounts/login/", data=form).status_code == 302

    def at(self, site: RunningSite) -> Visitor:
        """The same person's browser at another process or at a restarted one."""
        other = Visitor.__new__(Visitor)
        other.site, other.http = (
            site,
            httpx.Client(
                base_url=site.url, timeout=patience.SECONDS, verify=False, cookies=self.http.cookies
            ),
        )
        opened.append(other.http)
        return other

    def post(self, path: str, **data: Any) -> Any:
        headers = {"X-CSRFToken": self.http.cookies["csrftoken"], "Accept": "application/json"}
        answer = self.http.post(path, data=data, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def start(self, text: str) -> Any:
        return self.post("/conversations/", text=text, client_id=str(uuid.uuid4()))

    def messages(self, sent: Any) -> Any:
        path = f"/conversations/{sent['conversation']}/messages/"
        return self.http.get(path, headers={"Accept": "application/json"}).json()["messages"]

    def ended(self, sent: Any) -> dict[str, Any]:
        """The reply of a send once it is no longer running."""
        deadline = time.monotonic() + patience.SECONDS
        while time.monotonic() < deadline:
            reply: dict[str, Any] = next(row for row in self.messages(sent) if row["id"] == sent["reply"])
            if reply["status"] not in ("queued", "running"):
                return reply
            time.sleep(0.02)
        raise AssertionError("It is still running.")

    @contextmanager
    def page(self, sent: Any) -> Iterator[Page]:
        cookie = f"sessionid={self.http.cookies['sessionid']}"
        url = f"{self.site.url.replace('http', 'ws', 1)}/ws/conversations/{sent['conversation']}/"
        with connect(
            url,
            additional_headers={"Cookie": cookie, "Origin": self.site.url},
            compression=None,
            close_timeout=1,
        ) as socket:
            yield Page(socket, sent)


class Page:
    """An open conversation that follows one answer; `client` is what it shows."""

    def __init__(self, socket: ClientConnection, sent: Any) -> None:
        self.socket = socket
        self.sent = sent
        self.client = ReadingClient()
        self.first: Frame = json.loads(socket.recv(10))

    def resume(self, after: int = 0) -> None:
        self.send(type="resume", generation=self.sent["generation"], after=after)

    def send(self, **frame: Any) -> None:
        self.socket.send(json.dumps(frame))

    def read(self, seconds: float = patience.SECONDS) -> Frame:
        frame: Frame = json.loads(self.socket.recv(seconds))
        if frame.get("generation") == self.sent["generation"] and frame["type"] != "message_created":
            self.client.apply(frame)
        return frame

    def until(self, words: int) -> str:
        """Reads until the shown text has this many words; returns it."""
        deadline = time.monotonic() + patience.SECONDS
        while self.client.text.count(" ") < words:
            self.read(deadline - time.monotonic())
        return self.client.text

    def end(self) -> Frame:
        """Reads to message_stop, acknowledging on the way."""
        deadline = time.monotonic() + patience.SECONDS
        count = 0
        while self.client.stop is None:
            self.read(deadline - time.monotonic())
            count += 1
            if count % 64 == 0:
                self.send(type="ack", generation=self.sent["generation"], seq=self.client.seq)
        return self.client.stop
