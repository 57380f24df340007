"""The scripts keep the rules that the manifest storage needs, and stay within what the page may weigh."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import brotli
import pytest
from django.conf import settings

from conversations.templatetags.chat import ICONS, page_modules

ROOT = Path(settings.BASE_DIR)
STATIC = ROOT / "static"
MODULES = sorted((STATIC / "js").rglob("*.js"))
IMPORT = re.compile(r'^import (?:[^;"]*? from )?"(?P<name>[^"]+)";$', re.MULTILINE)
SCRIPT_BYTES = 40_000
FILE_HEADERS = 360


def imports(module: Path) -> list[Path]:
    return [(module.parent / name).resolve() for name in IMPORT.findall(module.read_text())]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_module_is_written_so_that_its_imports_are_hashed(module: Path) -> None:
    text = module.read_text()
    statements = re.findall(r"^import\b(?!\().*$", text, re.MULTILINE)
    assert len(statements) == len(IMPORT.findall(text)), "an import is not one line that ends in a semicolon"
    for name in IMPORT.findall(text):
        assert name.startswith(("./", "../")) and name.endswith(".js")
    for path in imports(module):
        assert path.is_file(), f"{path} does not exist"
    assert not re.search(r"^export\b[^;]*\bfrom\b\s*[\"']", text, re.MULTILINE)
    last_import = max((match.end() for match in IMPORT.finditer(text)), default=0)
    assert not re.search(r"""\bfrom\s*["']\.""", text[last_import:])
    assert not re.search(r"\bimport[\s{]", re.sub(IMPORT, "", text)), "the word import stands in other text"


def test_no_module_imports_itself_by_a_detour() -> None:
    done: set[Path] = set()

    def walk(module: Path, above: tuple[Path, ...]) -> None:
        assert module not in above, f"a cycle through {module.name}"
        if module not in done:
            for path in imports(module):
                walk(path, (*above, module))
            done.add(module)

    for module in MODULES:
        walk(module.resolve(), ())


def test_only_the_named_module_makes_nodes_of_html() -> None:
    for module in MODULES:
        if module.name != "html.js":
            text = module.read_text()
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(", text
            )


def test_scripts_name_icons_of_the_sprite_alone() -> None:
    for module in MODULES:
        for name in re.findall(r"#i-([a-z0-9-]+)", module.read_text()):
            assert name in ICONS


def test_the_first_load_stays_within_its_budget() -> None:
    needed = ["js/main.js", *page_modules()]
    assert len(needed) == len(set(needed))
    total = sum(len(brotli.compress((STATIC / name).read_bytes())) + FILE_HEADERS for name in needed)
    assert total <= SCRIPT_BYTES


def test_models_hold_in_node(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    # A Node before 20.19 takes modules for such only where a package says so, which no browser needs.
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for folder in ("static/js", "tests/js"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    tests = sorted((tmp_path / "tests/js").glob("*.test.js"))
    assert tests
    run = subprocess.run(
        [node, "--test", *map(str, tests)], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stdout[-4000:]
