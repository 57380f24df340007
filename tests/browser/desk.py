"""What the clerk can do; runs in the clerk's process, with Django set up on the site's data."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.utils import timezone

from conversations.models import (
    Budget,
    Conversation,
    Generation,
    GenerationStatus,
    LanguageModel,
    Message,
    Participant,
    User,
    Workspace,
)

USAGE = {
    "input_tokens": 2100,
    "cache_read_input_tokens": 8300,
    "cache_creation_input_tokens": 0,
    "output_tokens": 640,
}


def person(name: str, password: str = "", **fields: Any) -> str:
    user = User(username=name, email=f"{name}@example.com", **fields)
    if password:
        user.set_password(password)
    else:
        user.set_unusable_password()
    user.save()
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


@transaction.atomic
def conversation(owner: str, messages: list[str], title: str, days: int = 0, titled: bool = True) -> str:
    user = User.objects.get(username=owner)
    model = next(iter(LanguageModel.objects.usable_by(user)), None)
    assert model is not None
    then = timezone.now() - timedelta(days=days, minutes=len(messages))
    made = Conversation.objects.create(
        owner=user,
        title=title,
        titled_by_person=titled,
        language_model=model,
        updated_at=then,
        created_at=then,
    )
    rows: list[Message] = []
    generations: list[Generation] = []
    for number, text in enumerate(messages):
        parent = rows[-1] if rows else None
        at = then + timedelta(seconds=20 * number)
        content = [{"type": "text", "text": text}]
        common: dict[str, Any] = {
            "conversation": made,
            "parent": parent,
            "content": content,
            "created_at": at,
        }
        if number % 2 == 0:
            rows.append(Message(role="user", author=user, **common))
            continue
        done = at + timedelta(seconds=4.2)
        rows.append(
            Message(
                role="assistant", model=model.model_id, stop_reason="end_turn", usage=USAGE,
                cost_microdollars=41_000, finished_at=done, **common,
            )
        )  # fmt: skip
        generations.append(
            Generation(
                conversation=made, message=rows[-1], requested_by=user, client_id=uuid.uuid4(), created_at=at,
                language_model=model, model=model.model_id, status=GenerationStatus.COMPLETED, last_seq=6,
            )
        )  # fmt: skip
    Message.objects.bulk_create(rows, batch_size=200)
    Generation.objects.bulk_create(generations, batch_size=200)
    made.current_leaf = rows[-1]
    made.save(update_fields=["current_leaf"])
    return str(made.pk)


def share(conversation: str, name: str, role: str) -> None:
    Participant.objects.create(
        conversation_id=conversation, user=User.objects.get(username=name), role=Participant.Role(role)
    )


def role(conversation: str, name: str, role: str) -> None:
    Participant.objects.filter(conversation=conversation, user__username=name).update(
        role=Participant.Role(role)
    )


def budget(name: str, microdollars: int) -> None:
    Budget.objects.create(
        user=User.objects.get(username=name), limit_microdollars=microdollars, period=Budget.Period.DAY
    )


def workspace(**fields: Any) -> None:
    Workspace.objects.update_or_create(pk=1, defaults=fields)


def content(conversation: str) -> list[dict[str, Any]]:
    found = Conversation.objects.get(pk=conversation)
    return [
        {"role": row.role, "text": row.text, "status": row.status, "error": row.error}
        for row in Message.objects.path(found.current_leaf_id)
    ]


def leaves(conversation: str) -> list[str]:
    found = Message.objects.filter(conversation_id=conversation, children=None)
    return [str(pk) for pk in found.values_list("pk", flat=True)]
