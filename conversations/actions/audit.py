"""One line in the record of administrative acts and sign-ins; never a secret in it. Called by actions, inside their
transaction, by the admin's hooks and when somebody signs in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

from django.db import models

from ..models import AuditEvent, User
from .text import storable

_NAME_CHARACTERS = 150
_DETAIL_CHARACTERS = 300
_LIST_ITEMS = 100
_address: ContextVar[str | None] = ContextVar("audit_address", default=None)


def record(
    actor: User | None, act: str, object: models.Model | None = None, *, actor_name: str = "", **detail: Any
) -> None:
    """Who did what to which row, from where; `detail` is plain JSON. Without a person `actor_name` says who it was."""
    AuditEvent.objects.create(
        actor=actor,
        actor_name=line(actor.username if actor is not None else actor_name, _NAME_CHARACTERS),
        act=act,
        object_type=object._meta.model_name or "" if object is not None else "",
        object_id=str(object.pk) if object is not None else "",
        detail=_clean(detail),
        address=_address.get(),
    )


@contextmanager
def coming_from(address: str | None) -> Iterator[None]:
    """What is recorded inside came from this address; anything that is no address counts as unknown."""
    try:
        known = str(ip_address(address or ""))
    except ValueError:
        known = None
    token = _address.set(known)
    try:
        yield
    finally:
        _address.reset(token)


def line(text: str, length: int = _DETAIL_CHARACTERS) -> str:
    """Foreign words as one line: line ends, control characters and turns of direction become spaces."""
    kept = "".join(character if character.isprintable() else " " for character in storable(text))
    return " ".join(kept.split())[:length]


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {line(str(key), 60): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        more = len(value) - _LIST_ITEMS
        return [_clean(item) for item in value[:_LIST_ITEMS]] + ([f"and {more:,} more"] if more > 0 else [])
    return value if value is None or isinstance(value, bool | int | float) else line(str(value))
