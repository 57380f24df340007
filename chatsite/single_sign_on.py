"""Signing in through the organisation's OpenID Connect provider, where the environment names one. What speaks to it
is in `oidc` and is loaded with the first sign-in.
"""

from __future__ import annotations

import logging
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.adapter import get_adapter as get_social_adapter
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from conversations.actions import identities
from conversations.actions.errors import Invalid

from .accounts import TooManyFailures, limited_beginnings

logger = logging.getLogger("chatsite.single_sign_on")
FAILED = "Single sign-on did not work. Try again, or sign in another way."
CANCELLED = "You came back without signing in."


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """`SOCIALACCOUNT_ADAPTER`: the one provider of the environment. Rows of the database make none."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        if not settings.OIDC_ISSUER:
            return []
        # Who somebody is holds for this issuer alone: another one may use the same subjects for others.
        return [
            SocialApp(
                provider="openid_connect",
                provider_id=settings.OIDC_ISSUER,
                name=settings.OIDC_NAME,
                client_id=settings.OIDC_CLIENT_ID,
                secret=settings.OIDC_CLIENT_SECRET,
                settings={"server_url": settings.OIDC_ISSUER, "oauth_pkce_enabled": True},
            )
        ]

    def get_provider(self, request: HttpRequest, provider: str, client_id: Any = None) -> Any:
        from .oidc import OIDCProvider

        return OIDCProvider(request, app=self.get_app(request, provider))

    def get_requests_session(self) -> Any:
        """Follows no redirect and no proxy of the environment: it goes where the provider's own description says."""
        session = super().get_requests_session()
        session.trust_env = False
        session.max_redirects = 0
        return session

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def authenticate_by_email(self, sociallogin: Any) -> None:
        """`pre_social_login` does it, more carefully."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Finds whose account this is. Refuses everybody who has none, in plain words."""
        try:
            user = identities.person_of(sociallogin.identity)
        except Invalid as refused:
            raise ImmediateHttpResponse(not_signed_in(request, refused.message, 403)) from None
        sociallogin.user = user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, **_: Any
    ) -> None:
        # What a foreign server answered is not repeated: it may hold a token.
        from .id_token import Untrusted

        logger.warning("Single sign-on failed: %s.", exception if isinstance(exception, Untrusted) else error)
        sentence = CANCELLED if error == "cancelled" else FAILED
        raise ImmediateHttpResponse(not_signed_in(request, sentence, 401))


def not_signed_in(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    return render(request, "account/not_signed_in.html", {"sentence": sentence}, status=status)


@login_not_required
@require_POST
@limited_beginnings
def begin(request: HttpRequest) -> HttpResponse:
    """POST /accounts/oidc/: on the way to the provider."""
    provider = _provider(request)
    # Loaded with the provider.
    from .oidc import begun

    answer = begun(request, provider)
    if isinstance(answer, HttpResponseRedirect):
        # A page in between: our policy lets no form end at another site.
        return render(request, "account/leaving.html", {"url": answer.url})
    return answer


@login_not_required
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """GET /accounts/oidc/callback/: back from it. Failures count for the address."""
    provider = _provider(request)
    from .oidc import returned

    try:
        return returned(request, provider)
    except TooManyFailures:
        limited: HttpResponse = ratelimit.respond_429(request)
        return limited


def _provider(request: HttpRequest) -> Any:
    try:
        return get_social_adapter().get_provider(request, settings.OIDC_ISSUER)
    except SocialApp.DoesNotExist:
        raise Http404 from None
