"""An OpenID Connect provider on a port of its own: describes itself, redirects, gives tokens. It lies on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


class OIDCProvider:
    """A context manager. `claims` go into the ID token, `userinfo` is what it says when asked; both change at will.

    `lies` are functions by what they change: `config`, `header`, `claims`, `tokens`, `keys`, `callback`.
    """

    client_id, secret = "chatsite", "the-client-secret-0123456789"

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.reset()

    def reset(self) -> None:
        self.claims: dict[str, Any] = {"sub": "s-1", "email": "ann@example.com", "email_verified": True}
        self.userinfo: dict[str, Any] = {}
        self.lies: dict[str, Any] = {}
        self.signing_key: Any = self.key
        self.algorithm = "RS256"
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._codes: dict[str, dict[str, str]] = {}

    def __enter__(self) -> OIDCProvider:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                provider.asked.append((parts.path, _flat(parts.query)))
                self._answer(*provider.get(parts.path, _flat(parts.query), self.headers))

            def do_POST(self) -> None:
                form = _flat(self.rfile.read(int(self.headers["Content-Length"])).decode())
                provider.asked.append((self.path, form))
                self._answer(*provider.token(form))

            def _answer(self, status: int, body: Any, location: str = "") -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def get(self, path: str, query: dict[str, str], headers: Any) -> tuple[Any, ...]:
        if path == "/.well-known/openid-configuration":
            config = {
                "issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", "token_endpoint": f"{self.issuer}/token",
                "authorization_endpoint": f"{self.issuer}/authorize", "userinfo_endpoint": f"{self.issuer}/userinfo",
            }  # fmt: skip
            return 200, self._told("config", config)
        if path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return 200, self._told("keys", {"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]})
        if path == "/authorize":
            code = f"code-{len(self._codes)}"
            self._codes[code] = query
            back = self._told("callback", {"code": code, "state": query["state"]})
            return 302, {}, f"{query['redirect_uri']}?{urlencode(back)}"
        if path == "/userinfo":
            assert headers["Authorization"] == "Bearer an-access-token"
            return 200, self.userinfo
        return 404, {}

    def token(self, form: dict[str, str]) -> tuple[Any, ...]:
        asked = self._codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.secret)
            or form["redirect_uri"] != asked["redirect_uri"]
            or base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != asked.get("code_challenge")
            or asked.get("code_challenge_method") != "S256"
        ):
            return 400, {"error": "invalid_grant", "echo": form}
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
        }
        claims = self._told("claims", {**usual, **self.claims})
        header = self._told("header", {"kid": "k1"})
        token = jwt.encode(claims, self.signing_key, self.algorithm, headers=header)
        tokens = {"access_token": "an-access-token", "refresh_token": "a-refresh-token", "id_token": token}
        return 200, self._told("tokens", {**tokens, "token_type": "Bearer", "expires_in": 60})

    def _told(self, what: str, truth: dict[str, Any]) -> Any:
        return self.lies[what](truth) if what in self.lies else truth


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
