"""What operators watch, for Prometheus: written by the engine, the sockets and the journal, read at /metrics.

With several workers each process keeps its figures in a file of its own, and a read adds them up.
"""

from __future__ import annotations

import hmac
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from . import workers

answers = Counter("chatsite_answers_total", "Answers that ended, by their status", ["status"])
tokens = Counter("chatsite_tokens_total", "Tokens of ended answers, by kind", ["kind"])
running = Gauge("chatsite_answers_running", "Answers under way", multiprocess_mode="livesum")
first_word = Histogram(
    "chatsite_first_word_seconds", "From the send to the answer's first word",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)  # fmt: skip
sockets = Gauge("chatsite_sockets_open", "Open websockets", multiprocess_mode="livesum")
journal = Histogram(
    "chatsite_journal_seconds",
    "One write of the journal",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)


def answered(status: str, usage: dict[str, Any] | None) -> None:
    """An answer has ended."""
    answers.labels(status).inc()
    for kind, count in (usage or {}).items():
        if kind.endswith("_tokens") and type(count) is int and count > 0:
            tokens.labels(kind.removesuffix("_tokens")).inc(count)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """GET /metrics with `Authorization: Bearer <CHATSITE_METRICS_TOKEN>`; without such a token nothing is there."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    known = hmac.compare_digest(given.strip().encode(), settings.METRICS_TOKEN.encode())
    if not settings.METRICS_TOKEN or scheme.lower() != "bearer" or not known:
        raise Http404
    registry = REGISTRY
    if workers.shared_figures:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, str(workers.shared_figures))  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
