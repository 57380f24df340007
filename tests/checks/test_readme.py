"""The README names every variable that is read, and the commands that really exist."""

from __future__ import annotations

from pathlib import Path

from chatsite.env import env


def test_every_variable_is_documented(root: Path) -> None:
    readme = (root / "README.md").read_text()
    assert [name for name in env.names if f"`{name}`" not in readme] == []


def test_secrets_can_stand_in_files(root: Path) -> None:
    readme = (root / "README.md").read_text()
    assert "_FILE" in readme
    rows = [line for line in readme.splitlines() if line.startswith("|")]
    for name in env.secret_names:
        assert any(f"`{name}`" in row and "secret" in row for row in rows), name


def test_the_commands_are_the_real_ones(root: Path) -> None:
    readme = (root / "README.md").read_text()
    for command in ("python3 manage.py start", "python3 manage.py test"):
        assert command in readme
    assert "python3 manage.py test" in (root / ".ci" / "run").read_text()
