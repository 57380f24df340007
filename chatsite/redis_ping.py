"""Whether Redis answers. Asked by /readyz and by the doctor."""

from __future__ import annotations

from django.conf import settings


def failure() -> str:
    """The name of what went wrong; empty where Redis answers, or where there is none."""
    if not settings.REDIS_URL:
        return ""
    import redis  # 10 MB that an installation without Redis need not carry

    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:  # an option in the address may be none
        return type(error).__name__
    return ""
