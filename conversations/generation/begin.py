"""From a queued generation to a running one. Called by views after the send is on disk."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import Error

from ..actions import answers
from ..actions.outcome import Outcome
from ..attachments.sending import CannotBeSent
from ..live import news
from ..live.hub import hub
from ..live.log import LiveLog
from ..live.replay import start_body
from ..models import Generation, GenerationStatus
from ..models.encryption import SecretUnreadable
from . import context, supervisor

logger = logging.getLogger(__name__)

_KEY_LOST = {
    "type": "auth",
    "message": "The key of this provider can no longer be read. Tell your administrator.",
    "admin_message": "The stored key was encrypted with another SECRET_KEY. Enter the provider's key again.",
}
_UNEXPECTED = {"type": "internal", "message": "Something went wrong on this server. Your message is saved."}


def begin(generation: Generation) -> None:
    """Build the request and hand it to the supervisor; what makes that impossible ends the answer as failed."""
    supervisor.hold(generation.pk)
    try:
        _begin(generation)
    finally:
        # One that was launched is held as a running one.
        supervisor.let_go(generation.pk)


def _begin(generation: Generation) -> None:
    try:
        turn = context.prepare(generation)
    except SecretUnreadable:
        _fail(generation, _KEY_LOST)
    except CannotBeSent as error:
        _fail(generation, {"type": error.type, "message": str(error)})
    except ValueError as error:
        _fail(generation, {"type": "invalid", "message": str(error)})
    except Error:
        # What was sent is on disk, and must not be called lost: the answer ends when nobody renews its lease.
        logger.exception("An answer could not be begun: generation %s", generation.pk)
    except Exception:
        logger.exception("An answer could not be asked for: generation %s", generation.pk)
        _fail(generation, _UNEXPECTED)
    else:
        supervisor.launch(turn)


def _fail(generation: Generation, error: dict[str, str]) -> None:
    outcome = Outcome(
        generation.pk,
        GenerationStatus.FAILED,
        last_seq=2,
        error=error,
        model=generation.model,
        failed_attempts=None,
    )
    answers.finish([outcome], None)
    log = LiveLog(generation.pk, generation.message_id, generation.conversation_id)
    log.events.append(start_body(generation.model, {}))
    log.close(outcome.stop_body())
    hub.call(hub.open_log, log)
    hub.call(hub.retire, log, settings.LOG_RETENTION_SECONDS)
    news.answers_changed([(generation.pk, generation.message_id, generation.conversation_id)])
