"""Which providers and models there are, as administrators set them. Called by the views of providers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from ..models import LanguageModel, Provider, User
from ..upstream.capabilities import check_overrides
from ..upstream.endpoint import Endpoint, normalise_base_url
from . import audit
from .errors import Invalid
from .providers import changing, refresh_demo
from .text import storable
from .transaction import hold

FIELDS = ("name", "dialect", "base_url", "version", "extra_headers", "enabled")

NAME_TAKEN = "There is already a provider with this name."
KEY_STAYS = "The address has changed, so enter the key as well: the stored one is for the old address only."
HEADERS_STAY = (
    "The address has changed, so enter the hidden values again: the stored ones are for the old address only."
)


def save_provider(actor: User, provider: Provider, values: dict[str, Any], api_key: str) -> Provider:
    """A new or changed provider; an empty key keeps the present one. Raises Invalid, NotFound.

    A key goes to no other address than the one that it was entered for.
    """
    if provider.source != Provider.Source.ADMIN:
        raise Invalid("This provider is set by the server's environment. Change it there.")
    try:
        endpoint = Endpoint(
            dialect=values["dialect"],
            base_url=values["base_url"],
            api_key=api_key,
            version=values["version"],
            extra_headers=values["extra_headers"],
        )
    except ValueError as error:
        raise Invalid(str(error)) from None
    is_elsewhere = moves(provider, values["dialect"], values["base_url"])
    if provider.api_key and not api_key and is_elsewhere:
        raise Invalid(KEY_STAYS)
    for name in FIELDS:
        setattr(provider, name, values[name])
    provider.base_url = endpoint.base_url
    if api_key:
        provider.set_api_key(endpoint.api_key)
    with changing():
        if provider.pk is not None:
            hold(provider)
        try:
            with transaction.atomic():
                provider.save()
        except IntegrityError:
            # Somebody else took it after the form had looked.
            raise Invalid(NAME_TAKEN) from None
        if is_elsewhere:
            # What another service's list said.
            provider.language_models.update(listed={})
        refresh_demo()
        audit.record(actor, "provider_saved", provider, name=provider.name, key_changed=bool(api_key))
    return provider


def moves(provider: Provider, dialect: str, base_url: str) -> bool:
    """Whether this is another place than the stored one, to which no secret of it may follow. Raises ValueError for
    one that is none; the stored one may be of a version that took it.
    """
    if provider.pk is None:
        return False
    return (
        provider.upstream
        != Provider(dialect=dialect, base_url=normalise_base_url(base_url, dialect)).upstream
    )


def add_models(
    actor: User, provider: Provider, models: Iterable[tuple[str, str]], listed: dict[str, Any] | None = None
) -> list[LanguageModel]:
    """(id, label) pairs behind those that there are; known ids stay as they are. `listed` is what the provider's own
    list says of them, by id. Raises Invalid, NotFound.
    """
    made = []
    with changing():
        hold(provider)
        last = LanguageModel.objects.order_by("-position").values_list("position", flat=True).first()
        position = (last or 0) + 1
        for raw, label in models:
            id = storable(raw).strip()
            if not id or len(id) > 200 or not id.isprintable():
                raise Invalid("A model id is one line of at most 200 characters.")
            said = (listed or {}).get(id, {})
            try:
                check_overrides(said)
            except ValueError as error:
                raise Invalid(str(error)) from None
            row, created = LanguageModel.objects.get_or_create(
                provider=provider,
                model_id=id,
                defaults={"label": label[:200], "position": position, "listed": said},
            )
            if created:
                position += 1
                made.append(row)
        refresh_demo()
        audit.record(actor, "models_added", provider, models=[row.model_id for row in made])
    return made


def note_listed(actor: User, provider: Provider, said: dict[str, dict[str, Any]]) -> None:
    """Takes what the provider's list says now of its models that are here, by id."""
    with changing():
        for row in provider.language_models.all():
            if said.get(row.model_id, row.listed) != row.listed:
                LanguageModel.objects.filter(pk=row.pk).update(listed=said[row.model_id])
        audit.record(actor, "models_listed", provider)


def change_model(
    actor: User, language_model: LanguageModel, values: dict[str, Any], groups: list[Group]
) -> None:
    """What people see of it, who may use it, what it costs, what takes its place. Raises Invalid, NotFound."""
    replacement: LanguageModel | None = values.get("replacement")
    with changing():
        hold(language_model)
        if replacement is not None and language_model.pk in LanguageModel.objects.succession(replacement.pk):
            raise Invalid("A model cannot replace itself, not even through other models.")
        for name, value in values.items():
            setattr(language_model, name, value)
        language_model.save(update_fields=list(values))
        language_model.allowed_groups.set(groups)
        refresh_demo()
        audit.record(actor, "model_changed", language_model, model=language_model.model_id)


def order_models(actor: User, ids: list[int]) -> None:
    """The order of the picker; models that are not named keep their order behind the named ones."""
    with changing():
        rows = {row.pk: row for row in LanguageModel.objects.all()}
        rest = sorted(
            (row for row in rows.values() if row.pk not in ids), key=lambda row: (row.position, row.pk)
        )
        ordered = [rows[id] for id in dict.fromkeys(ids) if id in rows] + rest
        for position, row in enumerate(ordered):
            row.position = position
        LanguageModel.objects.bulk_update(ordered, ["position"])
        audit.record(actor, "models_ordered")
