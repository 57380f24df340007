"""The bytes of a file as an inert answer: ranges, conditions, and headers under which nothing runs (promise P20).

Used by `attachments` and `snapshot` after they have asked `access`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

from ..access import NotFound
from ..attachments.kinds import is_text
from ..models import Attachment, StoredFile

_PIECE = 64 * 1024
_UNIT = "bytes="
_RANGE = re.compile(_UNIT + r"(\d{0,19})-(\d{0,19})", re.ASCII)


def original_response(request: HttpRequest, attachment: Attachment) -> HttpResponseBase:
    """The file as it was frozen; only pictures are shown where they are asked for, all else is a download."""
    media_type = attachment.media_type + ("; charset=utf-8" if is_text(attachment.media_type) else "")
    return _stored_response(
        request, attachment.original, media_type, attachment.name, inline=attachment.is_picture
    )


def thumbnail_response(request: HttpRequest, attachment: Attachment) -> HttpResponseBase:
    """Raises NotFound where there is none: only pictures have one."""
    small = attachment.thumbnail
    if small is None:
        raise NotFound
    return _stored_response(request, small, small.media_type, attachment.name, inline=True)


def _stored_response(
    request: HttpRequest, stored: StoredFile, media_type: str, name: str, *, inline: bool
) -> HttpResponseBase:
    """200 with all of it, 206 with one range, 304, 412 or 416. `inline` is for pictures that we wrote ourselves."""
    etag = f'"{stored.sha256[:32]}"'
    headers = {
        "Content-Type": media_type,
        "Content-Disposition": content_disposition_header(not inline, name) or "inline",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=31536000, immutable",
        "Accept-Ranges": "bytes",
        "ETag": etag,
    }
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        # 412 is not the file, as 416 below.
        return _with(unchanged, headers) if unchanged.status_code == 304 else unchanged
    first, last, status = 0, stored.size - 1, 200
    asked = request.headers.get("Range", "").strip().lower()
    # A range in another unit is none (RFC 9110, section 14.2).
    if asked.startswith(_UNIT) and request.headers.get("If-Range", etag) == etag:
        part = _part(asked, stored.size)
        if part is None:
            # Of the file's own headers this has none: it is not the file, and nobody may keep it in its place.
            told = {"Accept-Ranges": "bytes", "Content-Range": f"bytes */{stored.size}"}
            return _with(HttpResponse(status=416), told)
        first, last = part
        status = 206
        headers["Content-Range"] = f"bytes {first}-{last}/{stored.size}"
    headers["Content-Length"] = str(last - first + 1)
    if request.method == "HEAD":
        return _with(HttpResponse(status=status), headers)
    if not stored.file.storage.exists(str(stored.file)):
        raise Http404
    return _with(StreamingHttpResponse(_pieces(stored, first, last - first + 1), status=status), headers)


def _part(asked: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a single range; None for what cannot be satisfied, several ranges included."""
    match = _RANGE.fullmatch(asked)
    if match is None or not any(match.groups()):
        return None
    if not match[1]:
        length = int(match[2])
        return (max(0, size - length), size - 1) if length and size else None
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    return (first, last) if first <= last else None


def _pieces(stored: StoredFile, first: int, left: int) -> Iterator[bytes]:
    """Opened with the first piece: an answer that nobody reads leaves nothing open."""
    with stored.file.storage.open(str(stored.file)) as opened:
        opened.seek(first)
        while left > 0 and (piece := opened.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece


def _with(response: HttpResponseBase, headers: dict[str, str]) -> HttpResponseBase:
    for name, value in headers.items():
        response[name] = value
    return response
