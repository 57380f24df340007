import json

from django.db import migrations

from conversations.models.encryption import Secret, SecretField, no_secret


def encrypt(apps, schema_editor):
    for provider in apps.get_model("conversations", "Provider").objects.exclude(extra_headers={}):
        provider.sealed_headers = Secret.of(json.dumps(provider.extra_headers))
        provider.save(update_fields=["sealed_headers"])


def decrypt(apps, schema_editor):
    for provider in apps.get_model("conversations", "Provider").objects.exclude(sealed_headers=""):
        provider.extra_headers = json.loads(provider.sealed_headers.reveal() or "{}")
        provider.save(update_fields=["extra_headers"])


class Migration(migrations.Migration):
    """Extra headers of a provider are encrypted like its key."""

    dependencies = [("conversations", "0008_alt_text")]

    operations = [
        migrations.AddField("provider", "sealed_headers", SecretField(default=no_secret, editable=False)),
        migrations.RunPython(encrypt, decrypt),
        migrations.RemoveField("provider", "extra_headers"),
    ]
