"""What an ID token says, believed only when it is signed by its issuer, for this site and this very sign-in. Used by
`oidc`.
"""

from __future__ import annotations

from typing import Any

import jwt
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.utils.crypto import constant_time_compare

# Signed with a private key: the secret that we share with the issuer proves nothing about who wrote.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
CLOCK_SECONDS = 60


class Untrusted(OAuth2Error):  # type: ignore[misc]
    """The provider's answer proves nothing; the sentence says why and holds nothing foreign."""


def claims_of(token: str, keys: dict[str, Any], *, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """The claims. Raises Untrusted."""
    try:
        key = _signing_key(jwt.get_unverified_header(token), keys)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            issuer=issuer,
            audience=client_id,
            leeway=CLOCK_SECONDS,
            options={"require": ["iss", "aud", "exp", "iat", "sub"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Untrusted(f"the ID token is not valid ({type(error).__name__})") from None
    if not isinstance(claims["sub"], str) or not claims["sub"] or not claims["sub"].isprintable():
        raise Untrusted("the ID token names nobody")
    # Of a token for several audiences this says whom it was given to.
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise Untrusted("the ID token was given to another site")
    # `ascii`: half of a surrogate pair is no text that could be compared.
    if not nonce or not constant_time_compare(ascii(claims.get("nonce")), ascii(nonce)):
        raise Untrusted("the ID token belongs to another sign-in")
    return claims


def _signing_key(header: dict[str, Any], keys: dict[str, Any]) -> jwt.PyJWK:
    """The issuer's key that the token names; its only one where it names none."""
    usable = [key for key in jwt.PyJWKSet.from_dict(keys).keys if key.public_key_use in (None, "sig")]
    named = [key for key in usable if key.key_id == header["kid"]] if "kid" in header else usable
    if len(named) != 1:
        raise Untrusted("the ID token is signed with an unknown key")
    return named[0]
