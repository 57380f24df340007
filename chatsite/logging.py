"""Log lines: one line each, no control characters, no key. Used by the LOGGING setting."""

from __future__ import annotations

import json
import logging
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

# Provider keys, credentials inside addresses, and the token of each address that opens something by itself.
_SECRETS = re.compile(
    r"sk-[A-Za-z0-9_-]{8,}|(?<=://)[^/\s@]+(?=@)"
    r"|(?P<place>/(?:setup|invitation|share|accounts/(?:password/reset/key|confirm-email))/)[^/\s]+"
    r"|(?P<person>(?<!/accounts)/password/[^/\s]+/)[^/\s]+"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


# What a line belongs to: set where a request begins, and where an answer's task begins.
request_id: ContextVar[str] = ContextVar("request_id", default="")
generation_id: ContextVar[str] = ContextVar("generation_id", default="")


def masked(text: str) -> str:
    """The text without secrets; an address is told up to its token."""
    return _SECRETS.sub(lambda found: (found["place"] or found["person"] or "") + "[hidden]", text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the ids of the request and the answer it belongs to; secrets masked."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": masked(record.getMessage()),
            "process": record.process,
        }
        for name, value in (("request", request_id.get()), ("generation", generation_id.get())):
            if value:
                line[name] = value
        if record.exc_info:
            line["traceback"] = masked("".join(traceback.format_exception(*record.exc_info)))
        # ASCII: control characters and line separators are escaped, so that a line is a line.
        return json.dumps(line)


class PlainFormatter(logging.Formatter):
    """Masks secrets and makes control characters visible; a traceback keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        text = masked(super().format(record))
        text = _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)
        # A line break in a message (from a name, say) must not look like a new log line.
        return text if record.exc_info else text.replace("\n", "\\n")
