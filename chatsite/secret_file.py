"""The secret that an installation makes for itself on its first run, kept in the data folder. Used by
`settings`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def load_or_create(path: Path) -> str:
    """The secret in `path`; the first caller makes it (mode 0600), also when several start at once.

    Raises ImproperlyConfigured when the file is empty or cannot be read or made.
    """
    try:
        if not path.exists():
            _create(path)
        value = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"The secret {path} cannot be read or made ({error}).") from None
    if len(value) < 32:
        raise ImproperlyConfigured(
            f"The secret {path} is damaged. Restore it from a backup, or delete it to make a new one."
        )
    return value


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(64) + "\n")
        file.flush()
        os.fsync(file.fileno())
    # A hard link never replaces a file that another process has made meanwhile.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def encryption_key(secret: str) -> str:
    """A Fernet key for columns encrypted at rest, derived so that one secret is all there is to keep."""
    digest = hashlib.blake2b(secret.encode(), digest_size=32, person=b"chatsite-columns").digest()
    return base64.urlsafe_b64encode(digest).decode()
