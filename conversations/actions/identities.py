"""Whose account it is that the organisation's own sign-in vouches for: linked before, of a verified address, or
invited. Called by `chatsite.single_sign_on`.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount

from ..models import User
from . import audit, audit_signals, invitations
from .errors import Invalid
from .transaction import writing

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


@dataclass(frozen=True)
class Identity:
    """Somebody as the issuer knows them. `email` is one that the issuer has verified, else empty."""

    issuer: str
    subject: str
    email: str = ""
    username: str = ""
    name: str = ""


def person_of(identity: Identity) -> User:
    """The account, which is linked to this identity from now on. Raises Invalid, which is on the record."""
    with writing():
        links = SocialAccount.objects.filter(provider=identity.issuer)
        link = links.select_related("user").filter(uid=identity.subject).first()
        user = link.user if link else _known(identity) or _invited(identity)
        if user is not None and link is None:
            if links.filter(user=user).exists():
                # An address that was given to somebody new does not open the account of who had it before.
                user = None
            elif user.is_active:
                links.get_or_create(provider=identity.issuer, uid=identity.subject, defaults={"user": user})
                audit.record(user, "identity_linked", user, issuer=identity.issuer)
        if user is not None and user.is_active:
            return user
        audit_signals.sign_in_failed(user)
    raise Invalid("There is no account for you here. Ask your administrator for an invitation.")


def is_linked(person: User) -> bool:
    return bool(SocialAccount.objects.filter(user=person).exists())


def unlink(actor: User, person: User) -> None:
    """Whoever has their address then is taken for them at the next sign-in. Raises Invalid when nothing is linked."""
    with writing():
        removed, _ = SocialAccount.objects.filter(user=person).delete()
        if not removed:
            raise Invalid("This account is not linked to single sign-on.")
        audit.record(actor, "identity_unlinked", person)


def same_address(one: str, other: str) -> bool:
    """Upper and lower case are alike in ASCII alone: elsewhere different letters become the same one."""
    return one.translate(_LOWER) == other.translate(_LOWER)


def _known(identity: Identity) -> User | None:
    """The one person whose address this is: verified here, or entered by an administrator."""
    if not identity.email:
        return None
    email = User.objects.normalize_email(identity.email)
    rows = EmailAddress.objects.filter(email=email, verified=True).select_related("user")
    verified = {row.user for row in rows if same_address(row.email, identity.email)}
    entered = invitations.entered_for(email)
    found = verified or {user for user in entered if same_address(user.email, identity.email)}
    return found.pop() if len(found) == 1 else None


def _invited(identity: Identity) -> User | None:
    """A new account of an open invitation to this address."""
    if not identity.email or invitations.address_is_taken(identity.email):
        return None
    found = invitations.open_for(identity.email)
    invitation = next((row for row in found if same_address(row.email, identity.email)), None)
    if invitation is None:
        return None
    wanted = identity.username or identity.email.partition("@")[0]
    return invitations.enter(invitation, wanted, identity.name)
