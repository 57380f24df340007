"""Questions about the words in a column, whatever their case: what people type to find something or somebody.

Django's own (`icontains`, `iexact`) are LIKE on SQLite, which knows upper and lower case of ASCII alone: “погода” would
not find “Погода”. Its regular expressions are Python's there, and the database's own on PostgreSQL.

Whether two user names are one is for `User.alike` to say. E-mail addresses are kept in lower case and compared as they
are.
"""

from __future__ import annotations

import re

from django.db.models import Q

# On SQLite each of them is looked for in every row by Python: a hundred would take seconds.
_WORDS = 10


def words_of(query: str) -> list[str]:
    """The words that a search asks for: each once, and the first ten of them."""
    return list(dict.fromkeys(query.split()))[:_WORDS]


def holds(column: str, text: str) -> Q:
    """The column has this text somewhere in it."""
    return Q(**{f"{column}__iregex": re.escape(text)})


def reads(column: str, text: str) -> Q:
    """The column is this text."""
    return Q(**{f"{column}__iregex": f"^{re.escape(text)}$"})
