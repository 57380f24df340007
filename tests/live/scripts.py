"""Random answers for the convergence tests: every kind of block, in pieces cut anywhere, ending in every way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.fake_upstream import wire
from tests.fake_upstream.steps import Close, Hang, Reset, Sleep, Step

_ODD = [
    "a",
    "b ",
    "\n",
    "\r\n",
    "\n\n",
    "*",
    "`",
    "# ",
    "|",
    "é",
    "👩‍👩‍👧",
    "\u0301",
    "\u2028",
    "א",
    "~~~\n",
    "- ",
]
_TEXT = st.lists(
    st.one_of(st.sampled_from(_ODD), st.characters(codec="utf-8", exclude_characters="\x00")), max_size=8
).map("".join)
_PIECES = st.lists(_TEXT, max_size=6)
_VALUE = st.one_of(st.integers(-9, 9), _TEXT, st.none())
_JSON = st.dictionaries(st.sampled_from(["city", "n", "ü"]), _VALUE, max_size=3)
_CITATION = {"type": "char_location", "cited_text": "x", "document_index": 0}


@dataclass(frozen=True)
class Script:
    """The events of an answer and how it ends; `steps` is what the upstream plays."""

    events: list[bytes]
    ending: str

    @property
    def steps(self) -> list[Step]:
        endings: dict[str, list[Step]] = {
            "complete": [],
            "error": [wire.event("error", error={"type": "overloaded_error", "message": "Overloaded"})],
            "closed": [Close()],
            # What was written must leave before the line is cut.
            "reset": [Sleep(0.02), Reset()],
            "garbled": [b"event: content_block_delta\ndata: {,,}\n\n", Hang()],
            "stopped": [Hang()],
        }
        return [*self.events, *endings[self.ending]]


@st.composite
def _block(draw: Any, index: int) -> list[bytes]:
    kind = draw(
        st.sampled_from(["text", "text", "thinking", "tool", "whole tool", "redacted", "server", "unknown"])
    )
    stop = wire.block_stop(index)
    if kind == "text":
        start = draw(
            st.sampled_from([{"type": "text", "text": ""}, {"type": "text", "text": "", "citations": []}])
        )
        deltas = [wire.text_delta(piece, index) for piece in draw(_PIECES)]
        if draw(st.booleans()):
            deltas.append(wire.delta(index, type="citations_delta", citation=_CITATION))
        return [wire.block_start(index, **start), *deltas, stop]
    if kind == "thinking":
        deltas = [wire.delta(index, type="thinking_delta", thinking=piece) for piece in draw(_PIECES)]
        deltas.append(wire.delta(index, type="signature_delta", signature="c2lnbmVk"))
        return [wire.block_start(index, type="thinking", thinking="", signature=""), *deltas, stop]
    if kind == "tool":
        raw = json.dumps(draw(_JSON), ensure_ascii=draw(st.booleans()))
        raw = raw[: len(raw) - draw(st.integers(0, 1))] if draw(st.booleans()) else raw
        cuts = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=4)))
        pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
        start = wire.block_start(index, type="tool_use", id=f"toolu_{index}", name="get_weather", input={})
        return [
            start,
            *(wire.delta(index, type="input_json_delta", partial_json=piece) for piece in pieces),
            stop,
        ]
    whole = {
        "whole tool": {"type": "tool_use", "id": f"toolu_{index}", "name": "f", "input": {"x": [1, None]}},
        "redacted": {"type": "redacted_thinking", "data": "b3BhcXVl"},
        "server": {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        "unknown": {"type": "hologram", "depth": {"z": [1, 2.5, None, True]}},
    }[kind]
    return [wire.block_start(index, **whole), stop]


@st.composite
def scripts(draw: Any) -> Script:
    events = [wire.message_start()]
    for index in range(draw(st.integers(0, 4))):
        events += draw(_block(index))
    events.append(wire.message_end(draw(st.sampled_from(["end_turn", "max_tokens", "tool_use", "refusal"]))))
    ending = draw(st.sampled_from(["complete", "complete", "error", "closed", "reset", "garbled", "stopped"]))
    if ending != "complete":
        events = events[: draw(st.integers(0, len(events) - 1))]
    return Script(events, ending)
