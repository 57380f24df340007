"""All connections of a process to its database, the pool of PostgreSQL included: closed before workers are forked, and
at the end of every command.
"""

from __future__ import annotations

from django.db import connections


def close() -> None:
    """The pool has threads: they live on in no forked process, and from Python 3.14 on cannot be waited for once the
    interpreter has begun to end, which a pool would try, and print a traceback.
    """
    connections.close_all()
    connection = connections["default"]
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]
