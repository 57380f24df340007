import hashlib

from django.db import migrations

from conversations.upstream.endpoint import normalise_base_url


def digest(dialect, address):
    return hashlib.sha256(f"{dialect} {address}".encode()).hexdigest()[:16]


def to_one_spelling(apps, schema_editor):
    generations = apps.get_model("conversations", "Generation").objects
    for provider in apps.get_model("conversations", "Provider").objects.all():
        try:
            address = normalise_base_url(provider.base_url, provider.dialect)
        except ValueError:
            continue
        if address != provider.base_url:
            before = digest(provider.dialect, provider.base_url)
            generations.filter(upstream=before).update(upstream=digest(provider.dialect, address))


class Migration(migrations.Migration):
    """One endpoint is one upstream, however its address is written: answers of before keep theirs."""

    dependencies = [("conversations", "0018_models_named_by_the_environment")]

    operations = [migrations.RunPython(to_one_spelling, migrations.RunPython.noop)]
