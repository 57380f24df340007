"""The provider of the proofs: the fake upstream, with answers that a proof lays ready under a mark in the question."""

from __future__ import annotations

import re

from tests.fake_upstream import FakeUpstream
from tests.fake_upstream.connection import Call
from tests.fake_upstream.steps import Step

MARK = re.compile(r"mark-[0-9a-f]{32}")


class Provider(FakeUpstream):
    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, list[Step]] = {}

    def steps_for(self, call: Call) -> list[Step]:
        """The steps laid ready for the last mark; else what the fake upstream does."""
        if call.body.get("stream"):
            for mark in reversed(MARK.findall(str(call.body["messages"]))):
                if mark in self.answers:
                    return self.answers[mark]
        return super().steps_for(call)

    def asked(self, mark: str) -> list[Call]:
        """The ledger: streaming calls whose last turn bears the mark."""
        return [
            call
            for call in list(self.calls)
            if call.body.get("stream") and mark in str(call.body["messages"][-1]["content"])
        ]
