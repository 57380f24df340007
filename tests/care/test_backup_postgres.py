"""The same on PostgreSQL: one moment of all tables, and back into an empty database with its sequences."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import prepared
from tests.running_site import manage
from tests.services import new_database

FILL = (
    "from django.contrib.auth.models import Group; from conversations.models import *;"
    "u = User.objects.create_superuser('carol', '', 'x'); u.groups.add(Group.objects.create(name='Research'));"
    "p = Provider(name='Ours\\t\\\\n', dialect='anthropic'); p.set_api_key('sk-canary-0123456789abcdef'); p.save();"
    "c = Conversation.objects.create(owner=u, title='Büro');"
    "m = Message.objects.create(conversation=c, role='user', content=[{'type': 'text', 'text': 'a\\tb\\n\\\\N'}]);"
    "c.current_leaf = m; c.save()"
)
READ = (
    "from conversations.models import *; u = User.objects.get(); m = Message.objects.get();"
    "print([g.name for g in u.groups.all()], sorted(m.content[0].items()), m.conversation.current_leaf_id == m.pk,"
    "Provider.objects.get().api_key.reveal(), User.objects.create_user('next').pk > u.pk)"
)


@pytest.fixture
def databases(postgres: str) -> tuple[str, str]:
    """A migrated database and an empty one."""
    return prepared.postgres_database(), new_database(postgres)


def test_all_tables_come_back_with_their_sequences(databases: tuple[str, str], tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup.tar"
    source, target = ({"DATABASE_URL": url, "SECRET_KEY": "s" * 50} for url in databases)
    made = manage(data, "shell", "-v0", "-c", FILL, **source)
    assert made.returncode == 0, made.stderr
    # As an older version would have left it.
    for command in (("migrate", "conversations", "0019"), ("backup", str(backup))):
        done = manage(data, *command, **source)
        assert done.returncode == 0, done.stderr
    restored = manage(data, "restore", str(backup), **target)
    assert restored.returncode == 0, restored.stderr
    read = manage(data, "shell", "-v0", "-c", READ, **target)
    assert read.stdout.strip() == (
        "['Research'] [('text', 'a\\tb\\n\\\\N'), ('type', 'text')] True sk-canary-0123456789abcdef True"
    ), read.stderr
    assert manage(data, "migrate", "--check", **target).returncode == 0


def test_a_backup_of_the_other_kind_is_refused(postgres: str, tmp_path: Path) -> None:
    data, backup = prepared.data_folder(tmp_path / "data"), tmp_path / "backup.tar"
    assert manage(data, "backup", str(backup)).returncode == 0
    done = manage(data, "restore", str(backup), DATABASE_URL=new_database(postgres))
    assert done.returncode == 1
    assert "is of a sqlite database" in done.stderr
