"""The step from plain headers of providers to encrypted ones, and back."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from conversations.models import Provider

BEFORE, AFTER = ("conversations", "0008_alt_text"), ("conversations", "0009_encrypted_headers")
HEADERS = {"X-Team": "secret-value", "anthropic-beta": "one"}


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
def test_what_is_stored_is_encrypted_and_decrypted_again() -> None:
    call_command("migrate", *BEFORE, verbosity=0)
    try:
        old = MigrationExecutor(connection).loader.project_state([BEFORE]).apps
        rows = old.get_model("conversations", "Provider").objects
        rows.create(name="Plain", dialect="anthropic", extra_headers=HEADERS)
        rows.create(name="None", dialect="anthropic")
        call_command("migrate", *AFTER, verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM conversations_provider")
            assert "secret-value" not in str(cursor.fetchall())
        # Later columns are not there yet.
        encrypted = Provider.objects.only("sealed_headers")
        assert encrypted.get(name="Plain").extra_headers == HEADERS
        assert encrypted.get(name="None").extra_headers == {}
        call_command("migrate", *BEFORE, verbosity=0)
        assert rows.get(name="Plain").extra_headers == HEADERS
    finally:
        call_command("migrate", verbosity=0)
