"""Which provider answers: the one of the environment, those of an administrator, else the demo. Called by `start`, the
administrators' actions (`offers`), the admin and the sweeper.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from ..models import LanguageModel, Provider
from ..models.encryption import SecretUnreadable
from ..upstream.endpoint import Endpoint, guess_dialect, service_at
from . import audit
from .errors import Invalid
from .transaction import writing

# Offered when ANTHROPIC_MODEL does not name one; the first is the default (messages-api section 14).
DEFAULT_MODELS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5")
# AI/ML API knows no other ids than those of its own list (messages-api section 3.2).
AIMLAPI_MODELS = ("anthropic/claude-sonnet-5", "anthropic/claude-opus-5", "anthropic/claude-haiku-4.5")
DEMO_MODEL = "demo"


@dataclass(frozen=True)
class Answering:
    """Who answers now, for the line that `start` prints."""

    demo: bool
    sentence: str


@contextmanager
def changing() -> Iterator[None]:
    """A write about providers and models, one at a time: whichever it is about, others are read and changed with it
    (their order, and whether the demo answers), and two that had begun elsewhere would wait for each other.
    """
    with writing():
        for kind in (Provider, LanguageModel):
            list(kind._default_manager.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        yield


def sync_environment() -> Answering:
    """Makes the rows say what the environment says: the provider "Environment", and the demo when nobody else
    answers.

    Raises Invalid with a plain sentence when key or base URL cannot be right.
    """
    with changing():
        given = bool(settings.ANTHROPIC_API_KEY or settings.ANTHROPIC_BASE_URL)
        if given:
            _environment()
        else:
            Provider.objects.filter(source=Provider.Source.ENVIRONMENT).update(enabled=False)
        first = refresh_demo()
    if first is None:
        way_out = (
            "An administrator has switched off all other models, under Providers."
            if given
            else "To connect Claude, set ANTHROPIC_API_KEY and start again."
        )
        return Answering(True, f"The demo model answers (it is not Claude). {way_out}")
    return Answering(
        False, f"Answers come from {_described(first.provider)}; the first model is {first.model_id}."
    )


def refresh_demo() -> LanguageModel | None:
    """The demo answers exactly while no other model does. Returns the first of the others. Call while `changing`."""
    others = LanguageModel.objects.answering().exclude(provider__source=Provider.Source.DEMO)
    first = others.order_by("position", "id").select_related("provider").first()
    _demo(enabled=first is None)
    return first


def follow_dates() -> None:
    """The demo answers once the date of the last other model has passed. For the sweeper."""
    with changing():
        refresh_demo()


def _described(provider: Provider) -> str:
    return f"“{provider.name}” ({provider.dialect}, {provider.address})"


def _environment() -> None:
    """The provider "Environment" follows the variables at every start."""
    key, base_url = settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL
    dialect = settings.UPSTREAM_DIALECT or guess_dialect(base_url)
    try:
        Endpoint(dialect=dialect, base_url=base_url, api_key=key)
    except ValueError as error:
        raise Invalid(f"ANTHROPIC_BASE_URL or ANTHROPIC_API_KEY cannot be used. {error}") from None
    _refuse_too_long("ANTHROPIC_BASE_URL", base_url, Provider._meta.get_field("base_url"))
    _refuse_too_long("ANTHROPIC_MODEL", settings.ANTHROPIC_MODEL, LanguageModel._meta.get_field("model_id"))
    provider = Provider.objects.filter(source=Provider.Source.ENVIRONMENT).first()
    if provider is None:
        provider = Provider(name=_free_name("Environment"), source=Provider.Source.ENVIRONMENT)
    is_new = provider.pk is None
    before = "" if is_new else provider.upstream
    provider.dialect, provider.base_url, provider.enabled = dialect, base_url, True
    if changes := not _holds(provider, key):
        provider.set_api_key(key)
    provider.save()
    if provider.upstream != before:
        # What another service's list said.
        provider.language_models.update(listed={})
    if changes and not is_new:
        audit.record(
            None, "provider_saved", provider, actor_name="environment", name=provider.name, key_changed=True
        )
    # It speaks Chat Completions as well.
    is_aimlapi = Provider.Dialect.AIMLAPI in (dialect, service_at(base_url))
    defaults = AIMLAPI_MODELS if is_aimlapi else DEFAULT_MODELS
    _offer(provider, [settings.ANTHROPIC_MODEL] if settings.ANTHROPIC_MODEL else list(defaults))


def _refuse_too_long(name: str, value: str, field: Any) -> None:
    if len(value) > field.max_length:
        raise Invalid(f"{name} has more than {field.max_length} characters.")


def _demo(enabled: bool) -> None:
    provider = Provider.objects.filter(source=Provider.Source.DEMO).first()
    if provider is None:
        if not enabled:
            return
        provider = Provider(
            name=_free_name("Demo"), source=Provider.Source.DEMO, dialect=Provider.Dialect.DEMO
        )
    provider.enabled = enabled
    provider.save()
    LanguageModel.objects.update_or_create(
        provider=provider, model_id=DEMO_MODEL, defaults={"enabled": True, "retired_at": None}
    )


def _offer(provider: Provider, model_ids: list[str]) -> None:
    """When the environment names others than at the last start, these and no others of the provider are offered, in
    this order; others stay for the conversations that used them. What administrators say of its models holds until
    then, and longer of those that are named as before.
    """
    before = provider.named_models
    if before is None:
        # Of versions that did not write it down: what is there was named.
        known = set(provider.language_models.values_list("model_id", flat=True))
        before = [one for one in model_ids if one in known]
    if model_ids != before:
        _change(provider, before, model_ids)
    if model_ids != provider.named_models:
        provider.named_models = model_ids
        provider.save(update_fields=["named_models"])


def _change(provider: Provider, before: list[str], model_ids: list[str]) -> None:
    provider.language_models.exclude(model_id__in=model_ids).update(enabled=False)
    for position, model_id in enumerate(model_ids):
        if model_id in before:
            provider.language_models.filter(model_id=model_id).update(position=position)
        else:
            LanguageModel.objects.update_or_create(
                provider=provider,
                model_id=model_id,
                defaults={"enabled": True, "position": position, "retired_at": None},
            )


def _holds(provider: Provider, key: str) -> bool:
    # Encrypting makes another value each time; an unchanged key leaves the row alone.
    try:
        return bool(provider.api_key.reveal() == key)
    except SecretUnreadable:
        return False


def _free_name(name: str) -> str:
    return name if not Provider.objects.filter(name=name).exists() else f"{name} (of this server)"
