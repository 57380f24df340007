"""The upstream's limits as the settings have them. Upstream itself knows no settings."""

from __future__ import annotations

from django.conf import settings

from ..upstream.limits import Limits


def upstream_limits() -> Limits:
    return Limits(
        connect=settings.UPSTREAM_CONNECT_TIMEOUT,
        first_byte=settings.UPSTREAM_FIRST_BYTE_TIMEOUT,
        silence=settings.UPSTREAM_SILENCE_TIMEOUT,
        progress=settings.UPSTREAM_PROGRESS_TIMEOUT,
        total=settings.UPSTREAM_TOTAL_TIMEOUT,
        max_request_bytes=settings.UPSTREAM_REQUEST_MAX_BYTES,
        max_event_bytes=settings.UPSTREAM_MAX_EVENT_BYTES,
        max_answer_bytes=settings.UPSTREAM_MAX_ANSWER_BYTES,
        max_retries=settings.UPSTREAM_MAX_RETRIES,
        retry_after_cap=settings.UPSTREAM_RETRY_AFTER_CAP,
        backoff=settings.UPSTREAM_BACKOFF,
    )
