"""Bytes decide what a file is, its name is a label, and its cost can be told beforehand."""

from __future__ import annotations

import pytest

from conversations.attachments import kinds
from conversations.attachments.names import label
from conversations.attachments.refusal import FileRefused, megabytes
from conversations.attachments.tokens import fitted, pdf_tokens, picture_tokens, text_tokens

from .given import encoded, picture


@pytest.mark.parametrize(
    ("format", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a", "a.txt", "A.GIF"])
def test_a_picture_is_what_its_bytes_say(format: str, media_type: str, name: str) -> None:
    assert kinds.recognise(encoded(picture(), format), name) == media_type


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("notes.md", "text/markdown"), ("notes.MARKDOWN", "text/markdown"), ("table.csv", "text/csv"),
        ("data.json", "application/json"), ("main.py", "text/plain"), ("page.html", "text/plain"),
        ("Makefile", "text/plain"), ("a.b.c", "text/plain"),
    ],
)  # fmt: skip
def test_text_goes_by_its_name(name: str, media_type: str) -> None:
    assert kinds.recognise(b"<p>Some text</p>", name) == media_type
    assert kinds.is_text(media_type)


def test_a_pdf_may_begin_with_space() -> None:
    assert kinds.recognise(b"\n %PDF-1.7", "a") == "application/pdf"
    assert not kinds.is_text("application/pdf")


def test_text_about_drawings_is_no_drawing() -> None:
    assert kinds.recognise(b"Use <svg> for drawings.", "a.md") == "text/markdown"
    assert kinds.recognise(b"<p>Use the svgs.</p>", "a.html") == "text/plain"


@pytest.mark.parametrize(
    "source",
    [
        b"<!doctype html>\n<html><body><svg width='1'></svg><p>Hi</p></body></html>",
        b'<?xml version="1.0"?>\n<!-- Icons -->\n<icons><svg/></icons>',
        b"<!-- Notes -->\n# Drawings\nUse <svg> for them.", b"<template><svg/></template>",
    ],
)  # fmt: skip
def test_source_code_with_a_drawing_in_it_is_source_code(source: bytes) -> None:
    assert kinds.recognise(source, "a") == "text/plain"


def test_a_drawing_may_begin_with_a_prolog_of_its_own_making() -> None:
    doctype = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd" [ <!ENTITY a "b>"> ]>'
    with pytest.raises(FileRefused, match="SVG"):
        kinds.recognise(b'<?xml version="1.0"?><!-- <a> --><!-- b -->\n' + doctype + b"<svg>", "a")
    assert kinds.recognise(b"<!---->" * 580 + b"<p>", "a") == "text/plain"


@pytest.mark.parametrize(
    "text", ["MZ,Mozambique\n", "BZh is a compressed file", "Rar! said the lion", "box:ftypes", "8BPS – Psd"]
)
def test_text_may_begin_as_foreign_files_do(text: str) -> None:
    assert kinds.recognise(text.encode(), "a") == "text/plain"
    with pytest.raises(FileRefused, match="cannot be read here"):
        kinds.recognise(text.encode() + b"\x01", "a")


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"Rar!\x1a\x07", b"\x7fELF", b"MZ\x90", b"\x28\xb5\x2f\xfd"])
def test_foreign_files_are_known_by_few_bytes(head: bytes) -> None:
    with pytest.raises(FileRefused, match="cannot be read here"):
        kinds.recognise(head + b"words", "a")


@pytest.mark.parametrize("sentence", ["HEIC", "JPEG"])
def test_the_refusal_of_heic_says_what_to_do(sentence: str) -> None:
    with pytest.raises(FileRefused, match=sentence):
        kinds.recognise(b"\0\0\0\x18ftypheic", "IMG_1.HEIC")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../x", "x"), ("C:\\x\\y.png", "y.png"), ("a/b", "b"), ("a/b/", "b"), (".htaccess", ".htaccess"),
        ("CON", "CON"), ("", "file"), ("..", "file"), ("/", "file"), (" ", "file"), ("\0", "file"),
        ("a\r\nSet-Cookie: x=1.png", "a Set-Cookie: x=1.png"), ('a".png', 'a".png'), ("a\0b", "a b"),
        ("photo\u202egpj.exe", "photogpj.exe"), ("a\u2028b", "a b"), ("\ud800.png", "\ufffd.png"),
        ("👩‍👩‍👧.png", "👩‍👩‍👧.png"), ("a\U000e0041b", "ab"),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
    ],
)  # fmt: skip
def test_a_name_is_one_line_and_no_path(given: str, shown: str) -> None:
    assert label(given) == shown


def test_a_long_name_keeps_its_end() -> None:
    assert label("x" * 5000 + ".png") == "x" * 251 + ".png"


@pytest.mark.parametrize(
    ("size", "standard", "high"),
    [
        ((200, 200), 64, 64), ((1000, 1000), 1296, 1296), ((1092, 1092), 1521, 1521),
        ((1920, 1080), 1560, 2691), ((3840, 2160), 1560, 4784), ((1, 1), 1, 1), ((8000, 1), 56, 92),
    ],
)  # fmt: skip
def test_tokens_of_pictures_are_the_documented_ones(size: tuple[int, int], standard: int, high: int) -> None:
    assert picture_tokens(*size) == standard
    assert picture_tokens(*size, high_resolution=True) == high


def test_letters_of_other_scripts_weigh_more() -> None:
    assert text_tokens(len(b"hello world")) == 4
    assert text_tokens(len("привет мир!".encode())) > text_tokens(len(b"hello world"))
    assert pdf_tokens(2) == 4500


def test_sizes_are_fitted_and_never_enlarged() -> None:
    assert fitted(4000, 3000, 1568) == (1568, 1176)
    assert fitted(10, 20, 1568) == (10, 20)
    assert fitted(8000, 1, 1568) == (1568, 1)


def test_sizes_are_told_in_megabytes() -> None:
    assert (megabytes(20 << 20), megabytes(24_536_678)) == ("20 MB", "23.4 MB")
    assert megabytes(32_000_000, 1000) == "32 MB"


def test_what_is_small_is_not_told_as_nothing() -> None:
    assert (megabytes(105_000), megabytes(12_595), megabytes(2048)) == ("0.1 MB", "12.3 KB", "2 KB")
