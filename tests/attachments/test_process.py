"""The child may be anybody's program by the time it speaks: its words are bounded."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

import pytest

from conversations.attachments import process
from conversations.attachments.refusal import FileRefused

ENDLESS = "import sys, time\nwhile sys.stdout.write('x' * 4096): time.sleep(0.001)"


def test_a_child_that_talks_for_ever_is_not_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_PROGRAM", ENDLESS)
    with TemporaryFile() as source, pytest.raises(FileRefused) as refused:
        process.run("freeze", "image/png", source, tmp_path, process.limits())
    assert refused.value.kind == "invalid"
