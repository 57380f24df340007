"""/share/<token>/: a read-only snapshot for whoever has the link, with nothing in it but what was said and shown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from .. import access
from ..access import NotFound
from ..attachments.sending import files_in, referred
from ..models import Attachment, Message, ShareLink, User
from ..models.colours import Colours
from ..models.generation import LIVE
from ..rendering.characters import visible
from ..upstream.capabilities import lookup
from .citations import joined, runs
from .files import files_of
from .formatted import html_of
from .requests import closed, whole_number
from .stored import original_response, thumbnail_response

PAGE = 100
# What anonymous readers get again and again is drawn once; whether the link is open is asked every time.
CACHE_SECONDS = 60
HEADERS = {
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
View = Callable[..., HttpResponseBase]


def _for_link_holders(view: View) -> View:
    """Missing, switched off, expired and not for this person: one page for all of them."""

    @login_not_required
    @require_safe
    def wrapped(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        try:
            response = view(request, access.snapshot(request.user, token), token, **kwargs)
        except NotFound:
            response = closed(request, "sharing/closed.html")
        for name, value in HEADERS.items():
            response[name] = value
        return response

    return wrapped


@_for_link_holders
def snapshot(request: HttpRequest, link: ShareLink, token: str) -> HttpResponseBase:
    """GET /share/<token>/?page=N: page 1 holds the last PAGE messages."""
    page = max(whole_number(request.GET.get("page", "1"), 1, digits=5), 1)
    is_member = isinstance(request.user, User)
    key = f"snapshot:{link.pk}:{link.leaf_id}:{page}:{link.shown_title}"
    body = None if is_member else cache.get(_key(key))
    if body is None:
        context = _context(link, token, page, is_member=is_member)
        body = render(request, "sharing/snapshot.html", context).content
        if not is_member:
            cache.set(_key(key), body, CACHE_SECONDS)
    return HttpResponse(body)


@_for_link_holders
def file(request: HttpRequest, link: ShareLink, token: str, name: str) -> HttpResponseBase:
    """GET /share/<token>/files/<name>/: a file of one of the messages that are shown."""
    return original_response(request, _file(link, name))


@_for_link_holders
def thumbnail(request: HttpRequest, link: ShareLink, token: str, name: str) -> HttpResponseBase:
    return thumbnail_response(request, _file(link, name))


def _file(link: ShareLink, name: str) -> Attachment:
    """The file behind a name of this link. Raises NotFound for files of messages that are not shown."""
    key = _key(f"snapshot-files:{link.pk}:{link.leaf_id}")
    known = cache.get(key)
    if known is None:
        path = Message.objects.path(link.leaf_id, related=())
        known = {_name(link, id): id for message in path for id in files_in(message)}
        cache.set(key, known, CACHE_SECONDS)
    found = Attachment.objects.with_files().filter(pk=known.get(name), conversation=link.conversation).first()
    if found is None:
        raise NotFound
    return found


def _name(link: ShareLink, id: str) -> str:
    """What a file is called in the addresses of this link: our own ids stay inside."""
    return hashlib.sha256(f"{link.token_hash}{id}".encode()).hexdigest()[:32]


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _context(link: ShareLink, token: str, page: int, *, is_member: bool) -> dict[str, Any]:
    path = Message.objects.path(link.leaf_id, page * PAGE + 1)
    end = len(path) - (page - 1) * PAGE
    if end <= 0:
        raise NotFound
    shown = path[max(0, end - PAGE) : end]
    files = files_of(shown)
    colours = Colours(link.conversation)
    return {
        "title": link.shown_title,
        "messages_shown": [
            _message(link, token, message, files, colours, is_member=is_member)
            for message in shown
            if message.status not in LIVE and not (message.continues and message.role == Message.Role.USER)
        ],
        "created_at": link.created_at,
        "earlier": page + 1 if end > PAGE else None,
        "later": page - 1 if page > 1 else None,
    }


def _message(
    link: ShareLink,
    token: str,
    message: Message,
    files: dict[str, Attachment],
    colours: Colours,
    *,
    is_member: bool,
) -> dict[str, Any]:
    """Role, author, and what was said; thinking, tools and everything else stay behind."""
    if message.role == Message.Role.USER:
        attached = [files[id] for id in referred(message.content) if id in files]
        name = ""
        if message.author is not None:
            # A user name may be somebody's address: people outside see only what was chosen to be shown.
            name = message.author.name if is_member else message.author.display_name
        return {
            "role": "user",
            "author": visible(name) or "A member",
            "colour": None if message.author_id is None else colours.of(message.author_id),
            "text": visible(message.text),
            "files": [_shown_file(link, token, one) for one in attached],
        }
    formatted = html_of(message)
    parts = [
        part
        for run in runs(message.content)
        if run[0][1].get("type") == "text"
        for part in joined(
            [(block.get("text") or "", formatted[index], SafeString()) for index, block in run]
        )
    ]
    return {"role": "assistant", "author": lookup(message.model).display_name or message.model, "html": parts}


def _shown_file(link: ShareLink, token: str, one: Attachment) -> dict[str, Any]:
    arguments = [token, _name(link, str(one.pk))]
    return {
        "name": visible(one.name),
        "alt": visible(one.alt_text),
        "size": one.size,
        "is_picture": one.is_picture,
        "width": one.width,
        "height": one.height,
        "url": reverse("snapshot-file", args=arguments),
        "thumbnail_url": reverse("snapshot-thumbnail", args=arguments) if one.thumbnail_id else "",
    }
