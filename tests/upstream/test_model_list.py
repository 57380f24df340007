"""The list of models where the provider cannot be reached or breaks off; what lists say is in tests/people."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from conversations.upstream.endpoint import Endpoint
from conversations.upstream.errors import UpstreamError
from conversations.upstream.limits import Limits
from conversations.upstream.model_list import list_models
from tests.fake_upstream import FakeUpstream
from tests.services import free_port
from tests.upstream.certificates import self_signed


async def failure(url: str) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await list_models(Endpoint("anthropic", url), Limits())
    return caught.value


async def test_nobody_listens() -> None:
    assert (await failure(f"http://127.0.0.1:{free_port()}")).type == "connect"


async def test_a_certificate_that_nobody_signed_is_called_so(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with FakeUpstream(tls=context) as server:
        error = await failure(server.url)
    assert (error.type, error.admin_message[:3]) == ("tls", "TLS")
