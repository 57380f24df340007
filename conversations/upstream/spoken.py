"""Which of the two streams a server speaks, whatever it was asked in (messages-api 8, 17.3); for `body_reader`."""

from __future__ import annotations

_MESSAGES = frozenset(
    b"message_start content_block_start content_block_delta content_block_stop message_delta message_stop".split()
)
_TYPES = tuple(b'"' + name + b'"' for name in _MESSAGES)
_WHERE_TYPES_ARE = 200


def is_chat(pairs: list[tuple[bytes, bytes]]) -> bool | None:
    """Whether these events begin a Chat Completions stream; None where none of them tells, as a ping does not."""
    for name, data in pairs:
        head = data[:_WHERE_TYPES_ARE]
        if name in _MESSAGES or any(type_ in head for type_ in _TYPES):
            return False
        if b'"choices"' in data:
            return True
    return None
