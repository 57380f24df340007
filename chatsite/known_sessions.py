"""Which sessions belong to people, as far as this process has seen: asked where the database cannot be, while a request
still arrives. Filled by `middleware`, read by `requests`.

No right follows from it: a session may have ended since.
"""

from __future__ import annotations

import threading

MOST = 10_000
_known: dict[str, None] = {}
_adding = threading.Lock()


def note(session_key: str | None) -> None:
    """Somebody signed in has come with this session."""
    if not session_key or session_key in _known:
        return
    with _adding:
        if len(_known) >= MOST:
            # The one that has been here longest; whose it is comes in again with the next page.
            del _known[next(iter(_known))]
        _known[session_key] = None


def is_known(session_key: str) -> bool:
    return session_key in _known
