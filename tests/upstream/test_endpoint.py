"""Addresses as people paste them, and exactly one credential."""

from __future__ import annotations

import pytest

from conversations.upstream.dialects import DIALECTS
from conversations.upstream.endpoint import Endpoint, guess_dialect
from conversations.upstream.error_bodies import error_from_event


@pytest.mark.parametrize(
    ("dialect", "base_url", "expected"),
    [
        ("anthropic", "", "https://api.anthropic.com/v1/messages"),
        ("anthropic", "https://api.anthropic.com/", "https://api.anthropic.com/v1/messages"),
        ("anthropic", " https://api.anthropic.com/v1 ", "https://api.anthropic.com/v1/messages"),
        ("anthropic", "https://API.anthropic.com/v1/messages/", "https://api.anthropic.com/v1/messages"),
        ("anthropic", "http://127.0.0.1:8123", "http://127.0.0.1:8123/v1/messages"),
        ("anthropic", "http://[::1]:80/proxy/", "http://[::1]:80/proxy/v1/messages"),
        ("rockapi", "https://api.rockapi.ru/anthropic", "https://api.rockapi.ru/anthropic/v1/messages"),
        ("rockapi", "", "https://api.rockapi.ru/anthropic/v1/messages"),
        ("aimlapi", "https://api.aimlapi.com/messages", "https://api.aimlapi.com/v1/messages"),
        ("aimlapi", "https://api.aimlapi.com/v1", "https://api.aimlapi.com/v1/messages"),
        ("openai_chat", "https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
        ("openai_chat", "https://x.org/v1/chat/completions", "https://x.org/v1/chat/completions"),
        ("openai_chat", "https://x.org/api/v2/", "https://x.org/api/v2/chat/completions"),
        ("ollama", "", "http://localhost:11434/v1/messages"),
        ("litellm", "http://gate:4000/anthropic", "http://gate:4000/anthropic/v1/messages"),
    ],
)
def test_a_pasted_base_url_becomes_the_route(dialect: str, base_url: str, expected: str) -> None:
    assert Endpoint(dialect, base_url).url == expected


@pytest.mark.parametrize(
    "base_url",
    [
        "ftp://x.org", "x.org", "https://", "https://user:pw@x.org", "https://user@x.org", "https://x.org/?q=1",
        "https://x.org/#a",
        "https://x y.org", "https://a<b", "https://a\\b", "https://x.org/a b", "https://x/" + "y" * 1000,
        "https://x.org:99999", "https://x.org:port", "https://exa\nmple.org", "https://例え.jp", "https://[::1",
        "http://0177.0.0.1", "http://256.1.1.1:80/v1", "https://xn--",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_in_plain_words(base_url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        Endpoint("anthropic", base_url)


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ValueError, match="dialect"):
        Endpoint("klingon")


@pytest.mark.parametrize("key", ["a\nb", "a b", "schlüssel", "a\0"])
def test_a_key_that_no_header_carries_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError) as caught:
        Endpoint("anthropic", api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("version", ["2023-06-01\r\nx: y", "2023–06–01", "a\0"])
def test_a_version_that_no_header_carries_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="version"):
        Endpoint("anthropic", version=version)


@pytest.mark.parametrize(
    "header", [{"x\n": "v"}, {"x:": "v"}, {"": "v"}, {"x": "v\r\ny: z"}, {"x": "schlüssel"}]
)
def test_an_extra_header_cannot_smuggle_another(header: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        Endpoint("anthropic", extra_headers=header)


def test_foreign_header_values_are_secrets_and_beta_names_are_not() -> None:
    endpoint = Endpoint("anthropic", api_key="k", extra_headers={"x-gateway-key": "g", "Anthropic-Beta": "b"})
    assert endpoint.secrets == ("k", "g")


def test_a_key_is_a_secret_without_its_scheme_too() -> None:
    """As an upstream repeats it that says: the key KEY is wrong."""
    key = "sk-gateway-0123456789"
    endpoint = Endpoint("litellm", extra_headers={"X-Authorization": f"Bearer  {key}"})
    error = error_from_event({"error": {"message": f"The Bearer key {key} is wrong"}}, endpoint.secrets)
    assert error.detail == "The Bearer key [key] is wrong"


def test_the_key_is_not_in_the_repr() -> None:
    assert "sk-secret" not in repr(
        Endpoint("anthropic", api_key=" sk-secret ", extra_headers={"x": "sk-secret"})
    )
    assert Endpoint("anthropic", api_key=" sk-secret ").api_key == "sk-secret"


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name != "demo"])
def test_exactly_one_credential_goes_out(dialect: str) -> None:
    extra = {"Authorization": "Bearer other", "X-Api-Key": "other", "anthropic-beta": "b"}
    headers = Endpoint(dialect, api_key="k", extra_headers=extra).headers()
    assert ("x-api-key" in headers) is (dialect in {"anthropic", "rockapi"})
    assert ("authorization" in headers) is (dialect not in {"anthropic", "rockapi"})
    assert "k" in (headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer "))
    assert headers["anthropic-beta"] == "b"
    assert headers["accept-encoding"] == "identity"


def test_the_version_goes_where_it_is_wanted() -> None:
    assert Endpoint("anthropic").headers()["anthropic-version"] == "2023-06-01"
    assert Endpoint("anthropic", version="2026-10-21").headers()["anthropic-version"] == "2026-10-21"
    assert "anthropic-version" not in Endpoint("aimlapi").headers()
    assert "anthropic-version" not in Endpoint("openai_chat").headers()


def test_without_a_key_there_is_no_credential() -> None:
    assert not {"x-api-key", "authorization"} & set(Endpoint("ollama").headers())


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://api.anthropic.com", "anthropic"),
        ("https://api.anthropic.com/v1/chat/completions", "openai_chat"),
        ("https://api.rockapi.ru/anthropic", "rockapi"),
        ("https://notrockapi.ru", "anthropic"),
        ("https://api.aimlapi.com", "aimlapi"),
        ("https://api.aimlapi.com/v1/chat/completions", "openai_chat"),
        ("https://api.openai.com/v1", "openai_chat"),
        ("http://localhost:11434", "ollama"),
        ("https://ollama.com", "ollama"),
        ("http://127.0.0.1:9", "anthropic"),
        ("", "anthropic"),
        ("http://[", "anthropic"),
    ],
)
def test_the_dialect_is_guessed_from_the_address(base_url: str, expected: str) -> None:
    assert guess_dialect(base_url) == expected
