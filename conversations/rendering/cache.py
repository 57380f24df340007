"""Recently rendered texts: a page opened again, or by ten people, is rendered once. Used by `service`."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

MAX_CHARACTERS = 2_000_000
"""HTML kept, in characters; a usual answer becomes ten thousand."""


class RenderedCache:
    """Texts to their rendered blocks; the least recently used leave first. The service holds the lock."""

    def __init__(self, capacity: int = MAX_CHARACTERS) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[bytes, tuple[list[str], int]] = OrderedDict()

    def get(self, text: str) -> list[str] | None:
        """Return a copy of the blocks kept for `text`, if any."""
        key = _key(text)
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return list(self._entries[key][0])

    def put(self, text: str, blocks: list[str]) -> None:
        """Keep `blocks` for `text`, unless they alone would fill a quarter of the cache."""
        size = sum(map(len, blocks))
        if size > self._capacity // 4:
            return
        key = _key(text)
        _blocks, older = self._entries.pop(key, ([], 0))
        self._entries[key] = (list(blocks), size)
        self._size += size - older
        while self._size > self._capacity:
            self._size -= self._entries.popitem(last=False)[1][1]


def _key(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
