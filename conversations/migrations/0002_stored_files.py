import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

FILE = {"on_delete": django.db.models.deletion.PROTECT, "related_name": "+", "to": "conversations.storedfile"}


class Migration(migrations.Migration):
    """Attachments refer to stored files. Until now none could be made, so the table is simply made anew."""

    dependencies = [("conversations", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="StoredFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64)),
                ("media_type", models.CharField(max_length=100)),
                ("size", models.PositiveBigIntegerField()),
                ("width", models.PositiveIntegerField(null=True)),
                ("height", models.PositiveIntegerField(null=True)),
                ("file", models.FileField(max_length=200, upload_to="")),
                ("complete", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("complete", True)), fields=("sha256",), name="bytes_are_stored_once"
                    )
                ],
            },
        ),
        migrations.DeleteModel(name="Attachment"),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255)),
                ("media_type", models.CharField(max_length=100)),
                ("size", models.PositiveBigIntegerField()),
                ("width", models.PositiveIntegerField(null=True)),
                ("height", models.PositiveIntegerField(null=True)),
                ("pages", models.PositiveIntegerField(null=True)),
                ("tokens", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "uploader",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="attachments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="conversations.conversation",
                    ),
                ),
                ("original", models.ForeignKey(**FILE)),
                ("sent", models.ForeignKey(**FILE)),
                ("sent_large", models.ForeignKey(blank=True, null=True, **FILE)),
                ("thumbnail", models.ForeignKey(blank=True, null=True, **FILE)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("conversation", None)),
                        fields=["created_at"],
                        name="unsent_attachments",
                    )
                ],
            },
        ),
    ]
