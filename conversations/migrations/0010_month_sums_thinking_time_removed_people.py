import hashlib

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SUMMED = (
    "calls",
    "input_tokens",
    "output_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens",
    "cache_read_input_tokens",
    "server_tool_requests",
    "cost_microdollars",
    "unknown_costs",
    "presumed_microdollars",
)


def key(*parts):
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def sum_up(apps, schema_editor):
    """The totals of days and of people's months, from the sums by day that there are."""
    UsageDay, UsageDayTotal, UsageMonth = (
        apps.get_model("conversations", name) for name in ("UsageDay", "UsageDayTotal", "UsageMonth")
    )
    totals, months = {}, {}
    for row in UsageDay.objects.order_by().iterator(chunk_size=2000):
        columns = {"day": row.day, "language_model_id": row.language_model_id, "model": row.model}
        columns["error_type"] = row.error_type
        its_key = key(*columns.values())
        total = totals.setdefault(its_key, UsageDayTotal(key=its_key, **columns))
        first = row.day.replace(day=1)
        its_key = key(first, row.user_id)
        month = months.setdefault(its_key, UsageMonth(key=its_key, month=first, user_id=row.user_id))
        for name in SUMMED:
            setattr(total, name, getattr(total, name) + getattr(row, name))
            setattr(month, name, getattr(month, name) + getattr(row, name))
    UsageDayTotal.objects.bulk_create(totals.values(), batch_size=500)
    UsageMonth.objects.bulk_create(months.values(), batch_size=500)


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0009_encrypted_headers'),
    ]

    operations = [
        migrations.CreateModel(
            name='UsageDayTotal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, unique=True)),
                ('calls', models.PositiveBigIntegerField(default=0)),
                ('input_tokens', models.PositiveBigIntegerField(default=0)),
                ('output_tokens', models.PositiveBigIntegerField(default=0)),
                ('cache_creation_5m_input_tokens', models.PositiveBigIntegerField(default=0)),
                ('cache_creation_1h_input_tokens', models.PositiveBigIntegerField(default=0)),
                ('cache_read_input_tokens', models.PositiveBigIntegerField(default=0)),
                ('server_tool_requests', models.PositiveBigIntegerField(default=0)),
                ('cost_microdollars', models.BigIntegerField(default=0)),
                ('unknown_costs', models.PositiveBigIntegerField(default=0)),
                ('presumed_microdollars', models.BigIntegerField(default=0)),
                ('day', models.DateField()),
                ('model', models.CharField(max_length=200)),
                ('error_type', models.CharField(blank=True, max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name='UsageMonth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, unique=True)),
                ('calls', models.PositiveBigIntegerField(default=0)),
                ('input_tokens', models.PositiveBigIntegerField(default=0)),
                ('output_tokens', models.PositiveBigIntegerField(default=0)),
                ('cache_creation_5m_input_tokens', models.PositiveBigIntegerField(default=0)),
                ('cache_creation_1h_input_tokens', models.PositiveBigIntegerField(default=0)),
                ('cache_read_input_tokens', models.PositiveBigIntegerField(default=0)),
                ('server_tool_requests', models.PositiveBigIntegerField(default=0)),
                ('cost_microdollars', models.BigIntegerField(default=0)),
                ('unknown_costs', models.PositiveBigIntegerField(default=0)),
                ('presumed_microdollars', models.BigIntegerField(default=0)),
                ('month', models.DateField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name='usageday',
            name='usage_by_day',
        ),
        migrations.AddField(
            model_name='message',
            name='thinking_seconds',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='generation',
            name='requested_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='generations', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='usageday',
            index=models.Index(fields=['day', 'user'], name='usage_by_day'),
        ),
        migrations.AddField(
            model_name='usagedaytotal',
            name='language_model',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.languagemodel'),
        ),
        migrations.AddField(
            model_name='usagemonth',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='usagedaytotal',
            index=models.Index(fields=['day'], name='usage_total_of_day'),
        ),
        migrations.AddIndex(
            model_name='usagemonth',
            index=models.Index(fields=['month'], name='usage_of_month'),
        ),
        migrations.RunPython(sum_up, migrations.RunPython.noop),
    ]
