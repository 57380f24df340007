"""Every address of the site; the chat's own are in `conversations.urls`."""

from __future__ import annotations

from allauth.account import views as account_views
from allauth.account.decorators import secure_admin_login
from allauth.mfa.base import forms as second_step
from allauth.mfa.webauthn import forms as passkey
from allauth.mfa.webauthn import views as passkey_views
from allauth.mfa.webauthn.internal import auth as passkey_auth
from django.contrib import admin
from django.http import multipartparser
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from conversations.views import account, health, setup

from . import metrics, mfa, single_sign_on
from .accounts import limited_beginnings, sign_up_closed
from .content_type import header_parameters


def _replace(module: object, name: str, ours: object) -> None:
    """Raises AttributeError where an upgrade has renamed it: a protection would be gone without a word."""
    getattr(module, name)
    setattr(module, name, ours)


# One way in: the admin's own form knows no limit of failures.
_replace(admin.site, "login", secure_admin_login(admin.site.login))
# allauth has settings for none of these.
_replace(account_views.SignupView, "closed", sign_up_closed)
_replace(passkey_views, "login_webauthn", limited_beginnings(passkey_views.login_webauthn))
_replace(passkey_auth, "get_server", mfa.passkey_server)
_replace(second_step, "check_rate_limit", mfa.limited)
_replace(passkey, "check_rate_limit", mfa.limited)
# The name of a file stands in the headers of its part, and may be as long as those of a request (promises U16).
_replace(multipartparser, "MAX_TOTAL_HEADER_SIZE", 16 * 1024)
_replace(multipartparser, "parse_header_parameters", header_parameters)

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    path("setup/<str:token>/", setup.first_administrator, name="setup"),
    path("account/", account.preferences, name="account"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/oidc/", single_sign_on.begin, name="oidc-begin"),
    path("accounts/oidc/callback/", single_sign_on.callback, name="oidc-callback"),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("admin/", admin.site.urls),
    path("", include("conversations.urls")),
]

handler400 = "chatsite.errors.bad_request"
handler403 = "chatsite.errors.permission_denied"
handler404 = "chatsite.errors.not_found"
handler500 = "chatsite.errors.server_error"
