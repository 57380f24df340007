"""Invitations: one link makes one account. Called by the views of people and by the accepting page."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import count

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from ..models import Invitation, User, Workspace
from ..models.invitation import hash_token
from ..models.user import folded
from . import audit
from .errors import Invalid
from .transaction import writing


def invite(actor: User, role: str, groups: list[Group], email: str, days: int) -> tuple[Invitation, str]:
    """The invitation and its token, which is nowhere else. With an address, only an account of that address comes of
    it. Raises Invalid.
    """
    if role not in Invitation.Role.values:
        raise Invalid("Invite people as a member or as an administrator.")
    if not 1 <= days <= settings.INVITATION_MAX_DAYS:
        raise Invalid(f"An invitation lasts between 1 and {settings.INVITATION_MAX_DAYS} days.")
    email = User.objects.normalize_email(email)
    # Whoever proves an address takes it from those who only claim it; elsewhere a claim is all that there is.
    taken = address_is_taken if settings.MAIL_WORKS or settings.OIDC_ISSUER else address_is_claimed
    if email and taken(email):
        raise Invalid("There is already an account with this address.")
    token = Invitation.new_token()
    with writing():
        invitation = Invitation.objects.create(
            token_hash=hash_token(token),
            role=role,
            email=email,
            created_by=actor,
            expires_at=timezone.now() + timedelta(days=days),
        )
        invitation.groups.set(groups)
        audit.record(actor, "person_invited", invitation, role=role, groups=[group.pk for group in groups])
    return invitation, token


def send(invitation: Invitation, url: str) -> None:
    """The link by mail. Raises Invalid when the mail server does not take it, or no mail can name the address."""
    name = Workspace.objects.current().name
    inviter = invitation.created_by.name if invitation.created_by else name
    text = (
        f"{inviter} has invited you to {name}.\n\nCreate your account here:\n{url}\n\n"
        f"The link works once, until {invitation.expires_at:%-d %B %Y}.\n"
    )
    try:
        send_mail(f"Invitation to {' '.join(name.split())}", text, None, [invitation.email])
    except OSError:
        raise Invalid("The mail server did not accept the message.") from None
    except ValueError:
        raise Invalid("No mail can be sent to this address.") from None


def revoke(actor: User, invitation: Invitation) -> None:
    """Its link no longer works. Raises Invalid where somebody has used it before: nothing is taken back by that."""
    with writing():
        row = Invitation.objects.filter(pk=invitation.pk)
        if row.filter(used_at=None, revoked_at=None).update(revoked_at=timezone.now()):
            audit.record(actor, "invitation_revoked", invitation)
        elif row.exclude(used_at=None).exists():
            raise Invalid("Somebody has used this invitation already; you find the account among the people.")


def opened_by(token: str) -> Invitation | None:
    """The invitation that this token opens now."""
    return Invitation.objects.open(token).filter(first_administrator=False).first()


def accept(token: str, username: str, email: str, password: str) -> User:
    """A new account; of N simultaneous uses of one link exactly one makes it. Raises Invalid."""
    with writing():
        rows = Invitation.objects.select_for_update().open(token).filter(first_administrator=False)
        invitation = rows.first()
        if invitation is None:
            raise Invalid("This invitation no longer works. Ask for a new one.")
        address = invitation.email or email
        is_proven = bool(invitation.email) and settings.MAIL_WORKS
        if address and (address_is_taken(address) if is_proven else address_is_claimed(address)):
            raise Invalid("There is already an account with this address.")
        user = _account(username, address, password)
        if is_proven:
            _end_claims(address, user)
        # Whoever has the link that went to an address has read its mail. One that an administrator entered and that
        # nothing went to stays without a row, which is for what people choose.
        if address and (is_proven or not invitation.email):
            EmailAddress.objects.create(user=user, email=user.email, verified=is_proven, primary=True)
        _used(invitation, user)
    return user


def open_for(email: str) -> QuerySet[Invitation]:
    """Invitations to this address that still work, the newest first."""
    rows = Invitation.objects.filter(
        email=User.objects.normalize_email(email),
        used_at=None,
        revoked_at=None,
        expires_at__gt=timezone.now(),
    )
    return rows.filter(first_administrator=False).select_for_update().order_by("-created_at")


def enter(invitation: Invitation, username: str, name: str) -> User:
    """A new account without a password, for somebody whose address is proven. Call inside the write transaction."""
    user = _account(_free(username), invitation.email, None)
    user.display_name = audit.line(name, 100)
    user.save(update_fields=["display_name"])
    _end_claims(invitation.email, user)
    EmailAddress.objects.create(user=user, email=invitation.email, verified=True, primary=True)
    _used(invitation, user)
    return user


def _used(invitation: Invitation, user: User) -> None:
    if invitation.role == Invitation.Role.ADMINISTRATOR:
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])
    user.groups.set(invitation.groups.all())
    invitation.used_at, invitation.used_by = timezone.now(), user
    invitation.save(update_fields=["used_at", "used_by"])
    audit.record(user, "invitation_accepted", invitation)


def _free(wanted: str) -> str:
    """A user name as near to this one as is allowed and free."""
    name = re.sub(r"[^\w.@+-]", "", User.normalize_username(wanted))[:140] or "person"
    taken = {folded(one) for one in User.objects.values_list("username", flat=True)}
    numbered = (f"{name}{number}" for number in count(2))
    return name if folded(name) not in taken else next(one for one in numbered if folded(one) not in taken)


def _account(username: str, email: str, password: str | None) -> User:
    taken = Invalid("This user name is taken.")
    if User.alike(username):
        raise taken
    try:
        with transaction.atomic():
            return User.objects.create_user(username, email, password)
    except IntegrityError:
        raise taken from None


def address_is_claimed(email: str) -> bool:
    """Whether anybody has it or says so: who signs in by it must be one person."""
    email = User.objects.normalize_email(email)
    return User.objects.filter(email=email).exists() or EmailAddress.objects.filter(email=email).exists()


def address_is_taken(email: str) -> bool:
    """Whether it is somebody's: verified here, or entered by an administrator. A mere claim keeps nobody out who proves
    that it is theirs.
    """
    email = User.objects.normalize_email(email)
    return EmailAddress.objects.filter(email=email, verified=True).exists() or entered_for(email).exists()


def entered_for(email: str) -> QuerySet[User]:
    """The people for whom an administrator has entered this address."""
    # What people enter for themselves has a row, and an unverified one proves nothing.
    return User.objects.filter(email=email).exclude(emailaddress__email=email)


def _end_claims(email: str, user: User) -> None:
    """The address is this person's; others claim it no longer. Signing in by it would find them, too."""
    for claim in EmailAddress.objects.filter(email=email, verified=False).exclude(user=user):
        claim.remove()
