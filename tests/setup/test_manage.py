"""`manage.py` before it runs in `.venv`: with a bare Python, without network, without a real installation."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.running_site import ROOT, clean_environment


@pytest.fixture
def manage(tmp_path: Path) -> ModuleType:
    """manage.py of a copy of the project that has no `.venv` yet."""
    for name in ("manage.py", "requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    spec = importlib.util.spec_from_file_location("manage_of_a_copy", tmp_path / "manage.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fake_environment(manage: ModuleType) -> None:
    """A `.venv` whose Python is this one, with a stamp that says it is complete."""
    python = Path(manage.VENV_PYTHON)
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    wanted = manage.digest([str(Path(manage.ROOT) / "requirements.txt")])
    manage.write_stamp({"folder": manage.VENV, "python": sys.executable, "run": wanted})


def test_it_can_be_read_by_pythons_that_are_too_old() -> None:
    ast.parse((ROOT / "manage.py").read_text(), feature_version=(3, 8))


def test_it_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse((ROOT / "manage.py").read_text())
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in top if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names


def test_a_complete_environment_is_left_alone(manage: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    fake_environment(manage)
    manage.ensure_environment(False)
    assert capfd.readouterr() == ("", "")


def test_a_changed_requirement_a_moved_folder_and_a_lost_python_are_noticed(manage: ModuleType) -> None:
    fake_environment(manage)
    stamp = json.loads(Path(manage.STAMP).read_text())
    assert manage.read_stamp() == stamp
    for changed in ({"folder": "/elsewhere"}, {"python": "/no/python"}):
        manage.write_stamp({**stamp, **changed})
        assert manage.read_stamp() == {}
    Path(manage.STAMP).write_text("{broken")
    assert manage.read_stamp() == {}
    requirements = Path(manage.ROOT) / "requirements.txt"
    before = manage.digest([str(requirements)])
    requirements.write_text(requirements.read_text() + "\n")
    assert manage.digest([str(requirements)]) != before


def test_packages_that_were_installed_by_hand_are_accepted(manage: ModuleType) -> None:
    # This test runs in an environment that holds all of them.
    python = Path(manage.VENV_PYTHON)
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    manage.ensure_environment(True)
    assert manage.read_stamp()["test"]


def test_a_pip_that_installs_for_the_user_elsewhere_does_not_here(manage: ModuleType, tmp_path: Path) -> None:
    """A line in pip.conf is enough for that; a variable goes before it."""
    python = Path(manage.VENV_PYTHON)
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$3 $PIP_USER" > "{tmp_path}/asked"\n')
    python.chmod(0o755)
    manage.write_stamp({"folder": manage.VENV, "python": str(python), "run": "of an older version"})
    manage.ensure_environment(False)
    assert (tmp_path / "asked").read_text() == "install 0\n"


def test_a_pin_that_is_not_installed_is_noticed(manage: ModuleType, tmp_path: Path) -> None:
    for line, found in (("django==5.2.19 \\", 0), ("django==1.0 \\", 1), ("no-such-package==1.0", 1)):
        (tmp_path / "pins.txt").write_text(line + "\n    --hash=sha256:00\n")
        code = subprocess.call(
            [sys.executable, "-c", manage.CHECK_PINS, str(tmp_path / "pins.txt")], stderr=subprocess.DEVNULL
        )
        assert code == found, line


def test_without_the_venv_module_it_says_what_to_install(manage: ModuleType) -> None:
    blocker = (
        "import sys, runpy; sys.modules['ensurepip'] = None; sys.argv = ['manage.py', 'check']; "
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocker],
        cwd=manage.ROOT,
        capture_output=True,
        text=True,
        env=clean_environment(),
    )
    assert done.returncode == 1
    assert "sudo apt install python3" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_python_that_is_too_old_says_so(manage: ModuleType, tmp_path: Path) -> None:
    pretend = (
        "import sys, runpy; sys.version_info = (3, 9, 6, 'final', 0); sys.argv = ['manage.py', 'check']; "
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", pretend],
        cwd=manage.ROOT,
        capture_output=True,
        text=True,
        env=clean_environment(PATH=str(tmp_path / "empty")),
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; this is Python 3.9" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_goes_on_with_a_newer_python_of_the_machine(manage: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    shim, newer = folder / "python3.14", folder / "python3.12"
    shim.write_text("#!/bin/sh\nexit 127\n")
    newer.write_text('#!/bin/sh\n[ "$1" = -c ] && exit 0\necho "newer runs: $2 $3"\n')
    for program in (shim, newer):
        program.chmod(0o755)
    pretend = (
        "import sys, runpy; sys.version_info = (3, 9, 6, 'final', 0); sys.argv = ['manage.py', 'check', '--x']; "
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", pretend],
        cwd=manage.ROOT,
        capture_output=True,
        text=True,
        env=clean_environment(PATH=f"{folder}:/usr/bin:/bin"),
    )
    assert done.stdout == "newer runs: check --x\n"


def test_commands_run_in_the_environment_whatever_the_machine_has(tmp_path: Path) -> None:
    fake = tmp_path / "django"
    fake.mkdir()
    (fake / "__init__.py").write_text("raise SystemExit('the wrong Django')")
    env = clean_environment(PYTHONPATH=str(tmp_path), CHATSITE_DATA_DIR=str(tmp_path / "data"))
    base = getattr(sys, "_base_executable", sys.executable)
    program = "import django, sys; print(django.get_version(), sys.prefix)"
    done = subprocess.run(
        [base, "manage.py", "shell", "-v", "0", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=env,
    )
    assert done.stdout.split() == ["5.2.19", str(ROOT / ".venv")], done.stderr


def test_it_may_be_called_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "chat").symlink_to(ROOT / "manage.py")
    program = "import sys; print(sys.prefix)"
    done = subprocess.run(
        [sys.executable, tmp_path / "chat", "shell", "-v", "0", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=clean_environment(CHATSITE_DATA_DIR=str(tmp_path / "data")),
    )
    assert done.stdout.strip() == str(ROOT / ".venv"), done.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONPATH": "{another}"},
        {"PYTHONSAFEPATH": "1"},
        {"DJANGO_SETTINGS_MODULE": "another.settings"},
        {"PYTHONIOENCODING": "ascii"},
    ],
)
def test_what_is_set_for_other_programs_does_no_harm_inside_the_environment_either(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    """As where it was activated, or is named in a service: nothing has left these out then."""
    fake = tmp_path / "django"
    fake.mkdir()
    (fake / "__init__.py").write_text("raise SystemExit('the wrong Django')")
    given = {name: value.format(another=tmp_path) for name, value in variables.items()}
    program = "import django; print(django.get_version(), chr(0x201C), end='')"
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "python", "manage.py", "shell", "-v", "0", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=clean_environment(CHATSITE_DATA_DIR=str(tmp_path / "data"), PYTHONUTF8="1", **given),
    )
    seen = "\\u201c" if "PYTHONIOENCODING" in given else "\u201c"
    assert done.stdout == f"5.2.19 {seen}", done.stderr


@pytest.mark.parametrize(
    ("given", "processes"),
    [([], True), (["-k", "x"], True), (["-n", "0"], False), (["-n4"], False), (["--pdb"], False)],
)
def test_the_suite_runs_on_several_processes_unless_told_otherwise(
    manage: ModuleType, given: list[str], processes: bool
) -> None:
    assert (manage.pytest_arguments(given)[2:4] == ["-n", "3"]) is processes
    assert manage.pytest_arguments(given)[-len(given) or None :] == given or not given


def test_the_environment_of_others_does_not_get_in(manage: ModuleType) -> None:
    assert {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET"} <= set(manage.FOREIGN)
    assert os.path.isabs(manage.VENV)
