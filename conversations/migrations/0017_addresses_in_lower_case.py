from contextlib import suppress

from django.db import IntegrityError, migrations, transaction

import conversations.models.user

HOLDERS = (("conversations", "User"), ("conversations", "Invitation"), ("account", "EmailAddress"))


def to_lower_case(apps, schema_editor):
    using = schema_editor.connection.alias
    for holder in HOLDERS:
        rows = apps.get_model(*holder)._base_manager.using(using)
        # By Python: SQLite's own lower case is that of ASCII alone.
        for pk, email in list(rows.exclude(email="").values_list("pk", "email")):
            if email != email.lower():
                # One that somebody has in lower case as well stays: it opens nothing.
                with suppress(IntegrityError), transaction.atomic(using=using):
                    rows.filter(pk=pk).update(email=email.lower())


class Migration(migrations.Migration):

    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("conversations", "0016_what_providers_list"),
    ]

    operations = [
        migrations.AlterModelManagers(
            name="user",
            managers=[("objects", conversations.models.user.PersonManager())],
        ),
        migrations.RunPython(to_lower_case, migrations.RunPython.noop),
    ]
