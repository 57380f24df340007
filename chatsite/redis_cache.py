"""The cache that several processes share: in Redis, and while that is away in the memory of each. Named by `settings`
where there is a REDIS_URL.

Nothing in it is worth a request that fails (promise P31): what was computed is computed again, and failed sign-ins
count in each process for themselves meanwhile. So it is for what is used here and by allauth: add, get, set, delete.
"""

from __future__ import annotations

import logging
import math
import time
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

# A Redis that hangs holds the thread of a request so long, once …
ANSWER_SECONDS = 2.0
# … and is not asked again before this.
AWAY_SECONDS = 30.0

# By the monotonic clock, for all threads: each has a cache object of its own.
_away_until = -math.inf


class SharedCache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {
            "socket_timeout": ANSWER_SECONDS,
            "socket_connect_timeout": ANSWER_SECONDS,
            # For a connection from before Redis was started again; the library's own tries take seconds.
            "retry": Retry(NoBackoff(), 1, (ConnectionError,)),
        }
        super().__init__(server, {**params, "OPTIONS": options | params.get("OPTIONS", {})})
        self._own = LocMemCache("while Redis is away", {"OPTIONS": {"MAX_ENTRIES": 10_000}})

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return bool(self._do("add", key, value, timeout, version))

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._do("get", key, default, version)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        self._do("set", key, value, timeout, version)

    def delete(self, key: Any, version: Any = None) -> bool:
        return bool(self._do("delete", key, version))

    def _do(self, name: str, *arguments: Any) -> Any:
        global _away_until
        if time.monotonic() >= _away_until:
            try:
                return getattr(super(), name)(*arguments)
            except RedisError as error:
                _away_until = time.monotonic() + AWAY_SECONDS
                logger.warning(
                    "The cache in Redis does not answer (%s); this process uses its own meanwhile.",
                    type(error).__name__,
                )
        return getattr(self._own, name)(*arguments)
