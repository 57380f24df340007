"""`python -m tests.bench.usage [ROWS] [--on sqlite|postgres]`: how long the usage page takes over a large ledger.

Makes a site of its own in a temporary folder, on SQLite or on a PostgreSQL server of its own, with a year of calls by
200 people, then asks for the page as an administrator through Django's whole chain.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.services import postgres_server

AIM = 300
PEOPLE = 200
MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-5")
RUNS = 7


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.usage", description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--on", choices=("sqlite", "postgres"), default="sqlite")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chatsite-usage-"))
        os.environ.pop("DATABASE_URL", None)
        if options.on == "postgres":
            os.environ["DATABASE_URL"] = stack.enter_context(postgres_server(Path(folder)))
        os.environ["DJANGO_SETTINGS_MODULE"] = "chatsite.settings_for_tests"
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        if options.on == "postgres":
            # The server ends when nobody is connected any more.
            stack.callback(connection.close_pool)
            stack.callback(connection.close)
        call_command("migrate", verbosity=0)
        started = time.perf_counter()
        _fill(options.rows)
        print(f"{connection.vendor}, {options.rows:,} calls made in {time.perf_counter() - started:.0f} s")
        return _measure()


def _fill(count: int) -> None:
    from django.db import transaction
    from django.utils import timezone

    from conversations.actions import usage_totals
    from conversations.models import UsageRecord, User

    User.objects.bulk_create(User(username=f"person-{number}") for number in range(PEOPLE))
    people = list(User.objects.values_list("pk", flat=True))
    chance = random.Random(1)
    now = timezone.now()
    sums: usage_totals.Sums = {}
    for begun in range(0, count, 20_000):
        rows = []
        for _ in range(min(20_000, count - begun)):
            failed = chance.random() < 0.02
            rows.append(
                UsageRecord(
                    created_at=now - timedelta(seconds=chance.randrange(365 * 86_400)), user_id=chance.choice(people),
                    model=MODELS[min(3, int(chance.expovariate(1)))], status="failed" if failed else "completed",
                    error_type="busy" if failed else "", input_tokens=chance.randrange(2000), output_tokens=500,
                    cache_read_input_tokens=9000, cost_microdollars=None if failed else chance.randrange(90_000),
                    first_token_ms=None if failed else int(chance.lognormvariate(7, 0.6)), duration_ms=9000,
                )
            )  # fmt: skip
        with transaction.atomic():
            UsageRecord.objects.bulk_create(rows, batch_size=500)
        for row in rows:
            usage_totals.count(row, sums)
    tables: defaultdict[Any, list[Any]] = defaultdict(list)
    for summed in sums.values():
        tables[type(summed)].append(summed)
    for table, found in tables.items():
        table.objects.bulk_create(found, batch_size=500)
    print(", ".join(f"{len(found):,} {table.__name__}" for table, found in tables.items()))


def _measure() -> int:
    from django.db import connection
    from django.test import Client

    from conversations.models import User

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    administrator = User.objects.create_superuser("administrator", "", "not-used-here")
    client = Client()
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
    today = time.strftime("%Y-%m-%d", time.gmtime())
    slow = 0
    for name, days in (("30 days", 29), ("90 days", 89), ("12 months", 364)):
        first = time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86_400))
        address = f"/usage/?from={first}&to={today}"
        client.get(address)
        taken, worked = [], time.process_time()
        for _ in range(RUNS):
            started = time.perf_counter()
            assert client.get(address).status_code == 200
            taken.append((time.perf_counter() - started) * 1000)
        slow += statistics.median(taken) > AIM
        worked = (time.process_time() - worked) * 1000 / RUNS
        print(
            f"{name:>10}: {statistics.median(taken):6.0f} ms median, {max(taken):6.0f} ms at most (aim {AIM}), "
            f"{worked:5.0f} ms of CPU in this process"
        )
    started = time.perf_counter()
    pieces = client.get(f"/usage/download/?from={first}&to={today}").streaming_content
    size = sum(len(piece) for piece in pieces)  # type: ignore[union-attr, arg-type]
    print(f"  download: {size / 1e6:.0f} MB in {time.perf_counter() - started:.0f} s")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
