"""Chunked coding cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.upstream.chunked import ChunkedDecoder


def encode(pieces: list[bytes], extension: bytes = b"") -> bytes:
    return (
        b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces if piece)
        + b"0\r\n\r\n"
    )


@given(
    st.lists(st.binary(max_size=30), max_size=6), st.integers(1, 20), st.sampled_from([b"", b";a=b", b"  "])
)
def test_any_body_is_decoded_under_any_cut(pieces: list[bytes], step: int, extension: bytes) -> None:
    raw = encode(pieces, extension)
    decoder = ChunkedDecoder()
    body = b"".join(
        decoder.feed(raw[position : position + step])
        for position in range(0, len(raw), step)
        if not decoder.done
    )
    assert body == b"".join(pieces)
    assert decoder.done


@pytest.mark.parametrize(
    "raw", [b"xyz\r\n", b"-1\r\n", b"\r\n", b"+5\r\nhello\r\n", b"0x5\r\nhello\r\n", b"5" * 5000]
)
def test_what_is_no_chunk_is_refused(raw: bytes) -> None:
    decoder = ChunkedDecoder()
    assert decoder.feed(encode([b"before"])[:-5] + raw) == b"before"
    assert decoder.broken
    assert decoder.feed(b"more") == b""
