"""Django's admin: people, providers and their models, the workspace. Found by the admin's autodiscovery."""

from . import budget, group, language_model, provider, user, workspace

__all__ = ["budget", "group", "language_model", "provider", "user", "workspace"]
