"""A password hasher that counts how often it works."""

from __future__ import annotations

from django.contrib.auth.hashers import MD5PasswordHasher


class CountingHasher(MD5PasswordHasher):
    used = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).used += 1
        return super().encode(password, salt)
