"""A reply that comes as one JSON object, also where a stream was asked for (messages-api 8, 9). Used by
`body_reader`.
"""

from __future__ import annotations

from collections.abc import Mapping

from .answer_size import AnswerSize
from .errors import UpstreamError
from .events import Event
from .limits import Limits
from .pieces import within
from .reply import Reply, events_from_reply, read_reply
from .usage import meta_in_headers


class WholeReply:
    """Collects its bytes, no more of them than any answer needs, and reads them at the end."""

    def __init__(self, limits: Limits, request_id: str, secrets: tuple[str, ...]) -> None:
        self._limits = limits
        self._request_id = request_id
        self._secrets = secrets
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Raises UpstreamError `too_large`."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > self._limits.max_answer_bytes + self._limits.max_event_bytes:
            raise UpstreamError("too_large", request_id=self._request_id)

    def read(self, headers: Mapping[str, str]) -> Reply:
        """Raises UpstreamError as `read_reply` does."""
        body, meta = b"".join(self._chunks), meta_in_headers(headers)
        return read_reply(body, request_id=self._request_id, meta=meta, secrets=self._secrets)

    def events(self, reply: Reply) -> tuple[list[Event], UpstreamError | None]:
        """What a stream would have brought; up to the limit of an answer, then with the error for it."""
        return within(events_from_reply(reply), AnswerSize(self._limits.max_answer_bytes))
