"""Tools that read the code: style, types, import contracts, deployment checks, migrations."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running_site import clean_environment

# Addresses of package registries have no place here: the requirements are exact and carry hashes.
REGISTRIES = re.compile(r"pypi\.org|pythonhosted|npmjs|//registry\.|index-url", re.IGNORECASE)


def run(root: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=root,
        capture_output=True,
        text=True,
        env=clean_environment(**variables),
    )


def tracked(root: Path) -> list[Path]:
    """Text files that belong to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("This copy has no Git history.")
    return [
        root / name for name in listed.stdout.splitlines() if not name.endswith((".png", ".ico", ".woff2"))
    ]


def test_ruff_finds_nothing(root: Path) -> None:
    done = run(root, "-m", "ruff", "check", "--quiet", "--output-format=concise", ".")
    assert done.returncode == 0, done.stdout


def test_the_formatter_changes_nothing(root: Path) -> None:
    done = run(root, "-m", "ruff", "format", "--check", "--quiet", ".")
    assert done.returncode == 0, done.stdout


def test_mypy_finds_nothing(root: Path, tmp_path: Path) -> None:
    done = run(root, "-m", "mypy", "--no-error-summary", CHATSITE_DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stdout


def test_imports_go_down_only(root: Path, tmp_path: Path) -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    done = run(root, "-c", program, CHATSITE_DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("public_url", ["https://chat.example.com", ""])
def test_the_deployment_checks_find_nothing(root: Path, tmp_path: Path, public_url: str) -> None:
    done = run(
        root,
        *("manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        CHATSITE_DATA_DIR=str(tmp_path),
        CHATSITE_PUBLIC_URL=public_url,
    )
    assert done.returncode == 0, done.stderr


def test_no_migration_is_missing(root: Path, tmp_path: Path) -> None:
    done = run(root, "manage.py", "makemigrations", "--check", "--dry-run", CHATSITE_DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stdout


def test_no_file_names_a_registry(root: Path) -> None:
    found = [
        str(path.relative_to(root))
        for path in tracked(root)
        if path.exists()
        and path != Path(__file__).resolve()
        and REGISTRIES.search(path.read_text(errors="replace"))
    ]
    assert found == []


def test_only_env_reads_the_environment(root: Path) -> None:
    reads = re.compile(r"\bos\.(environ|getenv)\b")
    # The workers set a variable, for the library that counts over processes.
    allowed = {"chatsite/env.py", "chatsite/asgi.py", "chatsite/settings_for_tests.py", "chatsite/workers.py"}
    found = {
        str(path.relative_to(root))
        for folder in ("chatsite", "conversations")
        for path in (root / folder).rglob("*.py")
        if reads.search(path.read_text())
    }
    assert found <= allowed


def test_requirements_are_exact_and_have_hashes(root: Path) -> None:
    found = []
    for name in ("requirements.txt", "requirements-scaled.txt", "requirements-dev.txt"):
        text = (root / name).read_text()
        pins = re.findall(r"^([A-Za-z0-9._-]+)(==\S+)?", text, re.MULTILINE)
        assert pins
        assert all(version for _, version in pins)
        assert text.count("==") <= text.count("--hash=sha256:")
        found.append(set(pins))
    # Each file holds all of the one before, so that any of them alone makes a whole environment.
    assert found[0] < found[1] < found[2]
