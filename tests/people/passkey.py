"""A passkey in software: answers what the site asks as a browser and its authenticator would."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

FLAG = AuthenticatorData.FLAG


class Passkey:
    """One key for one site. What it says about where it was used may be a lie: `origin`, `host`, `verified`."""

    def __init__(self, origin: str = "http://localhost:8000", host: str = "localhost") -> None:
        self.origin = origin
        self.host = host
        self.verified = True
        self._id = secrets.token_bytes(16)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._handle = b""

    def made(self, options: dict[str, Any]) -> str:
        """The browser's answer to `navigator.credentials.create`."""
        asked = options["publicKey"]
        self._handle = websafe_decode(asked["user"]["id"])
        client = self._client_data("webauthn.create", asked["challenge"])
        key = ES256.from_cryptography_key(self._key.public_key())
        known = AttestedCredentialData.create(bytes(16), self._id, key)
        data = AuthenticatorData.create(self._hash(), self._flags() | FLAG.AT, 0, bytes(known))
        response = {"attestationObject": websafe_encode(AttestationObject.create("none", data, {}))}
        return self._answer(client, response, {"credProps": {"rk": True}})

    def used(self, options: dict[str, Any]) -> str:
        """The browser's answer to `navigator.credentials.get`."""
        client = self._client_data("webauthn.get", options["publicKey"]["challenge"])
        data = AuthenticatorData.create(self._hash(), self._flags(), 1)
        signed = self._key.sign(bytes(data) + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signed),
            "userHandle": websafe_encode(self._handle),
        }
        return self._answer(client, response, {})

    def _hash(self) -> bytes:
        return hashlib.sha256(self.host.encode()).digest()

    def _flags(self) -> int:
        return FLAG.UP | FLAG.UV if self.verified else FLAG.UP

    def _client_data(self, type: str, challenge: str) -> bytes:
        return json.dumps({"type": type, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, client: bytes, response: dict[str, str], extensions: dict[str, Any]) -> str:
        id = websafe_encode(self._id)
        return json.dumps(
            {
                "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": extensions,
                "response": {"clientDataJSON": websafe_encode(client), **response},
            }
        )  # fmt: skip
