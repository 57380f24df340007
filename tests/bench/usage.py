"""`python -m tests.bench.usage [ROWS]`: how long the usage page takes over a ledger of a million rows.

Makes a site of its own in a temporary folder (or in the database of DATABASE_URL, which must be empty) with a year of
calls by 200 people, then asks for the page as an administrator through Django's whole chain.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from datetime import timedelta

AIM = 300
PEOPLE = 200
MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-5")
RUNS = 7


def main(count: int) -> int:
    with tempfile.TemporaryDirectory(prefix="chatsite-usage-") as folder:
        os.environ["CHATSITE_DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings_for_tests")
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        connection.settings_dict["NAME"] = (
            f"{folder}/usage.sqlite3" if connection.vendor == "sqlite" else connection.settings_dict["NAME"]
        )
        call_command("migrate", verbosity=0)
        started = time.perf_counter()
        _fill(count)
        print(f"{connection.vendor}, {count:,} calls made in {time.perf_counter() - started:.0f} s")
        return _measure()


def _fill(count: int) -> None:
    from django.db import transaction
    from django.utils import timezone

    from conversations.actions import usage_totals
    from conversations.models import FirstTokenDay, UsageDay, UsageRecord, User

    User.objects.bulk_create(User(username=f"person-{number}") for number in range(PEOPLE))
    people = list(User.objects.values_list("pk", flat=True))
    chance = random.Random(1)
    now = timezone.now()
    days: dict[str, UsageDay] = {}
    waits: dict[str, FirstTokenDay] = {}
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
            day = usage_totals.day_of(row)
            sums = days.setdefault(day.key, day)
            sums.calls += 1
            for name in usage_totals.SUMMED:
                setattr(sums, name, getattr(sums, name) + (getattr(row, name) or 0))
            if row.first_token_ms is not None:
                wait = usage_totals.wait_of(row)
                waits.setdefault(wait.key, wait).calls += 1
    UsageDay.objects.bulk_create(days.values(), batch_size=500)
    FirstTokenDay.objects.bulk_create(waits.values(), batch_size=500)
    print(f"{len(days):,} daily sums, {len(waits):,} of waiting times")


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
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
