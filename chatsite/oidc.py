"""OpenID Connect as allauth has it, and stricter: signature and nonce are always checked, only a verified address
counts, and nothing that the provider says is kept. Used by `single_sign_on`.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from allauth.core.internal.ratelimit import RateLimitUsage
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialToken
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from requests import RequestException

from conversations.actions.identities import Identity

from . import address
from .accounts import count_for_address
from .id_token import Untrusted, claims_of

SUBJECT_CHARACTERS = 191
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
DESCRIPTION_SECONDS = 600
# Anybody may ask for a sign-in: a provider that does not answer is not asked each time.
SILENT_SECONDS = 10


class _Client(OAuth2Client):  # type: ignore[misc]
    def get_redirect_url(self, authorization_url: str, scope: Any, extra_params: Any) -> str:
        """The provider's address may have a query of its own, which stays (RFC 6749, 3.1)."""
        base, _, own = authorization_url.partition("?")
        url: str = super().get_redirect_url(base, scope, extra_params)
        return f"{url}&{own}" if own else url


class OIDCAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """One sign-in: `nonce` is what it was begun with, `usage` the try that is taken back when it succeeds."""

    client_class = _Client
    nonce = ""
    usage: RateLimitUsage | None = None

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says about itself. Raises OAuth2Error."""
        key = f"oidc-description:{settings.OIDC_ISSUER}"
        found: dict[str, Any] | None = cache.get(key)
        if found is None:
            found = self._described()
            cache.set(key, found, DESCRIPTION_SECONDS if found else SILENT_SECONDS)
        if not found:
            raise Untrusted("the provider does not describe itself as it should")
        return found

    def _described(self) -> dict[str, Any]:
        """Empty when it does not answer, is another issuer, or would send secrets over an open line."""
        try:
            found = self._get(self.get_provider().server_url)
        except OAuth2Error:
            return {}
        if str(found.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
            return {}
        scheme = settings.OIDC_ISSUER.partition(":")[0]
        addresses = [found.get(name) for name in (*ENDPOINTS, *({"userinfo_endpoint"} & found.keys()))]
        if not all(_is_address(one, (f"{scheme}://", "https://")) for one in addresses):
            return {}
        methods = found.get("token_endpoint_auth_methods_supported", [])
        return found if isinstance(methods, list) else {}

    def _get(self, url: str, **headers: str) -> dict[str, Any]:
        try:
            with get_adapter().get_requests_session() as session:
                response = session.get(url, headers=headers)
                response.raise_for_status()
                found = response.json()
        except (RequestException, ValueError):
            raise Untrusted("the provider did not answer as it should") from None
        if not isinstance(found, dict):
            raise Untrusted("the provider answered something else")
        return found

    def get_access_token_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            found = super().get_access_token_data(*args, **kwargs)
        except (LookupError, TypeError, ValueError, AttributeError, RequestException, OAuth2Error):
            raise Untrusted("the provider did not accept the code") from None
        if not isinstance(found, dict) or not isinstance(found.get("id_token"), str):
            raise Untrusted("the provider sent no ID token")
        return found

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        return SocialToken(token=str(data["access_token"]))

    def complete_login(self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any) -> Any:
        """The checked identity. Raises OAuth2Error."""
        config = self.openid_config
        claims = claims_of(
            kwargs["response"]["id_token"],
            self._get(config["jwks_uri"]),
            issuer=config["issuer"],
            client_id=app.client_id,
            nonce=self.nonce,
        )
        if "email" not in claims and "userinfo_endpoint" in config:
            said = self._get(config["userinfo_endpoint"], Authorization=f"Bearer {token.token}")
            if said.get("sub") != claims["sub"]:
                raise Untrusted("the user info is about somebody else")
            claims = {**said, **claims}
        if len(claims["sub"]) > SUBJECT_CHARACTERS:
            raise Untrusted("the subject is too long")
        return self.get_provider().sociallogin_from_response(request, claims)

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        path = reverse("oidc-callback")
        if settings.PUBLIC_URL:
            return address.origin_of(settings.PUBLIC_URL) + path
        return str(request.build_absolute_uri(path))


class OIDCProvider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = OIDCAdapter

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """The request says where to go afterwards, and nothing else."""
        kwargs = super().get_redirect_from_request_kwargs(request)
        nonce = secrets.token_urlsafe(32)
        return {
            **{name: kwargs[name] for name in ("next_url",) if name in kwargs},
            "process": AuthProcess.LOGIN,
            "data": {"nonce": nonce},
            "auth_params": {"nonce": nonce},
        }

    def sociallogin_from_response(self, request: HttpRequest, response: dict[str, Any]) -> Any:
        login = super().sociallogin_from_response(request, response)
        # The words "true" and "false" are both true for Python: only the value counts.
        verified = response.get("email_verified") is True
        login.identity = Identity(
            issuer=self.app.provider_id,
            subject=response["sub"],
            email=_address(response.get("email")) if verified else "",
            username=str(response.get("preferred_username") or ""),
            name=str(response.get("name") or ""),
        )
        return login

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        return []

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {}


def _is_address(said: Any, beginnings: tuple[str, ...]) -> bool:
    try:
        return isinstance(said, str) and said.startswith(beginnings) and bool(urlsplit(said).hostname)
    except ValueError:
        return False


def _address(said: Any) -> str:
    """As it was said: allauth's reading of it in lower case would turn foreign letters into those of another."""
    try:
        if not isinstance(said, str) or not said.isprintable():
            return ""
        validate_email(said)
    except ValidationError:
        return ""
    return said


class _Callback(OAuth2CallbackView):  # type: ignore[misc]
    def _get_state(self, request: HttpRequest, provider: OIDCProvider) -> tuple[Any, Any]:
        state, refusal = super()._get_state(request, provider)
        # Without a state nothing is looked at, and any page of the web can send somebody here like that.
        if state:
            self.adapter.nonce = state["data"]["nonce"]
            self.adapter.usage = count_for_address(request)
        return state, refusal


def returned(request: HttpRequest, provider: OIDCProvider) -> HttpResponse:
    """The answer to somebody who comes back from the provider. Raises TooManyFailures of this address."""
    adapter = OIDCAdapter(request, provider.app.provider_id)
    answer: HttpResponse
    try:
        answer = _Callback.adapter_view(adapter)(request)
    except Untrusted as error:
        answer = render_authentication_error(request, provider, exception=error)
    if adapter.usage is not None and answer.status_code < 400:
        adapter.usage.rollback()
    return answer


def begun(request: HttpRequest, provider: OIDCProvider) -> HttpResponse:
    """The redirect to the provider, or why there is none."""
    answer: HttpResponse
    try:
        answer = provider.redirect_from_request(request)
    except Untrusted as error:
        answer = render_authentication_error(request, provider, exception=error)
    return answer
