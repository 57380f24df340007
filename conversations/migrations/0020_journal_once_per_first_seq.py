from django.db import migrations, models


def keep_the_longest(apps, schema_editor):
    """A flush that came through late may have left the beginning of an answer twice."""
    events = apps.get_model("conversations", "GenerationEvent").objects
    same = events.filter(generation=models.OuterRef("generation"), first_seq=models.OuterRef("first_seq"))
    events.filter(models.Exists(same.filter(seq__gt=models.OuterRef("seq")))).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0019_upstream_whatever_its_spelling"),
    ]

    operations = [
        migrations.RunPython(keep_the_longest, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="generationevent",
            constraint=models.UniqueConstraint(
                fields=("generation", "first_seq"), name="journal_once_per_first_seq"
            ),
        ),
    ]
