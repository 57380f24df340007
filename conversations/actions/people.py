"""Accounts: the first administrator, and what administrators do to others'. Called by `start`, the views and the
sweeper.
"""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.auth.tokens import default_token_generator
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from ..live import news
from ..models import Invitation, User
from ..models.invitation import hash_token
from ..models.user import ADMINISTERS
from . import administrators, answers, audit
from .errors import Invalid
from .transaction import hold, writing


def has_administrator() -> bool:
    return User.objects.filter(ADMINISTERS).exists()


def new_setup_token() -> str:
    """A fresh token for the set-up link; links made before no longer work."""
    token = Invitation.new_token()
    now = timezone.now()
    with writing():
        Invitation.objects.filter(first_administrator=True, used_at=None, revoked_at=None).update(
            revoked_at=now
        )
        Invitation.objects.create(
            token_hash=hash_token(token),
            role=Invitation.Role.ADMINISTRATOR,
            first_administrator=True,
            expires_at=now + timedelta(seconds=settings.SETUP_LINK_SECONDS),
        )
    return token


def setup_link_open(token: str) -> bool:
    """Whether the token still makes the first administrator."""
    return (
        Invitation.objects.open(token).filter(first_administrator=True).exists() and not has_administrator()
    )


def create_first_administrator(token: str, username: str, email: str, password: str) -> User:
    """Uses up the token. Raises Invalid when it was used or is old, or there is an administrator."""
    with writing():
        invitation = (
            Invitation.objects.select_for_update().open(token).filter(first_administrator=True).first()
        )
        if invitation is None or has_administrator():
            raise Invalid("This link has been used or has expired. Restart the server to get a new one.")
        user = create_administrator(username, email, password)
        invitation.used_at = timezone.now()
        invitation.used_by = user
        invitation.save(update_fields=["used_at", "used_by"])
    return user


def create_administrator(username: str, email: str, password: str) -> User:
    """A person with every right; the e-mail address counts as verified, the password is taken as given."""
    with writing():
        user = User.objects.create_superuser(username, email, password)
        if email:
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        audit.record(user, "administrator_created", user)
    return user


def choose_preferences(person: User, chosen: dict[str, Any]) -> None:
    """What people may say about themselves, by its columns."""
    with writing():
        User.objects.filter(pk=person.pk).update(**chosen)


def deactivate(actor: User, person: User) -> None:
    """Their sockets, streams, sessions and running answers end within seconds, their open invitations at once. Raises
    Invalid, NotFound.
    """
    with writing():
        administrators.keep_one(without=person)
        hold(person)
        changed = User.objects.filter(pk=person.pk, is_active=True).update(is_active=False)
        answers.request_stops_of(person)
        withdraw_rights(person)
        if changed:
            audit.record(actor, "person_deactivated", person)


def reactivate(actor: User, person: User) -> None:
    """Raises Invalid for an account that is being removed."""
    with writing():
        stays = User.objects.filter(pk=person.pk, removed_at=None)
        if stays.filter(is_active=False).update(is_active=True):
            audit.record(actor, "person_reactivated", person)
        elif not stays.exists():
            raise Invalid("This account is being removed.")


def make_administrator(actor: User, person: User) -> None:
    """Raises NotFound."""
    with writing():
        hold(person)
        rights = {"is_staff": True, "is_superuser": True}
        if User.objects.filter(pk=person.pk).exclude(**rights).update(**rights):
            audit.record(actor, "administrator_made", person)
            transaction.on_commit(news.recheck_rights)


def make_member(actor: User, person: User) -> None:
    """An administrator becomes a member and signs in anew; a member stays signed in. Raises Invalid for the last one,
    NotFound.
    """
    with writing():
        administrators.keep_one(without=person)
        hold(person)
        rights = {"is_staff": False, "is_superuser": False}
        if User.objects.filter(pk=person.pk).exclude(**rights).update(**rights):
            withdraw_rights(person)
            audit.record(actor, "administrator_unmade", person)


def withdraw_rights(person: User) -> None:
    """What goes with the right to administer, or to be here at all: sessions, open invitations, what open pages may
    still do. Call inside the write transaction that takes the right away and holds the row.
    """
    end_sessions(person)
    _revoke_invitations_of(person)
    transaction.on_commit(news.recheck_rights)


def put_into_groups(actor: User, person: User, groups: list[Group]) -> None:
    """Exactly these groups. Rights by groups that are left end within seconds. Raises NotFound."""
    with writing():
        hold(person)
        person.groups.set(groups)
        audit.record(actor, "groups_of_person", person, groups=[group.pk for group in groups])
        transaction.on_commit(news.recheck_rights)


def sign_out_everywhere(actor: User, person: User) -> None:
    """Raises NotFound."""
    with writing():
        hold(person)
        end_sessions(person)
        audit.record(actor, "person_signed_out", person)
        transaction.on_commit(news.recheck_rights)


def end_other_sessions(person: User, kept: str | None) -> None:
    """By the person's own wish: everywhere but in the session with this key. Raises NotFound."""
    with writing():
        hold(person)
        end_sessions(person, kept)
        audit.record(person, "other_sessions_ended", person)
        transaction.on_commit(news.recheck_rights)


def has_second_step(person: User) -> bool:
    return bool(Authenticator.objects.filter(user=person).exists())


def remove_second_step(actor: User, person: User) -> None:
    """For somebody who has lost app and codes: the password alone signs in. Raises Invalid when there is none."""
    with writing():
        removed, _ = Authenticator.objects.filter(user=person).delete()
        if not removed:
            raise Invalid("This account has no second step.")
        audit.record(actor, "second_factor_removed", person)


def end_sessions(person: User, kept: str | None = None) -> None:
    """Every browser of this person is signed out, but for the session with the key `kept`; sessions do not say whose
    they are, so each is opened.
    """
    store = import_module(settings.SESSION_ENGINE).SessionStore
    others = Session.objects.filter(expire_date__gt=timezone.now()).exclude(pk=kept)
    for session in others.iterator():
        if session.get_decoded().get(SESSION_KEY) == str(person.pk):
            store(session.session_key).delete()


def clear_expired_sessions() -> None:
    """They are worth nothing any more. For `start` and the sweeper."""
    with writing():
        import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
        # Where and with what somebody was signed in is kept as long as they are: allauth forgets it only when they look
        # at the list.
        UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()


def password_link(actor: User, person: User) -> tuple[str, str]:
    """The two parts of a link by which this person chooses a new password, once. Raises Invalid."""
    if not person.is_active:
        raise Invalid("This account is deactivated. Reactivate it first.")
    with writing():
        audit.record(actor, "password_link_made", person)
    return urlsafe_base64_encode(force_bytes(person.pk)), default_token_generator.make_token(person)


def person_of_link(uid: str, token: str) -> User | None:
    """Whose password this link changes; None when it is wrong, used or too old."""
    try:
        id = int(urlsafe_base64_decode(uid).decode())
        person = User.objects.select_for_update().filter(pk=id, is_active=True).first()
    except (ValueError, OverflowError):
        return None
    return person if person is not None and default_token_generator.check_token(person, token) else None


def choose_password(uid: str, token: str, password: str) -> User:
    """Uses up the link. Raises Invalid when it does not work any more."""
    with writing():
        person = person_of_link(uid, token)
        if person is None:
            raise Invalid("This link no longer works.")
        person.set_password(password)
        person.save(update_fields=["password"])
        end_sessions(person)
        audit.record(person, "password_chosen", person)
        transaction.on_commit(news.recheck_rights)
    return person


def _revoke_invitations_of(person: User) -> None:
    """Open invitations that this person made are void."""
    Invitation.objects.filter(created_by=person, used_at=None, revoked_at=None).update(
        revoked_at=timezone.now()
    )
