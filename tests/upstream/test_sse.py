"""The SSE parser against the standard's rules, cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.upstream.sse import EventTooLarge, SSEParser

Pairs = list[tuple[bytes, bytes]]


def parse(*chunks: bytes, flush: bool = False) -> Pairs:
    parser = SSEParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.flush() if flush else events


def every_split(raw: bytes) -> list[Pairs]:
    return [parse(raw[:cut], raw[cut:]) for cut in range(len(raw) + 1)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"event: a\ndata: 1\n\n", [(b"a", b"1")]),
        (b"event: a\r\ndata: 1\r\n\r\n", [(b"a", b"1")]),
        (b"event: a\rdata: 1\r\r", [(b"a", b"1")]),
        (b"event: a\r\ndata: 1\n\r\ndata: 2\r\r", [(b"a", b"1"), (b"", b"2")]),
        (b"\xef\xbb\xbfdata: 1\n\n", [(b"", b"1")]),
        (b"data: 1\n\n\xef\xbb\xbfdata: 2\n\n", [(b"", b"1")]),
        (b": comment\ndata: 1\n: another\n\n", [(b"", b"1")]),
        (b"data:1\n\ndata:  2\n\n", [(b"", b"1"), (b"", b" 2")]),
        (b"data: 1\ndata: 2\n\n", [(b"", b"1\n2")]),
        (b"data\n\n", [(b"", b"")]),
        (b"event: lost\n\ndata: 1\n\n", [(b"", b"1")]),
        (b"id: 7\nretry: 3\nfoo: bar\ndata: 1\n\n", [(b"", b"1")]),
        ('data: "a\u2028b\u0085c"\n\n'.encode(), [(b"", '"a\u2028b\u0085c"'.encode())]),
        (b"\n\n\n\ndata: 1\n\n\n", [(b"", b"1")]),
    ],
)
def test_a_stream_reads_the_same_wherever_it_is_cut(raw: bytes, expected: Pairs) -> None:
    assert all(events == expected for events in every_split(raw))
    assert parse(*(raw[position : position + 1] for position in range(len(raw)))) == expected


def test_an_event_without_its_blank_line_comes_at_the_end() -> None:
    assert parse(b"event: a\ndata: 1\n", flush=True) == [(b"a", b"1")]
    assert parse(b"data: 1\n\ndata: 2", flush=True) == [(b"", b"1"), (b"", b"2")]
    assert parse(b"\xef\xbb\xbfdata: 1", flush=True) == [(b"", b"1")]
    assert parse(b"event: a\n", flush=True) == []
    assert parse(b"data: 1\nevent: a", flush=True) == [(b"a", b"1")]
    assert parse(b"data: 1\n: bye", flush=True) == [(b"", b"1")]


values = st.binary(min_size=1, max_size=12).map(lambda raw: raw.replace(b"\r", b"?").replace(b"\n", b"?"))
lines = st.one_of(
    st.tuples(st.just(b"data: "), values),
    st.tuples(st.just(b"event: "), values),
    st.tuples(st.just(b": "), values),
    st.tuples(st.just(b"id: "), values),
    st.tuples(st.just(b""), st.just(b"")),
)


@given(
    st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=20),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_any_stream_reads_the_same_under_any_cuts(
    parts: list[tuple[tuple[bytes, bytes], bytes]], cuts: list[int]
) -> None:
    raw = b"".join(prefix + value + end for (prefix, value), end in parts)
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    pieces = [raw[start:stop] for start, stop in zip(edges, edges[1:], strict=False)]
    assert parse(*pieces, flush=True) == by_the_book(raw)


def by_the_book(raw: bytes) -> Pairs:
    """The standard's algorithm, word for word, on the whole body; then our rule for an unfinished last event."""
    events, data, name = [], [], b""
    lines = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    for number, line in enumerate(lines):
        if not line and number < len(lines) - 1:
            if data:
                events.append((name, b"\n".join(data)))
            data, name = [], b""
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events + ([(name, b"\n".join(data))] if data else [])


@pytest.mark.parametrize("size", [900, 1000, 1001, 5000])
@pytest.mark.parametrize("step", [1, 64, 10_000])
def test_an_event_over_the_limit_is_refused_and_those_before_it_are_kept(size: int, step: int) -> None:
    parser = SSEParser(max_event_bytes=1000)
    raw = b"data: first\n\ndata: " + b"x" * (size - 6) + b"\n\n"
    events: Pairs = []
    try:
        for position in range(0, len(raw), step):
            events += parser.feed(raw[position : position + step])
    except EventTooLarge as error:
        events += error.args[0]
        assert size > 1000
    else:
        assert size <= 1000
        assert len(events) == 2
    assert events[0] == (b"", b"first")


def test_many_small_data_lines_count_together() -> None:
    parser = SSEParser(max_event_bytes=1000)
    with pytest.raises(EventTooLarge):
        parser.feed(b"data:x\n" * 200)
    with pytest.raises(EventTooLarge):
        SSEParser(max_event_bytes=1000).feed(b"data: x\n" * 200)


def test_a_line_without_end_does_not_pile_up() -> None:
    parser = SSEParser(max_event_bytes=1000)
    with pytest.raises(EventTooLarge):
        for _ in range(100):
            parser.feed(b"x" * 100)
    with pytest.raises(EventTooLarge):
        SSEParser(max_event_bytes=1000).feed(b"data: 1\n\n" + b"x" * 2000)
