"""A child that was taken over may say what it likes: it gets nothing stored but its own file, as what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conversations.attachments.kinds import JPEG, PDF, PNG
from conversations.attachments.reply import checked

FILE = {"name": "original", "media_type": PNG, "width": 3, "height": 2}
FROZEN = {"media_type": PNG, "width": 3, "height": 2, "pages": None, "tokens": 1, "files": {"original": FILE}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("key")
    found = tmp_path / "job"
    found.mkdir()
    (found / "original").write_bytes(b"x")
    (found / "thumbnail").symlink_to(tmp_path / "secret")
    return found


@pytest.mark.parametrize(
    ("reply", "task", "media_type"),
    [
        (FROZEN, "freeze", PNG),
        (FROZEN | {"media_type": JPEG}, "freeze", PNG),
        ({"files": {"sent": FILE}}, "variant", PNG),
        ({"files": {}}, "variant", PNG),
        (FROZEN | {"media_type": PDF, "width": None, "height": None, "pages": 2, "files": {}}, "freeze", PDF),
        (
            FROZEN | {"media_type": "text/csv", "files": {"original": FILE | {"media_type": "text/plain"}}},
            "freeze",
            "text/csv",
        ),
        ({"refused": "too_large", "message": "No."}, "freeze", PNG),
        ({"no_room": 28}, "variant", PNG),
    ],
)
def test_what_the_child_says_is_believed(
    reply: dict[str, Any], task: str, media_type: str, folder: Path
) -> None:
    assert checked(reply, task, media_type, folder) == reply


@pytest.mark.parametrize(
    "reply",
    [
        [],
        7,
        {},
        FROZEN | {"files": []},
        FROZEN | {"files": {"other": FILE}},
        FROZEN | {"media_type": "text/html"},
        FROZEN | {"width": -1},
        FROZEN | {"tokens": 2**31},
        {"files": {"original": FILE}},
        {"refused": "gladly", "message": "No."},
        {"refused": "invalid", "message": 7},
        {"no_room": "none"},
        *(
            FROZEN | {"files": {"original": FILE | wrong}}
            for wrong in (
                {"name": "/etc/passwd"},
                {"name": "../secret"},
                {"name": ["original"]},
                {"name": "sent"},
                {"name": "thumbnail"},
                {"media_type": "text/html"},
                {"media_type": "text/plain"},
                {"height": "2"},
            )
        ),
    ],
)
def test_anything_else_is_not(reply: Any, folder: Path) -> None:
    with pytest.raises(ValueError):
        checked(reply, "freeze", PNG, folder)
