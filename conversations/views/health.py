"""/healthz: the process answers. /readyz: it can serve. For probes; both without signing in."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from chatsite import redis_ping
from chatsite.lifecycle import stopping

_migrated = False


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    missing = [problem for problem in (_stopping(), _database(), _layer()) if problem]
    if missing:
        return JsonResponse({"status": "unavailable", "missing": missing}, status=503)
    return JsonResponse({"status": "ok"})


def _stopping() -> str:
    return "The server is about to stop." if stopping.is_set() else ""


def _database() -> str:
    global _migrated
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            executor = MigrationExecutor(connection)
            # Asked until it is true: migrations of a running version are never taken back.
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "The database cannot be reached."
    return "" if _migrated else "The database needs its migrations."


def _layer() -> str:
    return "Redis cannot be reached." if redis_ping.failure() else ""
