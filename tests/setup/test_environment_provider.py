from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.actions.errors import Invalid
from conversations.actions.providers import AIMLAPI_MODELS, DEFAULT_MODELS, sync_environment
from conversations.models import LanguageModel, Provider

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
KEY = "sk-ant-0123456789abcdef"


@pytest.fixture(autouse=True)
def _empty(settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = settings.ANTHROPIC_BASE_URL = settings.ANTHROPIC_MODEL = ""
    settings.UPSTREAM_DIALECT = ""


def offered() -> list[tuple[str, str]]:
    """Source and id of every model that people can choose now."""
    rows = LanguageModel.objects.filter(enabled=True, provider__enabled=True).order_by("position")
    return [(row.provider.source, row.model_id) for row in rows.select_related("provider")]


def test_without_key_and_address_the_demo_answers() -> None:
    assert sync_environment().demo
    assert offered() == [("demo", "demo")]


def test_a_model_name_alone_does_not_make_a_provider(settings: Any) -> None:
    settings.ANTHROPIC_MODEL = "claude-opus-5-5"
    assert sync_environment().demo


def test_a_key_alone_makes_the_provider_and_never_appears(settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = KEY
    answering = sync_environment()
    assert not answering.demo
    assert KEY not in answering.sentence
    assert offered() == [("environment", model) for model in DEFAULT_MODELS]
    provider = Provider.objects.get(source="environment")
    assert (provider.name, provider.dialect, provider.api_key.reveal()) == ("Environment", "anthropic", KEY)


def test_an_address_alone_makes_it_too(settings: Any) -> None:
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:9"
    settings.ANTHROPIC_MODEL = "claude-x"
    assert "http://127.0.0.1:9" in sync_environment().sentence
    assert offered() == [("environment", "claude-x")]


@pytest.mark.parametrize(
    ("url", "named", "dialect"),
    [
        ("https://api.rockapi.ru/anthropic", "", "rockapi"),
        ("https://api.aimlapi.com", "", "aimlapi"),
        ("http://127.0.0.1:9/v1", "openai_chat", "openai_chat"),
        ("http://127.0.0.1:9", "", "anthropic"),
    ],
)
def test_the_dialect_is_named_or_guessed(settings: Any, url: str, named: str, dialect: str) -> None:
    settings.ANTHROPIC_BASE_URL, settings.UPSTREAM_DIALECT = url, named
    sync_environment()
    assert Provider.objects.get(source="environment").dialect == dialect


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("https://api.aimlapi.com", ""),
        ("http://127.0.0.1:9", "aimlapi"),
        ("https://api.aimlapi.com/v1/chat/completions", ""),
    ],
)
def test_a_gateway_with_ids_of_its_own_is_asked_for_those_that_it_knows(
    settings: Any, url: str, dialect: str
) -> None:
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL, settings.UPSTREAM_DIALECT = KEY, url, dialect
    sync_environment()
    assert offered() == [("environment", model) for model in AIMLAPI_MODELS]
    assert all(row.can.known for row in LanguageModel.objects.filter(enabled=True))
    settings.ANTHROPIC_MODEL = "claude-sonnet-4-6"
    sync_environment()
    assert offered() == [("environment", "claude-sonnet-4-6")]


def test_the_provider_follows_the_environment(settings: Any) -> None:
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_MODEL = KEY, "claude-a"
    sync_environment()
    token = Provider.objects.get(source="environment").api_key.token
    sync_environment()
    assert Provider.objects.get(source="environment").api_key.token == token
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_MODEL = KEY + "2", "claude-b"
    sync_environment()
    assert Provider.objects.get(source="environment").api_key.reveal() == KEY + "2"
    assert offered() == [("environment", "claude-b")]
    assert LanguageModel.objects.filter(model_id="claude-a", enabled=False).exists()
    settings.ANTHROPIC_API_KEY = ""
    assert sync_environment().demo
    assert offered() == [("demo", "demo")]


@pytest.mark.parametrize("is_older", [False, True])
@pytest.mark.parametrize("named", ["", "claude-a"])
def test_what_an_administrator_says_of_its_models_holds_after_the_next_start(
    settings: Any, named: str, is_older: bool
) -> None:
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_MODEL = KEY, named
    sync_environment()
    if is_older:
        # Older versions wrote down no names.
        Provider.objects.update(named_models=None)
    rows = list(LanguageModel.objects.order_by("position"))
    ends = timezone.now() + timedelta(days=9)
    LanguageModel.objects.filter(pk=rows[0].pk).update(enabled=False, position=7)
    LanguageModel.objects.filter(pk=rows[-1].pk).update(retired_at=ends)
    rows[0].provider.language_models.create(model_id="added")
    if len(rows) > 2 and not is_older:
        rows[1].delete()
    said = list(LanguageModel.objects.order_by("pk").values())
    for _ in range(2):
        sync_environment()
        assert list(LanguageModel.objects.exclude(model_id="demo").order_by("pk").values()) == said


def test_a_model_is_offered_again_when_the_environment_names_it_anew(settings: Any) -> None:
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_MODEL = KEY, "claude-a"
    sync_environment()
    LanguageModel.objects.update(enabled=False, position=7, retired_at=timezone.now())
    settings.ANTHROPIC_MODEL = "claude-b"
    sync_environment()
    assert offered() == [("environment", "claude-b")]
    settings.ANTHROPIC_MODEL = "claude-a"
    sync_environment()
    assert offered() == [("environment", "claude-a")]
    assert LanguageModel.objects.get(model_id="claude-a").retired_at is None
    settings.ANTHROPIC_MODEL = DEFAULT_MODELS[2]
    sync_environment()
    settings.ANTHROPIC_MODEL = ""
    sync_environment()
    assert offered() == [("environment", model) for model in DEFAULT_MODELS]


def test_what_is_still_named_stays_as_the_administrator_left_it_when_others_are_named_too(
    settings: Any,
) -> None:
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_MODEL = KEY, DEFAULT_MODELS[0]
    sync_environment()
    LanguageModel.objects.update(enabled=False)
    settings.ANTHROPIC_MODEL = ""
    sync_environment()
    assert offered() == [("environment", model) for model in DEFAULT_MODELS[1:]]


def test_where_all_its_models_are_switched_off_the_start_does_not_ask_for_a_key(settings: Any) -> None:
    settings.ANTHROPIC_API_KEY = KEY
    sync_environment()
    LanguageModel.objects.update(enabled=False)
    answering = sync_environment()
    assert answering.demo
    assert "ANTHROPIC_API_KEY" not in answering.sentence


def test_what_a_list_said_of_its_models_does_not_follow_to_another_address(settings: Any) -> None:
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_MODEL = KEY, "claude-a"
    for base_url, left in (
        ("", {"context": 5000}),
        ("https://api.anthropic.com/v1/", {"context": 5000}),
        ("https://elsewhere.test", {}),
    ):
        settings.ANTHROPIC_BASE_URL = base_url
        sync_environment()
        if not base_url:
            LanguageModel.objects.update(listed={"context": 5000})
        assert LanguageModel.objects.get().listed == left


def test_the_demo_steps_back_for_a_provider_of_the_administrator() -> None:
    sync_environment()
    provider = Provider.objects.create(name="Environment", dialect="anthropic")
    LanguageModel.objects.create(provider=provider, model_id="claude-c")
    answering = sync_environment()
    assert not answering.demo
    assert offered() == [("admin", "claude-c")]


def test_a_name_that_is_taken_is_not_taken_over(settings: Any) -> None:
    Provider.objects.create(name="Environment", dialect="anthropic", base_url="http://theirs")
    settings.ANTHROPIC_API_KEY = KEY
    sync_environment()
    assert Provider.objects.get(name="Environment").base_url == "http://theirs"
    assert Provider.objects.get(source="environment").name != "Environment"


def test_a_key_or_address_that_cannot_be_right_is_refused_plainly(settings: Any) -> None:
    wrong = (("clé secrète", "", "ANTHROPIC_API_KEY"), (KEY, "http://user@host", "ANTHROPIC_BASE_URL"))
    for key, url, name in wrong:
        settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = key, url
        with pytest.raises(Invalid, match=name) as caught:
            sync_environment()
        assert key not in caught.value.message
    assert not Provider.objects.filter(source="environment").exists()


@pytest.mark.parametrize(
    ("name", "longest"), [("ANTHROPIC_BASE_URL", "http://host/" + 488 * "a"), ("ANTHROPIC_MODEL", 200 * "m")]
)
def test_what_is_too_long_to_be_stored_is_named(settings: Any, name: str, longest: str) -> None:
    settings.ANTHROPIC_API_KEY = KEY
    setattr(settings, name, longest)
    assert not sync_environment().demo
    setattr(settings, name, longest + "a")
    with pytest.raises(Invalid, match=f"{name} .* {len(longest)} characters"):
        sync_environment()
