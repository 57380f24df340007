"""When to try again: what the reply's headers ask for, and our own growing pauses (messages-api section 10.3)."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from .errors import UpstreamError
from .limits import Limits

LONGEST = 7 * 24 * 3600.0  # a larger figure is a fault; nobody plans a week ahead for a chat


def read_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that `retry-after-ms` or `retry-after` ask to wait, 0 ≤ s ≤ LONGEST; None without either header.

    0 stands for a figure that says nothing (zero, negative, not a number): the caller then takes his own
    pause. An HTTP date is measured against the reply's own `date`, so that a wrong clock on either side does
    not matter. Raises nothing.
    """
    says_nothing: float | None = None
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            seconds = float(text) / unit
        except ValueError:
            seconds = _until(text, headers.get("date"), now)
        if math.isfinite(seconds) and seconds > 0:
            return min(seconds, LONGEST)
        says_nothing = 0.0
    return says_nothing


def pause_before_retry(
    error: UpstreamError, attempt: int, elapsed: float, limits: Limits, alike: int | None = None
) -> float | None:
    """Seconds to wait before attempt `attempt` + 1 (the first is 0), or None where the fault table forbids another one.

    `alike` of the attempts before failed in the same way (None: all of them): what one fault allows, another
    does not use up.
    Failed connections are tried again only while little time has passed, so that the whole stays within its
    bound (rows 1 to 3).
    """
    if attempt >= limits.max_retries or (attempt if alike is None else alike) >= error.max_retries:
        return None
    if error.type == "connect" and error.max_retries > 1 and elapsed > limits.connect / 2:
        return None
    if error.retry_after:
        if error.retry_after > limits.retry_after_cap:
            return None
        return error.retry_after * (1 + 0.1 * random.random())
    return min(limits.backoff * float(2**attempt), limits.backoff_cap) * (1 - 0.25 * random.random())


def _until(text: str, date: str | None, now: float) -> float:
    try:
        then = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    try:
        base = parsedate_to_datetime(date).timestamp() if date else now
    except (ValueError, OverflowError):
        base = now
    return then - base
