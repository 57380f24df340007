import datetime
import hashlib
import math

from django.db import migrations

SUMMED = (
    "input_tokens",
    "output_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens",
    "cache_read_input_tokens",
    "cost_microdollars",
)


def key(*parts):
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def sum_up(apps, schema_editor):
    """The daily sums of the calls that were booked before there were any."""
    UsageDay, FirstTokenDay = (apps.get_model("conversations", name) for name in ("UsageDay", "FirstTokenDay"))
    days, waits = {}, {}
    for row in apps.get_model("conversations", "UsageRecord").objects.order_by().iterator(chunk_size=2000):
        day = row.created_at.astimezone(datetime.timezone.utc).date()
        columns = {"user_id": row.user_id, "language_model_id": None, "model": row.model}
        columns |= {"purpose": row.purpose, "status": row.status, "error_type": row.error_type}
        its_key = key(day, *columns.values())
        sums = days.setdefault(its_key, UsageDay(key=its_key, day=day, **columns))
        sums.calls += 1
        sums.unknown_costs += row.cost_microdollars is None
        sums.server_tool_requests += sum(n for n in row.server_tool_use.values() if isinstance(n, int))
        for name in SUMMED:
            setattr(sums, name, getattr(sums, name) + (getattr(row, name) or 0))
        if row.first_token_ms is not None:
            bucket = round(math.log2(max(1, row.first_token_ms)) * 4)
            its_key = key(day, bucket)
            wait = FirstTokenDay(key=its_key, day=day, bucket=bucket)
            waits.setdefault(its_key, wait).calls += 1
    UsageDay.objects.bulk_create(days.values(), batch_size=500)
    FirstTokenDay.objects.bulk_create(waits.values(), batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0003_money")]

    operations = [migrations.RunPython(sum_up, migrations.RunPython.noop)]
