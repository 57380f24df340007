"""The collected files as browsers get them (dependencies P6)."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from django.templatetags.static import static

from chatsite import data_folder
from chatsite.storage import StaticStorage


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """STATIC_ROOT after `start` filled it."""
    from django.conf import settings
    from django.test import override_settings

    folder = tmp_path_factory.mktemp("static")
    storage = {"BACKEND": "chatsite.storage.StaticStorage"}
    with override_settings(STATIC_ROOT=folder, STORAGES={**settings.STORAGES, "staticfiles": storage}):
        assert data_folder.collect_static()
        assert not data_folder.collect_static()
        (folder / "sources").write_text("older")
        assert data_folder.collect_static()
    return folder


def ours(folder: Path, ending: str) -> list[Path]:
    return [path for path in folder.rglob(f"*.{ending}") if "admin" not in path.relative_to(folder).parts]


def test_every_module_is_found_under_the_name_that_its_importer_uses(collected: Path) -> None:
    pattern = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.{1,2}/[^"']+|/static/[^"']+)["']""")
    modules = ours(collected, "js")
    for module in modules:
        for name in pattern.findall(module.read_text()):
            target = (
                collected / name.removeprefix("/static/") if name.startswith("/") else module.parent / name
            )
            assert Path(os.path.normpath(target)).is_file(), f"{module.name} imports {name}"
            assert re.search(r"\.[0-9a-f]{12}\.", posixpath.basename(name)), f"{name} is not hashed"


def test_style_sheets_and_scripts_are_compressed_and_hashed(collected: Path) -> None:
    files = ours(collected, "css") + ours(collected, "js")
    assert files
    for file in files:
        assert re.search(r"\.[0-9a-f]{12}\.", file.name)
        if file.stat().st_size > 1000:
            assert file.with_name(file.name + ".br").exists()
            assert file.with_name(file.name + ".gz").exists()


def test_before_files_were_collected_plain_names_are_used(tmp_path: Path, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path
    assert StaticStorage(location=tmp_path, base_url="/static/").url("css/base.css") == "/static/css/base.css"


def test_templates_name_static_files_in_tests() -> None:
    assert static("css/base.css") == "/static/css/base.css"
    assert storages["staticfiles"] is not None
    assert staticfiles_storage.url("x.css") == "/static/x.css"
