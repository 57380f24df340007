"""Django's admin: people, providers and their models, the workspace. Found by the admin's autodiscovery."""

from . import language_model, provider, user, workspace

__all__ = ["language_model", "provider", "user", "workspace"]
