import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('conversations', '0002_stored_files'),
    ]

    operations = [
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.CharField(choices=[('day', 'Each day'), ('month', 'Each month')], default='month', max_length=5)),
                ('limit_microdollars', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='FirstTokenDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, unique=True)),
                ('day', models.DateField()),
                ('bucket', models.PositiveSmallIntegerField()),
                ('calls', models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='UsageDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, unique=True)),
                ('day', models.DateField()),
                ('model', models.CharField(max_length=200)),
                ('purpose', models.CharField(max_length=10)),
                ('status', models.CharField(max_length=20)),
                ('error_type', models.CharField(blank=True, max_length=40)),
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
            ],
        ),
        migrations.AddField(
            model_name='generation',
            name='reserved_microdollars',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='usagerecord',
            name='language_model',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.languagemodel'),
        ),
        migrations.AddField(
            model_name='usagerecord',
            name='presumed_microdollars',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='languagemodel',
            name='prices',
            field=models.JSONField(blank=True, default=dict, help_text='US dollars per million tokens, before the built-in list: {"input": 5, "output": 25, "cache_read": 0.5, "from": "2026-11-01"}, or a list of these.'),
        ),
        migrations.AddIndex(
            model_name='usagerecord',
            index=models.Index(fields=['user', 'created_at'], name='ledger_of_person'),
        ),
        migrations.AddIndex(
            model_name='usagerecord',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['created_at'], name='calls_under_way'),
        ),
        migrations.AddField(
            model_name='budget',
            name='group',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='auth.group'),
        ),
        migrations.AddField(
            model_name='budget',
            name='language_model',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='budgets', to='conversations.languagemodel'),
        ),
        migrations.AddField(
            model_name='budget',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='budgets', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='usageday',
            name='language_model',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.languagemodel'),
        ),
        migrations.AddField(
            model_name='usageday',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('group', None), ('user', None)), models.Q(('group', None), ('language_model', None)), models.Q(('language_model', None), ('user', None)), _connector='OR'), name='budget_is_of_one_thing'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('limit_microdollars__gte', 0)), name='budget_is_not_negative'),
        ),
        migrations.AddIndex(
            model_name='firsttokenday',
            index=models.Index(fields=['day', 'bucket', 'calls'], name='first_tokens_of_day'),
        ),
        migrations.AddIndex(
            model_name='usageday',
            index=models.Index(fields=['day'], name='usage_of_day'),
        ),
        migrations.AddIndex(
            model_name='usageday',
            index=models.Index(fields=['user', 'day'], name='usage_of_person'),
        ),
    ]
