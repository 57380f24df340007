"""What a person typed becomes storable text: one rule for SQLite and PostgreSQL (promises W20 to W22)."""

from __future__ import annotations

from unicodedata import normalize

from django.conf import settings

from ..rendering.characters import is_blank, mark_hidden, visible
from .errors import Invalid


def clean_prompt(text: str, *, may_be_empty: bool = False) -> str:
    """The prompt without NUL and lone surrogates, which a database refuses; "" when there is nothing to see in it.

    What is hidden in it, as a paste may bring it, is shown as present: to the person and to the model.
    Raises Invalid when it is empty, unless that is allowed (files speak for themselves), or too long.
    """
    cleaned = storable(text)
    if len(cleaned) > settings.PROMPT_MAX_CHARACTERS:
        raise Invalid(
            f"The message has {len(cleaned):,} characters; the limit is {settings.PROMPT_MAX_CHARACTERS:,}."
        )
    if is_blank(cleaned):
        if may_be_empty:
            return ""
        raise Invalid("The message is empty.")
    return mark_hidden(cleaned)


def clean_title(title: str) -> str:
    """One line of at most 200 characters; characters that hide or reorder text are made visible.

    "" when there is nothing to see in it. Accents are one with their letters (NFC), so that a search finds them.
    """
    if is_blank(title):
        return ""
    # Cut before as well: putting ten thousand accents on one letter in order takes quadratic time.
    return visible(normalize("NFC", " ".join(storable(title).split())[:400])[:200])


def as_in_a_form(text: str) -> str:
    """Text as a browser's form sends it, with CRLF, whichever way it came: what is equal here is stored alike."""
    return storable(text).replace("\n", "\r\n")


def storable(text: str) -> str:
    """Text that both databases take: NUL removed, lone surrogates replaced, line ends normalised to LF."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
