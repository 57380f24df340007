"""What can go wrong upstream, in one vocabulary with plain sentences (promises section 6); the engine stores
`type` and `message`.

| type | meaning | rows |
|---|---|---|
| connect | no connection: name, refusal, blackhole | 1-3 |
| tls | the secure connection failed | 4 |
| invalid | the request was refused as wrong | 5 |
| auth | the key was refused | 6 |
| model | the model does not exist there | 7 |
| size | the request is too large | 8 |
| limit | a rate limit with a time, or our own limit on an answer's size | 9, 10, 27 |
| spend | a spending limit, or no credit | 11 |
| service | the service had an internal error | 12 |
| busy | the service is overloaded | 13, 19 |
| protocol | the answer is not an answer (HTML, a redirect, compression) | 14, 15 |
| timeout | nothing came in time, or the whole took too long | 16, 28 |
| stalled | it stopped answering in mid-answer | 17, 18 |
| connection_lost | the stream broke off | 20-22 |
| garbled | malformed JSON, invalid UTF-8, events out of order | 23, 24, 30 |
| too_large | one event above the limit | 26 |
"""

from __future__ import annotations

from typing import Final

_MESSAGES: Final = {
    "connect": "The model service cannot be reached. Try again in a moment.",
    "tls": "The secure connection to the model service failed. Tell your administrator.",
    "invalid": "The model service refused this request. Change your message and send it again.",
    "auth": "The model service refused the key of this site. Tell your administrator.",
    "model": "This model is no longer available. Choose another model.",
    "size": "This request is too large. Remove attachments or start a new conversation.",
    "limit": "The limit of the model service is reached. Try again later.",
    "spend": "The spending limit at the model service is reached. Tell your administrator.",
    "service": "The model service had an error. Try again.",
    "busy": "The model service is busy. Try again in a moment.",
    "protocol": "The model service gave an unexpected answer. Try again, or tell your administrator.",
    "timeout": "The model service did not answer in time. Try again.",
    "stalled": "The model stopped answering. Press Continue to get the rest.",
    "connection_lost": "The connection to the model service was lost. Press Continue to get the rest.",
    "garbled": "The model service sent a garbled answer. Press Continue to get the rest.",
    "too_large": "The model service sent too much in one piece. Press Continue to get the rest.",
}
_BEFORE_CONTENT: Final = {
    type_: _MESSAGES[type_].replace("Press Continue to get the rest.", "Try again.")
    for type_ in ("stalled", "connection_lost", "garbled", "too_large")
}
_ADMIN_MESSAGES: Final = {
    "connect": "No connection to the provider: check its base URL, DNS and the firewall.",
    "tls": "TLS failed: check the provider's base URL, its certificate and this machine's clock.",
    "auth": "The provider answered 401 or 403: its key is wrong, revoked, or lacks permission.",
    "model": "The provider answered 404: unknown or retired model id, or a wrong path in the base URL.",
    "spend": "The provider's spending limit is reached or its credit is used up: check its console.",
    "protocol": "The provider's address does not speak the Messages API: check base URL and dialect.",
}
ERROR_TYPES: Final = frozenset(_MESSAGES)


class UpstreamError(Exception):
    """A call that failed or an answer that broke off.

    `type` is one of ERROR_TYPES; `message` is for members and ends with what to do; `admin_message` is for
    administrators ("" if it has nothing to add); `detail` are the upstream's own words, at most 200
    characters, never a key; `retry_after` seconds and `retry_at` epoch seconds tell when a limit ends;
    `max_retries` is how often the fault table allows to try again before content.
    """

    def __init__(
        self,
        type: str,
        message: str = "",
        *,
        status: int | None = None,
        detail: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        retry_at: float | None = None,
        max_retries: int = 0,
    ) -> None:
        self.type = type
        self.message = message or _MESSAGES[type]
        self.admin_message = _ADMIN_MESSAGES.get(type, "")
        self.status = status
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after
        self.retry_at = retry_at
        self.max_retries = max_retries
        super().__init__(f"{type}: {self.message}")

    @property
    def brief(self) -> str:
        """What happened, without what to do: while the next try is waited for there is nothing to do."""
        return _MESSAGES[self.type].partition(".")[0] + "."

    def nothing_arrived(self) -> None:
        """Changes the sentence for an answer of which nothing has come: there is no rest to continue with."""
        if self.message == _MESSAGES[self.type]:
            self.message = _BEFORE_CONTENT.get(self.type, self.message)


class GarbledAnswer(UpstreamError):
    """Events that contradict each other or cannot be read; what came before them is good."""

    def __init__(self, detail: str = "", *, request_id: str = "") -> None:
        super().__init__("garbled", detail=detail, request_id=request_id)


def no_answer_message(seconds: float) -> str:
    """The sentence for silence before the first word."""
    return f"No answer for {seconds:.3g} seconds. Try again."


def told_administrator(message: str, admin_message: str) -> str:
    """Both sentences for an administrator, whom nobody sends to one; `admin_message` may be empty."""
    message = message.replace(" Tell your administrator.", "").replace(", or tell your administrator.", ".")
    return f"{message} {admin_message}".rstrip()


def quoted(text: object, *secrets: str) -> str:
    """At most 200 characters of foreign words on one line, with every secret taken out."""
    line = " ".join(str(text).split())
    for secret in secrets:
        if secret:
            line = line.replace(secret, "[key]")
    return "".join(char if char.isprintable() else "\ufffd" for char in line[:200])
