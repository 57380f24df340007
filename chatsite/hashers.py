"""How passwords are hashed. Named in PASSWORD_HASHERS."""

from __future__ import annotations

from django.contrib.auth import hashers


class Argon2PasswordHasher(hashers.Argon2PasswordHasher):
    """OWASP's parameters: Django's own take 100 MiB for each sign-in, more than the whole server."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
