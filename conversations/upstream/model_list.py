"""GET of a provider's list of models, in each of the shapes that servers give it (messages-api section 15)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from .dialects import DIALECTS
from .endpoint import Endpoint
from .error_bodies import error_from_response
from .errors import UpstreamError
from .json_values import UnreadableJSON, read_json
from .limits import Limits
from .listed import capabilities_in
from .sending import transport_failure
from .transport import DirectTransport

_MAX_BYTES = 4 * 1024 * 1024
_MAX_PAGES = 20
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that the provider offers; `aliases` are other ids that it answers to, `capabilities` what the list says
    that it can do.
    """

    id: str
    display_name: str = ""
    aliases: tuple[str, ...] = ()
    capabilities: dict[str, Any] = field(default_factory=dict)


async def list_models(endpoint: Endpoint, limits: Limits) -> list[Listed]:
    """All models that the key may use, in the provider's order, each once. Raises UpstreamError."""
    found: dict[str, Listed] = {}
    after = ""
    try:
        async with asyncio.timeout(limits.first_byte):
            for _ in range(_MAX_PAGES):
                value = await _page(endpoint, limits, after)
                for model in _models(value, endpoint.dialect):
                    found.setdefault(model.id, model)
                last = value.get("last_id")
                if not value.get("has_more") or not isinstance(last, str) or last == after:
                    break
                after = last
    except TimeoutError:
        raise UpstreamError("timeout") from None
    except UpstreamError as error:
        error.nothing_arrived()
        raise
    return list(found.values())


async def _page(endpoint: Endpoint, limits: Limits, after: str) -> dict[str, Any]:
    url = endpoint.base_url + ("/models" if endpoint.service.is_chat else "/v1/models")
    if endpoint.service.is_native:
        url += "?" + urlencode({"limit": _PAGE, **({"after_id": after} if after else {})})
    request = httpx.Request(
        "GET",
        url,
        headers=endpoint.headers(),
        extensions={"timeout": {"connect": limits.connect, "read": limits.first_byte}},
    )
    try:
        response = await DirectTransport().handle_async_request(request)
    except httpx.ReadTimeout:
        raise UpstreamError("timeout") from None
    except httpx.TransportError as error:
        raise transport_failure(error) from error
    stream = response.stream
    body = bytearray()
    try:
        async for piece in stream:  # type: ignore[union-attr]
            body += piece
            if len(body) > _MAX_BYTES:
                raise UpstreamError("protocol", detail="the list is too long")
    except httpx.TransportError as error:
        raise UpstreamError("connection_lost", detail=type(error).__name__) from error
    finally:
        await stream.aclose()  # type: ignore[union-attr]
    if response.status_code != 200:
        raise error_from_response(
            response.status_code,
            response.headers,
            bytes(body),
            dialect=endpoint.dialect,
            now=time.time(),
            secrets=endpoint.secrets,
            sent_bytes=0,
            retry_after_cap=limits.retry_after_cap,
        )
    try:
        value = read_json(bytes(body))
    except UnreadableJSON:
        raise UpstreamError("protocol", detail="the list is not JSON") from None
    if not isinstance(value, dict):
        raise UpstreamError("protocol", detail="the list is not an object")
    return value


def _models(value: dict[str, Any], dialect: str) -> list[Listed]:
    rows = value.get("data")
    found = []
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not 0 < len(row["id"]) <= 200:
            continue
        info = row["info"] if isinstance(row.get("info"), dict) else {}
        if (
            DIALECTS[dialect].lists_other_kinds
            and (info or row.get("type"))
            and not _is_ours(row, info, dialect)
        ):
            continue
        name = row.get("display_name") or info.get("name") or ""
        aliases = row["aliases"] if isinstance(row.get("aliases"), list) else []
        found.append(
            Listed(
                row["id"],
                name[:200] if isinstance(name, str) else "",
                tuple(alias for alias in aliases if isinstance(alias, str)),
                capabilities_in(row),
            )
        )
    return found


def _is_ours(row: dict[str, Any], info: dict[str, Any], dialect: str) -> bool:
    """AI/ML API has one address for all kinds of models: pictures, voices and, for Messages, what others make are no
    use here (section 15.3).
    """
    developer = str(info.get("developer", "")).lower()
    if dialect == "aimlapi" and developer and developer != "anthropic":
        return False
    kind = str(row.get("type") or "")
    return not kind or "chat" in kind or kind == "model"
