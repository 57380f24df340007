"""The demo costs nothing, however its answer ends: neither the page nor the ledger calls that unknown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from conversations.actions import titles
from conversations.models import Generation, GenerationStatus, LanguageModel, Provider, UsageRecord
from tests.world import Person, finished

pytestmark = pytest.mark.django_db
BUSY = {"type": "busy", "message": "The model service is busy."}


@pytest.fixture
def demo(model: LanguageModel) -> LanguageModel:
    """The model everybody uses, answered by the demo."""
    Provider.objects.filter(pk=model.provider_id).update(dialect=Provider.Dialect.DEMO)
    return model


@pytest.mark.parametrize("status", [GenerationStatus.STOPPED, GenerationStatus.INTERRUPTED])
def test_a_demo_answer_that_did_not_end_costs_nothing(
    alice: Person, demo: LanguageModel, status: GenerationStatus
) -> None:
    sent = alice.start()
    fields = {"status": status, "usage_is_final": False, "failed_attempts": ["busy", "timeout"]}
    message = finished(sent["generation"], "Half of", **fields)
    assert message.cost_microdollars == 0
    assert set(UsageRecord.objects.values_list("cost_microdollars", flat=True)) == {0}
    page = alice.get(sent["url"], HTTP_ACCEPT="text/html").content.decode()
    assert "$0.00" in page
    assert "cost unknown" not in page


def test_a_failed_demo_answer_costs_nothing(alice: Person, demo: LanguageModel) -> None:
    sent = alice.start()
    finished(
        sent["generation"], "", status=GenerationStatus.FAILED, usage=None, usage_is_final=False, error=BUSY
    )
    assert UsageRecord.objects.get().cost_microdollars == 0
    assert "Cost unknown" not in alice.get("/usage/", HTTP_ACCEPT="text/html").content.decode()


@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost with its process"])
def test_a_title_that_the_demo_did_not_give_costs_nothing(
    alice: Person, demo: LanguageModel, lost: bool
) -> None:
    sent = alice.start()
    generation = Generation.objects.get(pk=sent["generation"])
    row = titles.open_call(generation.conversation_id, generation.pk, 100, 64)
    assert row is not None
    if lost:
        older = UsageRecord.objects.get().created_at - timedelta(seconds=settings.UPSTREAM_TOTAL_TIMEOUT * 3)
        UsageRecord.objects.update(created_at=older)
        titles.end_lost_calls()
    else:
        titles.book_failure(row, "busy")
    assert UsageRecord.objects.get().cost_microdollars == 0
