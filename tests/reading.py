"""A client as the contract describes it: frames in, the answer it shows out. Knows nothing of the server's code."""

from __future__ import annotations

import json
from typing import Any

Frame = dict[str, Any]
Block = dict[str, Any]
_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")


class ReadingClient:
    """`content` is the Messages API's list of blocks; `html` the formatted blocks; `stop` the last frame."""

    def __init__(self) -> None:
        self.seq = 0
        self.stop: Frame | None = None
        self.stops = 0
        self.html: dict[int, list[str]] = {}
        self._blocks: dict[int, Block] = {}
        self._json: dict[int, str] = {}
        self._open: set[int] = set()

    @property
    def content(self) -> list[Block]:
        return [self._blocks[index] for index in sorted(self._blocks)]

    @property
    def text(self) -> str:
        return "".join(block.get("text") or "" for block in self.content if block["type"] == "text")

    def apply_all(self, frames: list[Frame]) -> ReadingClient:
        for frame in frames:
            self.apply(frame)
        return self

    def apply(self, frame: Frame) -> None:
        if frame["type"] == "block_html":
            known = self.html.setdefault(frame["index"], [])
            known[frame["start"] :] = frame["html"]
        elif frame["type"] == "message_start":
            stops = self.stops
            self.__init__()  # type: ignore[misc]
            self.seq, self.stops = frame["seq"], stops
        elif "seq" in frame and frame["seq"] > self.seq:
            self.seq = frame["seq"]
            getattr(self, "_" + frame["type"])(frame)

    def _content_block_start(self, frame: Frame) -> None:
        self._blocks[frame["index"]] = dict(frame["content_block"])
        self._open.add(frame["index"])

    def _content_block_delta(self, frame: Frame) -> None:
        block, delta = self._blocks[frame["index"]], frame["delta"]
        kind = delta["type"]
        if kind in ("text_delta", "thinking_delta"):
            name = kind.removesuffix("_delta")
            block[name] = (block.get(name) or "") + delta[name]
        elif kind == "signature_delta":
            block["signature"] = delta["signature"]
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        elif kind == "input_json_delta":
            self._json[frame["index"]] = self._json.get(frame["index"], "") + delta["partial_json"]

    def _content_block_stop(self, frame: Frame) -> None:
        index = frame["index"]
        self._open.discard(index)
        if index in self._json:
            raw = self._json.pop(index)
            if raw.strip():
                try:
                    value = json.loads(raw)
                except ValueError:
                    value = None
                is_input = isinstance(value, dict)
                self._blocks[index] |= {"input": value} if is_input else {"input": {}, "partial_json": raw}

    def _message_delta(self, frame: Frame) -> None:
        pass

    def _message_stop(self, frame: Frame) -> None:
        self.stop = frame
        self.stops += 1
        # A block that never ended is no part of the answer: half a tool call, or one of which nothing came.
        for index in self._open:
            del self._blocks[index]
        self._open.clear()
