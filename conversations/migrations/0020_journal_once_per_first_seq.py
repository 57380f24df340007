from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0019_upstream_whatever_its_spelling"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="generationevent",
            constraint=models.UniqueConstraint(
                fields=("generation", "first_seq"), name="journal_once_per_first_seq"
            ),
        ),
    ]
