"""PDFs are counted and read through; texts become UTF-8."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from conversations.attachments import documents
from conversations.attachments.limits import Limits
from conversations.attachments.refusal import FileRefused

from .hostile import pdf_of_pages, zeros


def test_a_pdf_is_counted() -> None:
    found = documents.check_pdf(io.BytesIO(pdf_of_pages(3, stream=b"BT ET")), Limits())
    assert (found["pages"], found["tokens"], found["files"]) == (3, 6750, {})


def test_the_limit_of_pages_and_of_what_they_unpack_to_holds() -> None:
    limits = Limits()._replace(pdf_pages=2, pdf_unpacked=2 << 20)
    documents.check_pdf(io.BytesIO(pdf_of_pages(2, stream=zeros(1 << 20), filters=b"/FlateDecode")), limits)
    for bad in (pdf_of_pages(3), pdf_of_pages(2, stream=zeros(2 << 20), filters=b"/FlateDecode")):
        with pytest.raises(FileRefused) as caught:
            documents.check_pdf(io.BytesIO(bad), limits)
        assert caught.value.kind == "too_large"


def test_a_pdf_with_an_odd_page_is_taken() -> None:
    found = documents.check_pdf(io.BytesIO(pdf_of_pages(1, stream=b"x", filters=b"/NoSuchFilter")), Limits())
    assert found["pages"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_is_stored_as_utf_8_without_a_mark(encoding: str, tmp_path: Path) -> None:
    text = "Grüße, 世界 🎈\r\n" * 9
    found = documents.freeze_text(io.BytesIO(text.encode(encoding)), "text/csv", tmp_path)
    assert (tmp_path / "original").read_bytes() == text.encode()
    assert found["media_type"] == "text/csv" and found["tokens"] > 0


def test_a_character_across_two_pieces_stays_whole(tmp_path: Path) -> None:
    text = "a" + "é" * (1 << 20)
    documents.freeze_text(io.BytesIO(text.encode()), "text/plain", tmp_path)
    assert (tmp_path / "original").read_text() == text
