"""The server itself: a thread with its own loop, raw asyncio protocols, scripts per request, a ledger of
everything it saw.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import threading
from collections import Counter, deque
from typing import Any

from tests.fake_upstream import faults, wire
from tests.fake_upstream.connection import Call, Connection
from tests.fake_upstream.steps import Close, Hang, Head, Load, Raw, Reply, Reset, Sleep, Step

_BY_TEXT = re.compile(r"\b(fault|load)[:-](\d+)(?:[:-]([\w.]+))?(?:\*(\d+))?")
_DEFAULT = "Hello from the fake upstream."


class FakeUpstream:
    """A context manager: `url` is its base URL, `calls` its ledger, `script(...)` decides the next streaming request.

    Without a script the request decides: a model or a last user text such as `fault-16`, `fault:32:refusal`,
    `fault:13*2` (twice, then well), `load-300-20` (300 deltas 20 ms apart, 0: unthrottled); anything else
    gets a short greeting.
    """

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self._port = port
        self._tls = tls
        self._scripts: deque[list[Step]] = deque()
        self._seen: Counter[str] = Counter()
        self._connections: set[Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-upstream", daemon=True)

    def __enter__(self) -> FakeUpstream:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def script(self, *steps: Step) -> None:
        """Queues what the next streaming request gets; a `Head` is put in front where a body's bytes come first."""
        said = [step for step in steps if not isinstance(step, Sleep)]
        begins = bool(said) and isinstance(said[0], Head | Reply | Raw | Reset | Close | Hang)
        self._scripts.append(list(steps) if begins else [Head(), *steps])

    def steps_for(self, call: Call) -> list[Step]:
        """What to do for a call."""
        if call.path == "/ledger":
            return [
                Reply(
                    200, json.dumps([one.as_dict() for one in self.calls if one.path != "/ledger"]).encode()
                )
            ]
        chat = call.path.endswith("/chat/completions")
        if not call.body.get("stream"):
            return [
                Reply(200, wire.chat_body("A short title") if chat else wire.message_body("A short title"))
            ]
        if self._scripts:
            return self._scripts.popleft()
        text = f"{call.body.get('model')} {_last_text(call.body)}"
        asked = _BY_TEXT.search(text)
        if asked is None:
            answer = wire.chat_answer if chat else wire.text_answer
            return [Head(), *answer(*re.findall(r"\S+\s*", _DEFAULT))]
        kind, number, variant, times = asked[1], int(asked[2]), asked[3] or "", asked[4]
        if kind == "load":
            return [Head(), Load(number, float(variant or 0) / 1000)]
        self._seen[text] += 1
        allowed = int(times) if times else 1 if number in faults.FAILS_ONCE else None
        if allowed is not None and self._seen[text] > allowed:
            return [Head(), *wire.text_answer(*re.findall(r"\S+\s*", _DEFAULT))]
        return faults.fault(number, variant)

    def _received(self, call: Call) -> list[Step]:
        self.calls.append(call)
        return self.steps_for(call)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(
                lambda: Connection(self._received, self._connections),
                "127.0.0.1",
                self._port,
                ssl=self._tls,
                backlog=1024,
            )
        )
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for connection in list(self._connections):
            connection.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


def _last_text(body: dict[str, Any]) -> str:
    for message in reversed(body.get("messages") or []):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            return " ".join(str(part.get("text") or "") for part in content if part.get("type") == "text")
    return ""
