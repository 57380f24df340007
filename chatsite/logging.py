"""Log lines: one line each, no control characters, no key. Used by the LOGGING setting."""

from __future__ import annotations

import logging
import re

# Provider keys, links with a token, and credentials inside addresses.
_SECRETS = re.compile(
    r"sk-[A-Za-z0-9_-]{8,}|(?<=/setup/)[^/\s]+|(?<=/invitations/)[^/\s]+|(?<=://)[^/\s@]+(?=@)"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


class PlainFormatter(logging.Formatter):
    """Masks secrets and makes control characters visible; a traceback keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        text = _SECRETS.sub("[hidden]", super().format(record))
        text = _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)
        # A line break in a message (from a name, say) must not look like a new log line.
        return text if record.exc_info else text.replace("\n", "\\n")
