"""The scripts of the fault table: `fault(number, variant)` for the rows that an upstream can cause once it is
reached.
"""

from __future__ import annotations

from tests.fake_upstream import wire
from tests.fake_upstream.steps import Close, Drip, Hang, Head, Repeat, Reply, Reset, Sleep, Step

SOME_TEXT = [wire.message_start(), wire.block_start(), wire.text_delta("Some "), wire.text_delta("text")]
FAILS_ONCE = frozenset({9})  # rows that get better when they are tried again
_STATUS = {
    5: (400, "invalid_request_error", "max_tokens: must be positive"),
    6: (401, "authentication_error", "invalid x-api-key"),
    7: (404, "not_found_error", "model: claude-gone"),
    8: (413, "request_too_large", "Request exceeds the maximum size"),
    9: (429, "rate_limit_error", "This request would exceed your rate limit"),
    10: (429, "rate_limit_error", "This request would exceed your rate limit"),
    11: (429, "rate_limit_error", "You have reached your specified usage limits"),
    12: (500, "api_error", "Internal server error"),
    13: (529, "overloaded_error", "Overloaded"),
}


def fault(number: int, variant: str = "") -> list[Step]:
    """The steps of row `number`; `variant` chooses among its kinds, such as another status or stop reason."""
    if number in _STATUS:
        return [_refusal(number, variant)]
    if number == 14:
        return [Reply(200, b"<!doctype html><h1>Welcome to our wifi</h1>", content_type="text/html")]
    if number == 15:
        return [Reply(int(variant or 307), b"", {"location": "/elsewhere"})]
    return [Head(), *_STREAMS[number](variant)]


def _refusal(number: int, variant: str) -> Reply:
    status, kind, message = _STATUS[number]
    headers: dict[str, str] = {}
    details: dict[str, str] = {}
    if number in {9, 10}:
        headers["retry-after"] = variant or ("1" if number == 9 else "3600")
    elif number == 11:
        details["error_code"] = "enforced_spend_limit_reached"
    elif variant.isdigit():
        status = int(variant)
    if status in {502, 503}:
        return Reply(status, b"<html><h1>Bad gateway</h1></html>", content_type="text/html")
    return Reply(status, wire.error_body(kind, message, **details), headers)


def _unknown(_: str) -> list[Step]:
    return [
        wire.message_start(),
        wire.event("weather_report", sky="clear"),
        b": a comment\n\n",
        wire.block_start(0, type="hologram", data={"depth": 3}),
        wire.delta(0, type="hologram_delta", photon=1),
        wire.block_stop(0),
        wire.block_start(1),
        wire.delta(1, type="aroma_delta", smell="rose"),
        wire.text_delta("Known.", 1),
        wire.block_stop(1),
        wire.message_end(),
    ]


def _out_of_order(variant: str) -> list[Step]:
    wrong = {
        "twice": wire.block_start(0),
        "order": wire.block_start(2),
        "stop": wire.block_stop(7),
        "closed": wire.block_stop(0) + wire.text_delta("late"),
    }.get(variant, wire.text_delta("lost", 7))
    return [*SOME_TEXT, wrong, wire.block_stop(), wire.message_end()]


def _empty(_: str) -> list[Step]:
    return [wire.message_start(), wire.message_end("end_turn", 1)]


def _ends_with(variant: str) -> list[Step]:
    return [*SOME_TEXT, wire.block_stop(), wire.message_end(variant or "max_tokens")]


def _bad_tool_input(_: str) -> list[Step]:
    return [
        wire.message_start(),
        wire.block_start(0, type="tool_use", id="toolu_1", name="get_weather", input={}),
        wire.delta(0, type="input_json_delta", partial_json='{"city": "Ro'),
        wire.block_stop(0),
        wire.message_end("tool_use"),
    ]


def _tiny(variant: str) -> list[Step]:
    count = int(variant or 100_000)
    block = b"".join(wire.text_delta(str(number % 10)) for number in range(1000))
    blocks: list[Step] = [block] * (count // 1000)
    return [wire.message_start(), wire.block_start(), *blocks, wire.block_stop(), wire.message_end()]


def _cut_character(_: str) -> list[Step]:
    whole = wire.text_delta("né 👩‍👩‍👧 end")
    middle = whole.index("é".encode()) + 1
    inside_emoji = whole.index("👩".encode()) + 2
    pieces: list[Step] = [
        whole[:middle],
        Sleep(0.01),
        whole[middle:inside_emoji],
        Sleep(0.01),
        whole[inside_emoji:],
    ]
    return [wire.message_start(), wire.block_start(), *pieces, wire.block_stop(), wire.message_end()]


def _pings(variant: str) -> list[Step]:
    begun: list[Step] = [wire.message_start()] if variant == "early" else [*SOME_TEXT]
    return [*begun, Repeat(wire.text_delta("") if variant == "empty" else wire.PING, 0.05)]


_STREAMS = {
    16: lambda _: [Hang()],
    17: lambda _: [*SOME_TEXT, Hang()],
    18: _pings,
    19: lambda kind: [
        *SOME_TEXT,
        wire.event("error", error={"type": kind or "overloaded_error", "message": "Overloaded"}),
    ],
    20: lambda _: [*SOME_TEXT, Sleep(0.05), Reset()],
    21: lambda _: [*SOME_TEXT],
    22: lambda _: [*SOME_TEXT, wire.text_delta("never seen")[:-20], Close()],
    23: lambda _: [
        *SOME_TEXT,
        b'event: content_block_delta\ndata: {"type":"content_block_delta",,\n\n',
        Hang(),
    ],
    24: lambda _: [*SOME_TEXT, wire.text_delta("?").replace(b"?", b"\xff\xfe"), Hang()],
    25: _cut_character,
    26: lambda _: [*SOME_TEXT, b"event: content_block_delta\ndata: ", Repeat(b"x" * 65536)],
    27: lambda _: [*SOME_TEXT, Repeat(wire.text_delta("y" * 16384))],
    28: lambda pause: [Drip(b"".join(wire.text_answer(*("slow " * 40).split(" "))), float(pause or 1))],
    29: _unknown,
    30: _out_of_order,
    31: _empty,
    32: _ends_with,
    33: _bad_tool_input,
    34: _tiny,
}
