"""Providers and models that administrators remove for good. Called by the views of providers and the admin."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction

from ..access import NotFound
from ..models import LanguageModel, Provider, User
from . import audit, erasure
from .errors import Invalid
from .providers import changing, refresh_demo
from .transaction import hold


def remove(actor: User, row: Provider | LanguageModel) -> None:
    """A provider goes with its models; conversations that used them go on with another. Raises Invalid, NotFound."""
    _retire(row)
    _finish(actor, row)


def remove_after_commit(actor: User, row: Provider | LanguageModel) -> None:
    """As `remove`, from within a transaction that would hold up everybody until all has gone: refusals come here, and
    the rows go once it is committed. Raises Invalid, NotFound.
    """
    _retire(row)

    def finish() -> None:
        # Somebody else may have been faster, and more rows may follow.
        with suppress(NotFound):
            _finish(actor, row)

    transaction.on_commit(finish)


def _retire(row: Provider | LanguageModel) -> None:
    """From here on nobody sends to it: a new row that refers to it would be in the way of its removal."""
    if isinstance(row, Provider) and row.source != Provider.Source.ADMIN:
        raise Invalid("This provider is set by the server's environment. Change it there.")
    with changing():
        hold(row)
        row._meta.model._default_manager.filter(pk=row.pk).update(enabled=False)
        refresh_demo()


def _finish(actor: User, row: Provider | LanguageModel) -> None:
    if isinstance(row, Provider):
        for language_model in row.language_models.all():
            erasure.forget(language_model)
    erasure.forget(row)
    with changing():
        hold(row)
        if isinstance(row, Provider):
            audit.record(actor, "provider_removed", row, name=row.name)
        else:
            audit.record(actor, "model_removed", row, model=row.model_id)
        row.delete()
        refresh_demo()
