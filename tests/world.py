"""A small site with people in it: an owner, another member, an administrator, a model; with `world` also a running
engine and an upstream to script. Imported by `conftest`.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from conversations.actions import answers
from conversations.actions.outcome import Outcome
from conversations.models import (
    Conversation,
    Generation,
    GenerationStatus,
    LanguageModel,
    Message,
    Provider,
    User,
)
from tests import patience
from tests.fake_upstream import Call, FakeUpstream, wire
from tests.fake_upstream.steps import Hang

from .clients import EventStream, Frame, Socket
from .engine import EngineLoop

MODEL = "claude-opus-4-5"
JSON = {"HTTP_ACCEPT": "application/json"}


def wait_for(holds: Callable[[], object]) -> None:
    """Returns once this is true; for what the engine does in its own threads. Fails when it does not become so."""
    pause = threading.Event()
    for _ in range(int(patience.SECONDS / 0.01)):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("It did not happen.")


class Person:
    """A signed-in person: what their browser does, and who they are. `session` is the key of one they have already."""

    def __init__(self, user: User, session: str = "") -> None:
        self.user = user
        self.client = Client(raise_request_exception=True)
        if session:
            self.client.cookies["sessionid"] = session
        else:
            self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def get(self, path: str, **extra: Any) -> HttpResponse:
        return self.client.get(path, **{**JSON, **extra})  # type: ignore[return-value]

    def post(self, path: str, data: dict[str, Any] | None = None, **extra: Any) -> HttpResponse:
        return self.client.post(path, data or {}, **{**JSON, **extra})  # type: ignore[return-value]

    def start(self, text: str = "Hello", **fields: Any) -> dict[str, Any]:
        """A new conversation; the contract's body of the answer."""
        response = self.post("/conversations/", {"text": text, "client_id": str(uuid.uuid4()), **fields})
        assert response.status_code == 201, response.content
        return response.json()  # type: ignore[attr-defined, no-any-return]

    def send(self, conversation: str, text: str = "And more", **fields: Any) -> dict[str, Any]:
        data = {"text": text, "client_id": str(uuid.uuid4()), **fields}
        response = self.post(f"/conversations/{conversation}/messages/", data)
        assert response.status_code == 201, response.content
        return response.json()  # type: ignore[attr-defined, no-any-return]

    def messages(self, conversation: str) -> list[dict[str, Any]]:
        return self.get(f"/conversations/{conversation}/messages/").json()["messages"]  # type: ignore[attr-defined, no-any-return]


def answering(base_url: str = "http://127.0.0.1:9") -> LanguageModel:
    """The model everybody uses, of a provider at this address."""
    provider = Provider(name="Fake", dialect=Provider.Dialect.ANTHROPIC, base_url=base_url)
    provider.set_api_key("sk-canary-0123456789abcdef")
    provider.save()
    return LanguageModel.objects.create(provider=provider, model_id=MODEL)


def member(name: str, **fields: Any) -> Person:
    return Person(User.objects.create_user(name, password=f"{name}-password-1", **fields))


def finished(generation: str | uuid.UUID, text: str = "Hi.", **fields: Any) -> Message:
    """Ends a queued answer without an engine, as one that completed with this text."""
    content = [{"type": "text", "text": text}] if text else []
    given = {
        "status": GenerationStatus.COMPLETED, "last_seq": 6, "content": content, "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 3}, "usage_is_final": True, "model": MODEL,
    } | fields  # fmt: skip
    answers.finish([Outcome(uuid.UUID(str(generation)), **given)], None)
    return Message.objects.get(generation=generation)


def long_conversation(owner: User, turns: int) -> Conversation:
    """A conversation of `turns` questions, each with its answer."""
    conversation = Conversation.objects.create(owner=owner, title=f"{turns} turns")
    model = LanguageModel.objects.first()
    messages: list[Message] = []
    generations: list[Generation] = []
    for number in range(turns):
        parent = messages[-1] if messages else None
        common = {"conversation": conversation, "created_at": timezone.now()}
        text = [{"type": "text", "text": f"Turn {number}"}]
        messages.append(Message(parent=parent, role="user", author=owner, content=text, **common))
        messages.append(Message(parent=messages[-1], role="assistant", content=text, model=MODEL, **common))
        generations.append(
            Generation(
                conversation=conversation,
                message=messages[-1],
                requested_by=owner,
                client_id=uuid.uuid4(),
                language_model=model,
                model=MODEL,
                status=GenerationStatus.COMPLETED,
                last_seq=6,
            )  # fmt: skip
        )
    Message.objects.bulk_create(messages, batch_size=400)
    Generation.objects.bulk_create(generations, batch_size=400)
    conversation.current_leaf = messages[-1]
    conversation.save()
    return conversation


@dataclass
class World:
    """A running site: its engine, the upstream it asks, and two people."""

    engine: EngineLoop
    upstream: FakeUpstream
    alice: Person
    bob: Person

    def socket(self, person: Person | None, conversation: str = "", **options: Any) -> Socket:
        path = f"/ws/conversations/{conversation}/" if conversation else "/ws/"
        return Socket(self.engine, person.client if person else None, path, **options)

    def halfway(self) -> tuple[dict[str, Any], Socket]:
        """An answer to Alice of which one word has come and no more does, and her page that has shown it."""
        self.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Hi"), Hang())
        sent = self.alice.start("To be stopped")
        page = self.socket(self.alice, sent["conversation"])
        page.frame()
        page.resume(sent["generation"], 0)
        page.next("content_block_delta")
        return sent, page

    def stream(self, person: Person, generation: str, after: int | None = 0, **headers: str) -> EventStream:
        query = "" if after is None else f"?after={after}"
        return EventStream(self.engine, person.client, f"/generations/{generation}/events/{query}", **headers)

    def asked(self) -> list[Call]:
        """The upstream's calls for answers, without those for titles."""
        return [call for call in self.upstream.calls if call.body.get("stream")]

    def answer(self, text: str = "Hello", person: Person | None = None) -> tuple[dict[str, Any], list[Frame]]:
        """Start a conversation and read its answer to the end: the send's body and the frames."""
        sent = (person or self.alice).start(text)
        with_socket = self.socket(person or self.alice, sent["conversation"])
        with_socket.frame()
        with_socket.resume(sent["generation"], 0)
        frames = with_socket.until("message_stop")
        with_socket.close()
        return sent, frames

    def ended(self, sent: dict[str, Any]) -> Generation:
        """The generation of a send once it has ended."""
        conversation = Generation.objects.get(pk=sent["generation"]).conversation_id
        socket = self.socket(self.alice, str(conversation))
        socket.frame()
        socket.resume(sent["generation"], 0)
        socket.until("message_stop")
        socket.close()
        return Generation.objects.select_related("message").get(pk=sent["generation"])


@pytest.fixture
def model(db: None) -> LanguageModel:
    """The model everybody uses, of a provider that answers nothing."""
    return answering()


@pytest.fixture
def alice(model: LanguageModel) -> Person:
    """Owns what she starts."""
    return member("alice")


@pytest.fixture
def bob(model: LanguageModel) -> Person:
    """Another member, with no right to what alice owns."""
    return member("bob")


@pytest.fixture
def administrator(model: LanguageModel) -> Person:
    return member("carol", is_staff=True, is_superuser=True)


@pytest.fixture(scope="session")
def session_upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(session_upstream: FakeUpstream) -> FakeUpstream:
    """The fake upstream with an empty ledger and no script left."""
    session_upstream.calls.clear()
    session_upstream._scripts.clear()
    session_upstream._seen.clear()
    return session_upstream


@pytest.fixture
def quick(settings: Any) -> Any:
    """Every time limit of the upstream at a hundredth."""
    for name in ("CONNECT", "FIRST_BYTE", "SILENCE", "PROGRESS", "TOTAL"):
        setting = f"UPSTREAM_{name}_TIMEOUT"
        setattr(settings, setting, getattr(settings, setting) / 100)
    # A busy machine needs more than a tenth of a second for a connection.
    settings.UPSTREAM_CONNECT_TIMEOUT = 1
    settings.UPSTREAM_BACKOFF /= 100
    return settings


@pytest.fixture
def world(transactional_db: None, upstream: FakeUpstream, settings: Any) -> Iterator[World]:
    """Commits for real: the engine has connections of its own. Limits are read when it starts: take `quick` before."""
    settings.WEBSOCKET_ORIGINS = ["http://testserver"]
    answering(upstream.url)
    with EngineLoop() as engine:
        yield World(engine, upstream, member("alice"), member("bob"))
