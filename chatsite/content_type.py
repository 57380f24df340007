"""What the headers of a request and of its parts say about its text: UTF-8, or nothing that is believed. Used by
`handler` and `urls`.

The names in them are anybody's, and Python takes them all: some charsets decode no text and raise, one (punycode) takes
quadratic time, and each name that is none stays in memory for ever.
"""

from __future__ import annotations

from email.message import Message
from typing import Any

from django.core.exceptions import BadRequest
from django.core.handlers.asgi import ASGIRequest
from django.utils.http import parse_header_parameters

_FORMS = {"multipart/form-data", "application/x-www-form-urlencoded"}
# Both are read as UTF-8, which begins with ASCII.
_CHARSETS_OF_FORMS = {"utf-8", "utf8", "us-ascii", "ascii"}
# Of one value, such as the name of a file (RFC 5987).
_CHARSETS_OF_VALUES = {"", "utf-8", "utf8", "us-ascii", "iso-8859-1"}


def header_parameters(line: str) -> tuple[str, dict[str, str]]:
    """As Django's. Raises ValueError also for a value in any other charset, before it is looked up."""
    if "*" in line:
        message = Message()
        message["content-type"] = line
        for _, value in message.get_params([]):
            # (charset, language, value); the types know only the plain text that the others are.
            charset = value[0] if isinstance(value, tuple) else ""
            if (charset or "").lower() not in _CHARSETS_OF_VALUES:
                raise ValueError("A value is in a charset that no header uses.")
    found: tuple[str, dict[str, str]] = parse_header_parameters(line)
    return found


class PageRequest(ASGIRequest):
    """A request whose Content-Type is taken for none where it cannot be read, and whose form is UTF-8."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}

    def _load_post_and_files(self) -> None:
        charset = (self.content_params or {}).get("charset", "utf-8")
        if (
            self.method == "POST"
            and self.content_type in _FORMS
            and charset.lower() not in _CHARSETS_OF_FORMS
        ):
            raise BadRequest("A form must be in UTF-8.")
        try:
            super()._load_post_and_files()
        except ValueError as error:
            # What the parser has no error of its own for, such as a file's name with a number of 5,000 digits.
            raise BadRequest("The form cannot be read.") from error
