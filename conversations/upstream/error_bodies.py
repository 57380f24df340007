"""Error replies and error events of every dialect → UpstreamError (messages-api section 10, promises section 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from .dialects import DIALECTS
from .errors import UpstreamError, quoted
from .json_values import UnreadableJSON, read_json
from .retry_after import read_retry_after

_TYPE_BY_STATUS = {
    400: "invalid", 401: "auth", 402: "spend", 403: "auth", 404: "model", 408: "service", 409: "service",
    413: "size", 422: "invalid", 429: "limit", 504: "service", 529: "busy",
}  # fmt: skip
_TYPE_BY_NAME = {
    "invalid_request_error": "invalid",
    "authentication_error": "auth",
    "permission_error": "auth",
    "billing_error": "spend",
    "not_found_error": "model",
    "request_too_large": "size",
    "rate_limit_error": "limit",
    "api_error": "service",
    "timeout_error": "service",
    "overloaded_error": "busy",
    "model_not_found": "model",
    "insufficient_quota": "spend",
    "organization_on_hold": "auth",
    "context_length_exceeded": "size",
    "exceed_context_size_error": "size",
}
_SPEND_CODES = frozenset(
    {
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "insufficient_quota",
        "budget_exceeded",
    }
)
_RETRIES = {"service": 2, "busy": 2}
_RETRIES_WHEN_ASKED_TO = 2
_WRAPPED = re.compile(r"^\s*(\d{3})\s+(\{.*\})\s*$", re.DOTALL)
_WHAT_TO_DO = {
    "invalid": "Change your message or remove an attachment, then send it again.",
    "size": "Remove attachments or start a new conversation.",
}
_REQUEST_LIMIT = 32_000_000


@dataclass(frozen=True, slots=True)
class _Body:
    """What an error body says, whoever wrote it."""

    name: str = ""
    code: str = ""
    message: str = ""
    request_id: str = ""
    status: int | None = None


def error_from_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    dialect: str,
    now: float,
    secrets: tuple[str, ...] = (),
    sent_bytes: int = 0,
    retry_after_cap: float = 60.0,
) -> UpstreamError:
    """The error that a reply with `status` (or a 200 whose JSON is an error) means. `headers` in lower case,
    `now` epoch seconds.
    """
    readable = True
    if is_compressed(headers):
        body = b""
    try:
        said = _read(read_json(body))
    except UnreadableJSON:
        readable = False
        said = _Body(message=body[:2000].decode("utf-8", "replace"))
    if status == 200:
        status = said.status or 0
    if 100 <= status < 400:
        detail = "redirect refused" if status >= 300 else "an empty answer"
        error = UpstreamError("protocol", detail=detail)
    else:
        type_, service = _classify(status, said), DIALECTS[dialect]
        if type_ == "auth" and status == 403 and service.forbids_unpaid:
            type_ = "spend"
        retry_after = read_retry_after(headers, now)
        if type_ == "limit" and status == 429 and retry_after is None and service.names_time_of_limits:
            type_ = "spend"
        reason = quoted(said.message, *secrets)
        told = reason if readable else ""  # a proxy's HTML page is for administrators
        # A conversation may be too long for a model in few bytes.
        sent = sent_bytes if 413 in (status, said.status) else 0
        error = UpstreamError(type_, _message(type_, told, retry_after, now, sent), detail=reason)
        error.retry_after = retry_after
        error.retry_at = now + retry_after if retry_after else None
        error.max_retries = _max_retries(type_, headers, retry_after, retry_after_cap)
    error.status = status or None
    error.request_id = quoted(
        headers.get("request-id") or said.request_id or headers.get("x-inference-id") or ""
    )
    return error


def is_compressed(headers: Mapping[str, str]) -> bool:
    """Whether a body is packed, though only plain ones are asked for: nothing is ever unpacked here."""
    return (headers.get("content-encoding") or "identity").lower() != "identity"


def error_from_event(value: dict[str, Any], secrets: tuple[str, ...] = ()) -> UpstreamError:
    """The error that an `error` event (or an error object in a stream) means; the HTTP status was 200 long
    ago (section 10.1).
    """
    said = _read(value)
    type_ = _classify(said.status or 0, said)
    reason = quoted(said.message, *secrets)
    return UpstreamError(
        type_,
        _message(type_, reason, None, 0, 0),
        status=said.status,
        detail=reason,
        request_id=quoted(said.request_id),
        max_retries=_RETRIES.get(type_, 0),
    )


def is_error(value: dict[str, Any]) -> bool:
    """Whether an object that says nothing of its type is an error: of the OpenAI style, or of AI/ML API's own."""
    return bool(value.get("error")) or "statusCode" in value


def _classify(status: int, said: _Body) -> str:
    """By error code, then HTTP status, then error type; never by the words of the message."""
    if said.code in _SPEND_CODES or said.name in _SPEND_CODES:
        return "spend"
    by_name = _TYPE_BY_NAME.get(said.code) or _TYPE_BY_NAME.get(said.name)
    if status >= 500 and 400 <= (said.status or 0) < 500:
        # A gateway's failure around an upstream's refusal: the refusal will be the same the next time.
        status = said.status or 0
    if status in _TYPE_BY_STATUS:
        # A 400 may carry a more exact word; the others are exact themselves.
        exact = by_name if status in {400, 422} and by_name != "service" else None
        return exact or _TYPE_BY_STATUS[status]
    if status >= 500:
        # Whatever such a server calls it, it is its own fault, and may pass.
        return by_name if by_name == "busy" else "service"
    return by_name or ("invalid" if 400 <= status < 500 else "service")


def _max_retries(type_: str, headers: Mapping[str, str], retry_after: float | None, cap: float) -> int:
    if headers.get("x-should-retry") == "false" or (retry_after or 0) > cap:
        return 0
    if type_ == "limit":
        return 1 if retry_after is not None else 0
    if headers.get("x-should-retry") == "true" and type_ != "spend":
        return _RETRIES_WHEN_ASKED_TO
    return _RETRIES.get(type_, 0)


def _message(type_: str, reason: str, retry_after: float | None, now: float, sent_bytes: int) -> str:
    """The sentence where the reply makes it more exact than the usual one of its type, else ""."""
    if type_ == "size" and sent_bytes:
        # Some gateways have lower ones.
        return too_large(sent_bytes, _REQUEST_LIMIT, "the usual limit")
    if type_ in _WHAT_TO_DO and reason:
        return f"The model service refused this request: {reason.rstrip(' .')}. {_WHAT_TO_DO[type_]}"
    if type_ == "limit" and retry_after:
        return limit_message(now + retry_after, now)
    return ""


def too_large(sent_bytes: int, limit: int, called: str = "the limit") -> str:
    """The sentence for a request of so many bytes. One that is over the limit never reads as if it were just that."""
    least = limit // 100_000 + 1 if sent_bytes > limit else 1
    size = f"{max(round(sent_bytes / 1e5), least) / 10:.1f} MB, {called} is {limit / 1e6:g} MB"
    return f"This request is too large for the model service: {size}. {_WHAT_TO_DO['size']}"


def limit_message(retry_at: float, now: float, zone: tzinfo = UTC) -> str:
    """The sentence for a limit that ends at `retry_at` (epoch seconds); pages say it in a person's own zone."""
    until = datetime.fromtimestamp(retry_at, zone)
    name = " UTC" if until.tzname() == "UTC" else ""
    day = "" if abs(retry_at - now) < 12 * 3600 else f" on {until:%-d %B}"
    return f"The limit of the model service is reached until {until:%H:%M}{name}{day}. Try again then."


def _read(value: Any) -> _Body:
    """The native envelope, AI/ML API's wrapped string, the OpenAI shape, or whatever JSON a proxy made up."""
    if not isinstance(value, dict):
        return _Body(message=str(value))
    error = value.get("error")
    request_id = str(value.get("request_id") or value.get("requestId") or "")
    if isinstance(error, dict):
        details = error.get("details")
        code = details.get("error_code") if isinstance(details, dict) else error.get("code")
        status = _status(error.get("code")) or _status(value.get("statusCode"))
        return _Body(
            str(error.get("type") or ""), str(code or ""), str(error.get("message") or ""), request_id, status
        )
    message = value.get("message") or value.get("detail") or error or ""
    status = _status(value.get("statusCode"))
    wrapped = _WRAPPED.match(message) if isinstance(message, str) else None
    if wrapped is not None:
        try:
            inner = _read(read_json(wrapped[2].encode()))
        except UnreadableJSON:
            pass
        else:
            return _Body(
                inner.name, inner.code, inner.message, request_id or inner.request_id, int(wrapped[1])
            )
    return _Body(
        message=message if isinstance(message, str) else str(message), request_id=request_id, status=status
    )


def _status(value: object) -> int | None:
    text = str(value)
    # Digits of other scripts are no status, and not all of them are numbers to `int`.
    return int(text) if len(text) == 3 and text.isascii() and text.isdigit() else None
