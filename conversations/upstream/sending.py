"""Sends one request and judges the head of its response: does it promise an answer? Used by the client for every try;
the list of models shares what a failed connection means.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from functools import lru_cache

import httpx

from .endpoint import Endpoint
from .error_bodies import error_from_response, is_compressed
from .errors import UpstreamError, no_answer_message
from .limits import Limits

_MAX_ERROR_BYTES = 64 * 1024
# Of the time to connect: one second as the limits are by default.
_ERROR_BODY_SHARE = 0.1


async def send(
    transport: httpx.AsyncBaseTransport, endpoint: Endpoint, payload: bytes, limits: Limits
) -> httpx.Response:
    """The response to `payload`, whose head promises an answer; its stream is open and the caller closes it.

    Raises UpstreamError for everything else: no connection, no answer in time, an error, a redirect, a page.
    """
    request = httpx.Request(
        "POST",
        _url(endpoint.url),
        headers=endpoint.headers(),
        content=payload,
        extensions={"timeout": {"connect": limits.connect, "read": limits.first_byte}},
    )
    try:
        response = await transport.handle_async_request(request)
    except httpx.ReadTimeout:
        raise UpstreamError("timeout", no_answer_message(limits.first_byte)) from None
    except httpx.TransportError as error:
        raise transport_failure(error) from error
    try:
        await _judge(response, endpoint, len(payload), limits)
    except BaseException:
        await response.stream.aclose()  # type: ignore[union-attr]
        raise
    return response


def request_id_of(headers: Mapping[str, str]) -> str:
    """The upstream's own handle for a request, as its response names it; "" without one."""
    return (headers.get("request-id") or headers.get("x-inference-id") or "")[:200]


async def _judge(response: httpx.Response, endpoint: Endpoint, sent_bytes: int, limits: Limits) -> None:
    status, headers = response.status_code, response.headers
    request_id = request_id_of(headers)
    content_type = headers.get("content-type", "").lower()
    is_success = 200 <= status < 300
    if is_success and is_compressed(headers):
        raise UpstreamError(
            "protocol", detail="compressed, though identity was asked for", request_id=request_id
        )
    if is_success and "html" in content_type:
        raise UpstreamError(
            "protocol", detail="HTML instead of an answer", status=status, request_id=request_id
        )
    if not is_success:
        error_body = (
            b"" if 300 <= status < 400 else await _error_body(response, limits.connect * _ERROR_BODY_SHARE)
        )
        raise error_from_response(
            status,
            headers,
            error_body,
            dialect=endpoint.dialect,
            now=time.time(),
            secrets=endpoint.secrets,
            sent_bytes=sent_bytes,
            retry_after_cap=limits.retry_after_cap,
        )


async def _error_body(response: httpx.Response, seconds: float) -> bytes:
    """As much of an error's body as comes soon; a reason that dribbles in is not worth waiting for."""
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for piece in response.stream:  # type: ignore[union-attr]
                pieces.append(piece)
                size += len(piece)
                if size > _MAX_ERROR_BYTES:
                    break
    except (TimeoutError, httpx.TransportError):
        pass
    return b"".join(pieces)[:_MAX_ERROR_BYTES]


@lru_cache(maxsize=64)
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


def transport_failure(error: httpx.TransportError) -> UpstreamError:
    """Why there is no response (promises rows 1 to 4)."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError | ssl.CertificateError):
        return UpstreamError("tls", detail=type(cause).__name__)
    if isinstance(error, httpx.ConnectTimeout):
        return UpstreamError("connect", detail="no connection in time", max_retries=1)
    if isinstance(error, httpx.ConnectError):
        return UpstreamError("connect", detail=type(cause).__name__, max_retries=2)
    # The server hung up before a byte of an answer, as a half-closed connection does: one silent reconnect
    # (promises S08).
    return UpstreamError("connection_lost", detail=type(error).__name__, max_retries=1)
