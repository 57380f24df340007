"""Error replies of every shape, and the headers that say when to try again."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from conversations.upstream.error_bodies import error_from_event, error_from_response, limit_message
from conversations.upstream.errors import ERROR_TYPES, UpstreamError, quoted
from conversations.upstream.limits import Limits
from conversations.upstream.retry_after import LONGEST, pause_before_retry, read_retry_after

NOW = 1_764_000_000.0


def read(
    status: int,
    body: Any = b"",
    headers: dict[str, str] | None = None,
    dialect: str = "anthropic",
    **more: Any,
) -> UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_response(
        status, headers or {}, raw, dialect=dialect, now=NOW, secrets=("sk-secret",), **more
    )


def native(kind: str, message: str = "why", **details: str) -> dict[str, Any]:
    error: dict[str, Any] = {"type": kind, "message": message}
    if details:
        error["details"] = details
    return {"type": "error", "error": error, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, native("invalid_request_error"), "invalid"),
        (400, native("billing_error"), "spend"),
        (400, native("invalid_request_error", error_code="organization_on_hold"), "auth"),
        (401, native("authentication_error"), "auth"),
        (402, native("billing_error"), "spend"),
        (403, native("permission_error"), "auth"),
        (404, native("not_found_error"), "model"),
        (404, b"<html>nginx</html>", "model"),
        (408, b"", "service"),
        (409, native("conflict_error"), "service"),
        (413, native("request_too_large"), "size"),
        (413, b"<html>413</html>", "size"),
        (422, native("invalid_request_error"), "invalid"),
        (418, b"", "invalid"),
        (500, native("api_error"), "service"),
        (502, b"<html>Bad gateway</html>", "service"),
        (503, b"", "service"),
        (504, native("timeout_error"), "service"),
        (529, native("overloaded_error"), "busy"),
        (599, b"", "service"),
        (500, native("invalid_request_error"), "service"),
        (500, native("authentication_error"), "service"),
        (502, native("not_found_error"), "service"),
        (503, native("rate_limit_error"), "service"),
        (503, native("overloaded_error"), "busy"),
        (500, {"message": '400 {"error":{"type":"invalid_request_error"}}', "statusCode": 500}, "invalid"),
        (502, {"statusCode": "401", "message": "key"}, "auth"),
        (500, native("billing_error", error_code="contract_spend_limit_reached"), "spend"),
        (301, b"", "protocol"),
        (204, b"", "protocol"),
        (400, {"error": {"message": "m", "type": "invalid_request_error", "param": None, "code": None}}, "invalid"),
        (404, {"error": {"message": "m", "type": "invalid_request_error", "code": "model_not_found"}}, "model"),
        (429, {"error": {"message": "m", "type": "insufficient_quota", "code": "insufficient_quota"}}, "spend"),
        (401, {"error": {"code": 401, "message": "m", "type": "authentication_error"}}, "auth"),
        (400, {"message": '400 {"error":{"type":"invalid_request_error"}}', "statusCode": "400"}, "invalid"),
        (400, b"\xef\xbb\xbf" + json.dumps(native("not_found_error")).encode(), "model"),
        (400, {"message": "Body validation error", "requestId": "r"}, "invalid"),
        (400, {"message": "400 {not json}"}, "invalid"),
        (500, {"detail": [{"msg": "x"}]}, "service"),
        (500, ["a list"], "service"),
        (500, {"error": "a string"}, "service"),
        (200, native("overloaded_error"), "busy"),
        (200, {"message": "m", "statusCode": 401}, "auth"),
        (200, {"error": {"code": 503, "message": "m"}}, "service"),
    ],
)  # fmt: skip
def test_every_shape_finds_its_type(status: int, body: Any, expected: str) -> None:
    error = read(status, body)
    assert error.type == expected
    assert error.type in ERROR_TYPES
    assert error.message.endswith(".")


def test_an_unknown_model_is_recognised_behind_a_400_too() -> None:
    body = {"error": {"message": "m", "type": "invalid_request_error", "code": "model_not_found"}}
    assert read(400, body).type == "model"


def test_the_reason_is_quoted_without_keys_markup_or_length() -> None:
    error = read(400, native("invalid_request_error", "bad\n key sk-secret\x1b[31m " + "x" * 500))
    assert "sk-secret" not in error.detail + error.message
    assert len(error.detail) == 200 and "\n" not in error.detail and "\x1b" not in error.detail
    assert error.detail[:20] in error.message

    page = read(400, b"<html><script>alert(1)</script>")
    assert "<" not in page.message and page.detail.startswith("<html>")


@pytest.mark.parametrize("code", ["²²²", "٤٢٩", "4 0", "-40", 4.5, True])
def test_a_code_that_is_no_http_status_hinders_nobody(code: object) -> None:
    body = {"error": {"message": "No", "code": code}, "statusCode": code}
    error = read(500, body)
    assert (error.type, error.detail, error.status) == ("service", "No", 500)
    assert error_from_event(body).status is None


def test_the_inner_words_of_a_wrapped_error_count() -> None:
    inner = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "inner"},
        "request_id": "req_2",
    }
    assert read(400, {"message": f"400 {json.dumps(inner)}", "requestId": "outer"}).detail == "inner"
    assert read(400, {"message": f"400 {json.dumps(inner)}"}).request_id == "req_2"


def test_request_ids_are_found_in_headers_first() -> None:
    assert read(500, native("api_error"), {"request-id": "req_h"}).request_id == "req_h"
    assert read(500, native("api_error")).request_id == "req_1"
    assert read(500, b"", {"x-inference-id": "inf"}).request_id == "inf"


def test_a_size_error_says_how_much_and_how_much_is_allowed() -> None:
    assert "34.5 MB, the usual limit is 32 MB." in read(413, b"", sent_bytes=34_500_000).message
    assert "0.1 MB, the usual limit is 32 MB." in read(413, b"", sent_bytes=300).message
    assert "MB" not in read(413, b"").message


@pytest.mark.parametrize(
    "error",
    [
        {"type": "invalid_request_error", "code": "context_length_exceeded"},
        {"type": "exceed_context_size_error", "code": 400},
    ],
)
def test_a_conversation_that_is_too_long_is_called_so(error: dict[str, Any]) -> None:
    """It is small for a request: its bytes are not what is wrong."""
    found = read(400, {"error": error | {"message": "9001 tokens are too many."}}, sent_bytes=40_000)
    assert (found.type, found.max_retries) == ("size", 0)
    assert found.message == (
        "The model service refused this request: 9001 tokens are too many. "
        "Remove attachments or start a new conversation."
    )


def test_out_of_credit_at_aimlapi_is_a_403() -> None:
    assert read(403, {"message": "out of credits"}, dialect="aimlapi").type == "spend"


@pytest.mark.parametrize(
    ("headers", "code", "dialect", "expected", "retries"),
    [
        ({"retry-after": "5"}, "", "anthropic", "limit", 1),
        ({"retry-after": "60"}, "", "anthropic", "limit", 1),
        ({"retry-after": "61"}, "", "anthropic", "limit", 0),
        ({"retry-after": "3600"}, "", "anthropic", "limit", 0),
        ({"retry-after": "soon"}, "", "anthropic", "limit", 1),
        ({"retry-after": "5", "x-should-retry": "false"}, "", "anthropic", "limit", 0),
        ({}, "", "anthropic", "spend", 0),
        ({}, "", "openai_chat", "limit", 0),
        ({}, "", "aimlapi", "limit", 0),
        ({}, "", "vllm", "limit", 0),
        ({}, "", "litellm", "limit", 0),
        ({}, "budget_exceeded", "litellm", "spend", 0),
        ({}, "", "rockapi", "spend", 0),
        ({}, "enforced_spend_limit_reached", "openai_chat", "spend", 0),
        ({"retry-after": "5"}, "enforced_spend_limit_reached", "anthropic", "spend", 0),
        ({"retry-after": "5"}, "ramp_limit_exceeded", "anthropic", "limit", 1),
    ],
)
def test_a_429_is_a_rate_limit_or_a_spending_limit(
    headers: dict[str, str], code: str, dialect: str, expected: str, retries: int
) -> None:
    body = native("rate_limit_error", **({"error_code": code} if code else {}))
    error = read(429, body, headers, dialect)
    assert (error.type, error.max_retries) == (expected, retries)


def test_a_long_limit_names_the_time() -> None:
    error = read(429, native("rate_limit_error"), {"retry-after": "3600"})
    assert error.retry_at == NOW + 3600
    assert "until 17:00 UTC." in error.message
    assert "on 27 November" in limit_message(NOW + 3 * 86400, NOW)
    tokyo = ZoneInfo("Asia/Tokyo")
    assert "until 02:00. " in limit_message(NOW + 3600, NOW, tokyo)
    assert "until 02:00 on 28 November. " in limit_message(NOW + 3 * 86400 + 3600, NOW, tokyo)


def test_servers_may_forbid_or_ask_to_wait_too_long() -> None:
    assert read(529, b"").max_retries == 2
    assert read(529, b"", {"x-should-retry": "false"}).max_retries == 0
    assert read(503, b"", {"retry-after": "600"}).max_retries == 0
    assert read(503, b"", {"retry-after": "3"}).retry_after == 3


@pytest.mark.parametrize(
    ("status", "headers", "retries"),
    [
        (400, {}, 0),
        (400, {"x-should-retry": "true"}, 2),
        (404, {"x-should-retry": "true"}, 2),
        (529, {"x-should-retry": "true"}, 2),
        (529, {"x-should-retry": "true", "retry-after": "61"}, 0),
        (429, {"x-should-retry": "true", "retry-after": "5"}, 1),
        (429, {"x-should-retry": "true"}, 0),
        (402, {"x-should-retry": "true"}, 0),
    ],
)
def test_a_server_may_ask_for_another_try_but_not_of_a_spending_limit(
    status: int, headers: dict[str, str], retries: int
) -> None:
    assert read(status, b"", headers).max_retries == retries


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "0", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "0"}, 0.0),
        ({"retry-after-ms": "-1", "retry-after": "0"}, 0.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": ""}, 0.0),
        ({"retry-after": "1000000000"}, LONGEST),
        ({"retry-after": "inf"}, 0.0),
        ({"retry-after": "Mon, 24 Nov 2025 16:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 24 Nov 2025 16:00:30 GMT", "date": "Mon, 24 Nov 2025 16:00:10 GMT"}, 20.0),
        ({"retry-after": "Mon, 24 Nov 2025 16:00:30 GMT", "date": "yesterday"}, 30.0),
        ({"retry-after": "Mon, 24 Nov 2025 15:00:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_sanely(headers: dict[str, str], expected: float | None) -> None:
    assert read_retry_after(headers, NOW) == expected


def test_pauses_grow_with_jitter_and_stop_at_the_limit() -> None:
    limits = Limits()
    busy = UpstreamError("busy", max_retries=2)
    for attempt, base in ((0, 0.5), (1, 1.0)):
        pause = pause_before_retry(busy, attempt, 0, limits)
        assert pause is not None and base * 0.75 <= pause <= base
    assert pause_before_retry(busy, 2, 0, limits) is None
    assert pause_before_retry(busy, 0, 0, Limits(max_retries=0)) is None
    assert pause_before_retry(UpstreamError("auth"), 0, 0, limits) is None


def test_a_wish_is_honoured_and_never_undercut() -> None:
    for _ in range(50):
        pause = pause_before_retry(UpstreamError("limit", retry_after=10, max_retries=1), 0, 0, Limits())
        assert pause is not None and 10 <= pause <= 12
    assert pause_before_retry(UpstreamError("limit", retry_after=61, max_retries=1), 0, 0, Limits()) is None


def test_connecting_is_not_tried_again_when_much_time_has_passed() -> None:
    refused = UpstreamError("connect", max_retries=2)
    assert pause_before_retry(refused, 1, 4.9, Limits()) is not None
    assert pause_before_retry(refused, 1, 5.1, Limits()) is None
    timed_out = UpstreamError("connect", max_retries=1)
    assert pause_before_retry(timed_out, 0, 10, Limits()) is not None
    assert pause_before_retry(timed_out, 1, 20, Limits()) is None


def test_every_type_has_a_sentence_with_something_to_do() -> None:
    for type_ in ERROR_TYPES:
        error = UpstreamError(type_)
        assert error.message.endswith(".") and error.message.count(".") >= 2
        error.nothing_arrived()
        assert "Continue" not in error.message or type_ == "stalled"
    assert UpstreamError("auth").admin_message and not UpstreamError("busy").admin_message


def test_quoted_takes_secrets_out() -> None:
    assert quoted("a sk-1 b", "sk-1", "") == "a [key] b"
