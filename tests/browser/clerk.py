"""A second process on the site's data: makes people, sessions and old conversations, as the site's shell would.

`Clerk` is the test's end; the module itself is the process and answers one line of JSON with another.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


class Clerk:
    """A context manager around the process. Every method is one request."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def __enter__(self) -> Clerk:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.clerk"],
            cwd=ROOT, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def person(self, name: str, password: str = "", **fields: Any) -> str:
        """A new person; returns the key of a session made with Django's API."""
        return str(self._ask("person", name=name, password=password, **fields))

    def conversation(self, owner: str, messages: list[str], title: str, **fields: Any) -> str:
        """A conversation whose messages are these texts, a question and an answer in turn; returns its id."""
        return str(self._ask("conversation", owner=owner, messages=messages, title=title, **fields))

    def share(self, conversation: str, name: str, role: str) -> None:
        self._ask("share", conversation=conversation, name=name, role=role)

    def role(self, conversation: str, name: str, role: str) -> None:
        """Another role, behind the back of every open page."""
        self._ask("role", conversation=conversation, name=name, role=role)

    def budget(self, name: str, microdollars: int) -> None:
        """A spending limit of this person for each day."""
        self._ask("budget", name=name, microdollars=microdollars)

    def workspace(self, **fields: Any) -> None:
        """Changes settings of the workspace."""
        self._ask("workspace", **fields)

    def content(self, conversation: str) -> list[dict[str, Any]]:
        """The stored messages, oldest first: role, text, status, error."""
        found = self._ask("content", conversation=conversation)
        assert isinstance(found, list)
        return found

    def leaves(self, conversation: str) -> list[str]:
        """The messages with which its branches end."""
        found = self._ask("leaves", conversation=conversation)
        assert isinstance(found, list)
        return found

    def _ask(self, request: str, **fields: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([request, fields]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '["The clerk has ended.", null]')
        assert answer[0] is None, answer[0]
        return answer[1]


def _serve() -> None:
    import django

    django.setup()
    from tests.browser import desk

    for line in sys.stdin:
        request, fields = json.loads(line)
        try:
            answer = [None, getattr(desk, request)(**fields)]
        except Exception as error:
            answer = [repr(error), None]
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    _serve()
