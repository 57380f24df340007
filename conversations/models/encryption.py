"""A text column whose value is encrypted at rest (Fernet, rotation by key order). Used by Provider, and by
`chatsite.mfa` for the secrets of second steps.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class SecretUnreadable(Exception):
    """The stored value was encrypted with a key that this installation no longer has."""


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _current() -> MultiFernet:
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS))


class Secret:
    """An encrypted value that only `reveal` decrypts, so that no `repr`, log or admin page can show it."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    @classmethod
    def of(cls, plain: str) -> Secret:
        return cls(_current().encrypt(plain.encode()).decode() if plain else "")

    def reveal(self) -> str:
        """The plain text. Raises SecretUnreadable when the encryption key was lost."""
        if not self.token:
            return ""
        try:
            return _current().decrypt(self.token.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable(
                "The stored key cannot be decrypted with the keys of this installation."
            ) from None

    def rotated(self) -> Secret:
        """The same plain text encrypted with the newest key. Raises SecretUnreadable as `reveal`."""
        return Secret.of(self.reveal())

    def __bool__(self) -> bool:
        return bool(self.token)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.token == self.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __repr__(self) -> str:
        return "Secret(…)"


if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class SecretField(_TextField):
    """Stores a Secret's token; reads back as a Secret."""

    def from_db_value(self, value: str | None, *_: object) -> Secret:
        return Secret(value or "")

    def to_python(self, value: Any) -> Secret:
        return value if isinstance(value, Secret) else Secret(value or "")

    def get_prep_value(self, value: Any) -> str:
        return value.token if isinstance(value, Secret) else ""


def no_secret() -> Secret:
    """The default of a SecretField: nothing stored."""
    return Secret("")
