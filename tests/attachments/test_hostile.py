"""Bombs, broken files and files that pretend: each harms only its own upload (promises P19, U01 to U15)."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conversations.attachments import kinds, process
from conversations.attachments.refusal import FileRefused
from conversations.models import Attachment, StoredFile
from tests.world import Person

from .given import content, picture, post, upload
from .hostile import HARMLESS, REFUSED, SCRIPT, encoded, gif_of_frames, png_of

PATIENCE = 15.0


@pytest.mark.parametrize("attack", REFUSED)
def test_a_file_that_cannot_be_good_is_refused_with_a_sentence(attack: str, alice: Person) -> None:
    status, name, build = REFUSED[attack]
    data = build()
    began = time.monotonic()
    response = post(alice, data, name, "image/png")
    assert time.monotonic() - began < PATIENCE
    assert response.status_code == status, response.content
    error = response.json()["error"]
    assert error["type"] in ("invalid_request", "too_large", "unsupported_media_type")
    assert error["message"].endswith(".") and error["message"][0].isupper()
    assert not Attachment.objects.exists() and not StoredFile.objects.exists()


@pytest.mark.parametrize("attack", HARMLESS)
def test_what_hides_in_a_file_is_not_kept(attack: str, alice: Person) -> None:
    name, build = HARMLESS[attack]
    response = post(alice, build(), name)
    assert response.status_code in (201, 400, 413), response.content
    if response.status_code == 201 and not name.endswith(".pdf"):
        body = response.json()
        for url in (body["url"], body["thumbnail_url"]):
            served = content(alice.get(url))
            assert SCRIPT not in served and b"PK\3\4" not in served


def test_a_comment_is_no_reason_to_refuse_a_picture(alice: Person) -> None:
    for attack in ("jpeg with a comment", "png with a comment", "webp with a comment", "gif with a comment"):
        name, build = HARMLESS[attack]
        assert post(alice, build(), name).status_code == 201


def run(data: bytes, name: str, folder: Path) -> dict[str, Any]:
    source = folder / f"{threading.get_ident()}-{name}"
    source.write_bytes(data)
    own = folder / str(threading.get_ident())
    own.mkdir(exist_ok=True)
    with source.open("rb") as opened:
        return process.run("freeze", kinds.recognise(data, name), opened, own, process.limits())


@pytest.mark.parametrize(
    ("media_type", "data"), [("image/png", encoded(picture())), ("text/plain", "text".encode("utf-16"))]
)
def test_a_full_disk_is_not_taken_for_a_damaged_file(tmp_path: Path, media_type: str, data: bytes) -> None:
    (tmp_path / "original").symlink_to("/dev/full")
    (tmp_path / "given").write_bytes(data)
    with (tmp_path / "given").open("rb") as given, pytest.raises(OSError, match="no room"):
        process.run("freeze", media_type, given, tmp_path, process.limits())


def test_a_file_that_takes_too_long_ends_at_its_time(settings: Any, tmp_path: Path) -> None:
    settings.ATTACHMENT_CHILD_CPU_SECONDS = 1
    with pytest.raises(FileRefused, match="too long"):
        run(gif_of_frames(800_000), "a.gif", tmp_path)


def test_a_process_that_hangs_is_killed(settings: Any, tmp_path: Path) -> None:
    settings.ATTACHMENT_CHILD_SECONDS = 0.001
    with pytest.raises(FileRefused, match="too long"):
        run(encoded(picture()), "a.png", tmp_path)
    assert not children()


def test_a_file_that_needs_too_much_memory_ends_at_its_limit(settings: Any, tmp_path: Path) -> None:
    settings.ATTACHMENT_CHILD_MEMORY = 90 * 1024 * 1024
    flat = png_of(4000, 4000, colour=6, rows=bytes(16_001) * 4000)
    with pytest.raises(FileRefused):
        run(flat, "a.png", tmp_path)


def test_twenty_hostile_files_at_once_run_two_by_two_and_leave_the_server_as_it_was(tmp_path: Path) -> None:
    attacks = [
        "pdf bomb",
        "png with a bad sum",
        "gif of 10,000 frames",
        "png bomb of 900 megapixels",
        "pdf of noise",
    ]
    files = [(REFUSED[name][1], REFUSED[name][2]()) for name in attacks] * 4
    most = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.01):
            most = max(most, len(children()))

    watching = threading.Thread(target=watch)
    watching.start()
    before = memory()
    try:
        with ThreadPoolExecutor(20) as threads:
            refused = list(threads.map(lambda file: refusal(*reversed(file), tmp_path), files))
    finally:
        done.set()
        watching.join()
    assert all(refused)
    assert most == 2
    assert memory() - before < 64 * 1024 * 1024


def refusal(data: bytes, name: str, folder: Path) -> str:
    try:
        run(data, name, folder)
    except FileRefused as refused:
        return refused.message
    return ""


def children() -> list[str]:
    """Process ids of the file readers that this process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = path.joinpath("stat").read_text().rpartition(")")[2].split()[1]
            command = path.joinpath("cmdline").read_bytes()
        except OSError:
            continue
        if parent == str(os.getpid()) and b"conversations.attachments.child" in command:
            found.append(path.name)
    return found


def memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_good_file_is_taken_while_bombs_go_off(alice: Person, tmp_path: Path) -> None:
    bomb = REFUSED["pdf bomb"][2]()
    with ThreadPoolExecutor(4) as threads:
        bombs = [threads.submit(refusal, bomb, "a.pdf", tmp_path) for _ in range(2)]
        assert upload(alice)["media_type"] == "image/png"
        assert all(bomb.result() for bomb in bombs)
