"""A fake upstream per test and a client whose own waiting times are a tenth of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings

from conversations.upstream.accumulator import Accumulator
from conversations.upstream.client import UpstreamClient, Wait
from conversations.upstream.endpoint import Endpoint
from conversations.upstream.errors import UpstreamError
from conversations.upstream.events import Event
from conversations.upstream.limits import Limits
from conversations.upstream.request import MessageRequest
from tests.fake_upstream import FakeUpstream

# Others may hold the processor while an example runs.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")
KEY = "sk-canary-0123456789"


@dataclass
class Outcome:
    """What one streamed request came to."""

    answer: Accumulator = field(default_factory=Accumulator)
    events: list[Event] = field(default_factory=list)
    batches: int = 0
    waits: list[Wait] = field(default_factory=list)
    error: UpstreamError | None = None

    @property
    def text(self) -> str:
        return self.answer.text


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as server:
        yield server


@pytest.fixture
def limits() -> Limits:
    return Limits().scaled(0.1)


@pytest.fixture
def client(limits: Limits) -> UpstreamClient:
    return UpstreamClient(limits, demo_drip=0)


def request(text: str = "Hello", model: str = "claude-opus-5-5", **fields: object) -> MessageRequest:
    return MessageRequest(model, [{"role": "user", "content": text}], 1000, **fields)  # type: ignore[arg-type]


@pytest.fixture
def ask(client: UpstreamClient, upstream: FakeUpstream) -> Callable[..., object]:
    """Streams one request to the end and says what came; `endpoint` to ask somebody else."""

    async def ask(text: str = "Hello", endpoint: Endpoint | None = None, **fields: object) -> Outcome:
        outcome = Outcome()
        endpoint = endpoint or Endpoint("anthropic", upstream.url, KEY)

        async def told(wait: Wait) -> None:
            outcome.waits.append(wait)

        stream = client.stream(endpoint, request(text, **fields), on_wait=told)
        async with aclosing(stream) as batches:
            try:
                async for batch in batches:
                    assert batch
                    outcome.batches += 1
                    outcome.events += batch
                    outcome.answer.extend(batch)
            except UpstreamError as error:
                outcome.error = error
                outcome.answer.finish()
        return outcome

    return ask
