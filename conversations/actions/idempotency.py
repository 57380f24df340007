"""Same client_id, same answer: a repeated send finds what the first one made (promise P4)."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from ..models import Generation, User
from .errors import ClientIdReused


def digest(fields: dict[str, Any]) -> str:
    """A stable hash of the fields of a send; two sends are equal when their digests are."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=str).encode()).hexdigest()


def earlier(user: User, client_id: uuid.UUID, digest: str) -> Generation | None:
    """The generation that the same send made before. Call inside a transaction that holds the person: equal sends take
    turns, and the second one sees what the first has committed.

    Raises ClientIdReused when the id came with other fields.
    """
    sends = Generation.objects.filter(requested_by=user, client_id=client_id)
    # Nearly every send is a new one, so the rows themselves are read only where there are some.
    known = list(sends.values_list("client_digest", flat=True))
    if not known:
        return None
    if known[0] != digest:
        raise ClientIdReused("This client_id was used for another message. Nothing was stored.")
    return sends.select_related("message").get()
