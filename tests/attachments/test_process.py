"""The child may be anybody's program by the time it speaks: its words and its time are bounded."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest

from conversations.attachments import process
from conversations.attachments.refusal import FileRefused


def refused(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(process, "_PROGRAM", program)
    with TemporaryFile() as source, pytest.raises(FileRefused) as refusal:
        process.run("freeze", "image/png", source, folder, process.limits())
    return refusal.value.kind


def test_a_child_that_talks_for_ever_is_not_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "import sys, time\nwhile sys.stdout.write('x' * 4096): time.sleep(0.001)"
    assert refused(endless, tmp_path, monkeypatch) == "invalid"


def test_the_longest_time_that_the_setting_takes_can_be_waited(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ATTACHMENT_CHILD_SECONDS = 1e9
    assert refused("print('no reply')", tmp_path, monkeypatch) == "invalid"


def test_a_copy_of_the_child_that_stays_holds_nobody_up(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the child's end of the pipe, and would have it for ever."""
    settings.ATTACHMENT_CHILD_SECONDS = 1
    names = tmp_path / "pid"
    copy = f"""
import os, time
if pid := os.fork():
    open({str(names)!r}, "w").write(str(pid))
else:
    time.sleep(3600)
"""
    try:
        assert refused(copy, tmp_path, monkeypatch) == "invalid"
    finally:
        os.kill(int(names.read_text()), signal.SIGKILL)
