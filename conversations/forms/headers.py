"""A provider's extra headers as administrators see them: values may be keys, and are shown as rarely as the key
itself. Used by the forms of providers.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..models import Provider
from ..models.encryption import SecretUnreadable

KEPT = "••••"


def of(provider: Provider) -> dict[str, str]:
    """The stored headers; none where the key that they were encrypted with is lost."""
    try:
        return provider.extra_headers
    except SecretUnreadable:
        return {}


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value if name.lower().startswith("anthropic-") else KEPT for name, value in headers.items()}


def unmasked(given: Mapping[str, str], provider: Provider) -> dict[str, str]:
    """What was given, with the stored value where the mask came back."""
    stored = of(provider)
    return {name: stored.get(name, "") if value == KEPT else value for name, value in given.items()}
