"""Providers and models that administrators remove for good. Called by the views of providers and the admin."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from django.db import transaction

from ..access import NotFound
from ..models import LanguageModel, Provider, User
from . import audit, erasure
from .errors import Invalid
from .providers import changing, refresh_demo
from .transaction import hold


def remove_provider(actor: User, provider: Provider) -> None:
    """Its models go with it; conversations that used them go on with another. Raises Invalid, NotFound."""
    _retire(provider)
    for language_model in provider.language_models.all():
        erasure.forget(language_model)
    erasure.forget(provider)
    with changing():
        hold(provider)
        audit.record(actor, "provider_removed", provider, name=provider.name)
        provider.delete()
        refresh_demo()


def remove_model(actor: User, language_model: LanguageModel) -> None:
    """Conversations that used it go on with another. Raises NotFound."""
    _retire(language_model)
    erasure.forget(language_model)
    with changing():
        hold(language_model)
        audit.record(actor, "model_removed", language_model, model=language_model.model_id)
        language_model.delete()
        refresh_demo()


def remove_after_commit(actor: User, row: Provider | LanguageModel) -> None:
    """As the other two, from within a transaction that would hold up everybody until all has gone: what is refused is
    refused here, and the rows go once it is committed. Raises Invalid, NotFound.
    """
    _retire(row)
    transaction.on_commit(partial(_finish, actor, row))


def _finish(actor: User, row: Provider | LanguageModel) -> None:
    # Somebody else may have been faster, and more rows may follow.
    with suppress(NotFound):
        if isinstance(row, Provider):
            remove_provider(actor, row)
        else:
            remove_model(actor, row)


def _retire(row: Provider | LanguageModel) -> None:
    """From here on nobody sends to it: a new row that refers to it would be in the way of its removal."""
    if isinstance(row, Provider) and row.source != Provider.Source.ADMIN:
        raise Invalid("This provider is set by the server's environment. Change it there.")
    with changing():
        hold(row)
        row._meta.model._default_manager.filter(pk=row.pk).update(enabled=False)
        refresh_demo()
