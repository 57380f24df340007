"""How allauth behaves here: nobody signs up by themselves, and a failed sign-in tells nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email
from allauth.core import context
from allauth.core.internal import ratelimit
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from conversations.access import NotFound
from conversations.actions import audit_signals, people
from conversations.models import User, Workspace
from conversations.models.user import LONGEST_NAME

from . import errors

logger = logging.getLogger("chatsite.mail")
BACKEND = "django.contrib.auth.backends.ModelBackend"


class TooManyFailures(Exception):
    """This address has given too many wrong passwords, codes and keys."""


def count_for_address(request: HttpRequest) -> ratelimit.RateLimitUsage:
    """Counts a failure of the caller's address, together with wrong passwords; `rollback` takes it back after a
    success. Raises TooManyFailures.
    """
    rate = f"{settings.LOGIN_FAILURES_PER_ADDRESS}/{settings.LOGIN_FAILURE_SECONDS}s/ip"
    limit = {"app": "allauth.account", "action": "login_failed", "config": {"login_failed": rate}}
    usage = ratelimit.consume(request, limit_get=True, **limit)
    if usage is None:
        raise TooManyFailures
    return usage


def limited_beginnings(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For views that write a session for whoever asks: so many a minute from one address."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rate = {"begin": f"{settings.SIGN_INS_BEGUN_PER_MINUTE}/m/ip"}
        if ratelimit.consume(request, app="chatsite", action="begin", config=rate, limit_get=True) is None:
            refusal: HttpResponse = ratelimit.respond_429(request)
            return refusal
        return view(request, *args, **kwargs)

    return wrapped


def sign_up_closed(view: View) -> HttpResponse:
    """What everybody gets who wants an account; allauth's own answer to it is a 200."""
    if errors.wants_json(view.request):
        return errors.json_error(403, "sign_up_closed", "Accounts come from your administrator.")
    return render(view.request, "account/signup_closed.html", status=403)


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    """`USERSESSIONS_ADAPTER`."""

    def end_sessions(self, sessions: Any) -> None:
        """Signs the person out of all other browsers: also out of sessions that allauth has no device for, as those
        that Django's own API makes.
        """
        super().end_sessions(sessions)
        request = context.request
        people.end_other_sessions(request.user, request.session.session_key)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is closed; accounts come from an administrator or a link."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "The name or the password is not correct.",
        "email_password_mismatch": "The address or the password is not correct.",
        "enter_current_password": "This is not your current password.",
        "incorrect_password": "This is not your password.",
        "duplicate_email": "This address is one of yours already.",
        "too_many_login_attempts": "Too many failed sign-ins. Try again later.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str) -> bool:
        """Whether `next` may lead there: to this site as it was called, by no other port and no other name of it."""
        host = context.request.get_host()
        return url_has_allowed_host_and_scheme(url, {host}, require_https=context.request.is_secure())

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The active person with this name or address and password.

        Exactly one password is hashed, whoever is asked for: allauth's own way takes two or three for some and one
        for others, which tells them apart. Failures count for the person, not for the spelling. Raises the
        form's error after too many of them (promises, section 4).
        """
        login = str(credentials.get("email") or credentials.get("username") or "")
        password = str(credentials.get("password") or "")
        user = _person(login)
        key = f"person:{user.pk}" if user else f"login:{User.normalize_username(login).lower()}"
        usage = ratelimit.consume(request, app="allauth.account", action="login_failed", key=key)
        if usage is None:
            raise self.validation_error("too_many_login_attempts")
        if user is None:
            User().set_password(password)
        if user is None or not user.check_password(password) or not user.is_active:
            audit_signals.sign_in_failed(user)
            return None
        usage.rollback()
        user.backend = BACKEND
        return user

    def set_password(self, user: User, password: str) -> None:
        """The password alone: allauth's own way stores the whole account as it was read, and with it the rights that
        somebody has taken away while the password was hashed. Raises NotFound when it was removed meanwhile.
        """
        user.set_password(password)
        if not User.objects.filter(pk=user.pk).update(password=user.password):
            raise NotFound

    def is_ajax(self, request: HttpRequest) -> bool:
        return errors.wants_json(request) or bool(super().is_ajax(request))

    def ajax_response(
        self,
        request: HttpRequest,
        response: HttpResponse,
        redirect_to: str | None = None,
        form: BaseForm | None = None,
        data: Any = None,
    ) -> HttpResponse:
        """What a program gets: where to go on, or the refusal in the site's own shape; a page stays a page. allauth's
        answer would hold all that was typed, the password included.
        """
        if redirect_to:
            return JsonResponse({"location": redirect_to})
        if form is None or form.is_valid() or not form.errors:
            return response
        name, sentences = next(iter(form.errors.items()))
        if form.has_error(NON_FIELD_ERRORS, "too_many_login_attempts"):
            return errors.json_error(429, "too_many_failures", str(sentences[0]))
        label = "" if name == NON_FIELD_ERRORS else f"{form[name].label}: "
        return errors.json_error(400, "invalid_request", label + str(sentences[0]))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        # Without a mail server nothing may pretend to have been sent, and nothing may fail. One that does not answer
        # undoes nothing either, and tells nobody whose addresses are known here.
        if settings.MAIL_WORKS:
            try:
                super().send_mail(
                    template_prefix, email, {**context, "workspace": Workspace.objects.current()}
                )
            # ValueError: an address that is valid as it is typed need not be one that a mail can name.
            except (OSError, ValueError) as error:
                logger.error("A mail could not be sent: %s", type(error).__name__)


def _person(login: str) -> User | None:
    """Whose user name this is (as written, else whatever the case), else whose e-mail address."""
    if len(login) > LONGEST_NAME:
        return None
    name = User.normalize_username(login)
    # All names are gone through whether there is such a one or not: the time tells nothing.
    people = User.objects.filter(username__iexact=name) if name.isascii() else User.alike(name)
    named = sorted(people, key=lambda user: user.username != name)
    if named:
        return named[0]
    found: list[User] = filter_users_by_email(login, prefer_verified=True, for_login=True)
    return found[0] if found else None
