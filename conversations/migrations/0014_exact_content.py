from django.db import migrations

import conversations.models.exact_json


def change_to(type):
    def change(apps, schema_editor):
        # On SQLite the column stays as it is: its text was always kept.
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f"ALTER TABLE conversations_message ALTER COLUMN content TYPE {type} USING content::{type}"
            )

    return change


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0013_title_of_share_links'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(change_to("json"), change_to("jsonb"))],
            state_operations=[
                migrations.AlterField(
                    model_name='message',
                    name='content',
                    field=conversations.models.exact_json.ExactJSONField(default=list),
                ),
            ],
        ),
    ]
