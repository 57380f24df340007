"""Every limit by name (promises, section 4). Read as `settings.NAME`; `CHATSITE_NAME` in the environment
overrides it.
"""

from __future__ import annotations

from .env import env

KIB = 1024
MIB = 1024 * KIB


def seconds(name: str, default: float) -> float:
    return env.number(f"CHATSITE_{name}", default)


def count(name: str, default: int) -> int:
    return env.integer(f"CHATSITE_{name}", default)


# The provider's answer.
UPSTREAM_CONNECT_TIMEOUT = seconds("UPSTREAM_CONNECT_TIMEOUT", 10)
UPSTREAM_FIRST_BYTE_TIMEOUT = seconds("UPSTREAM_FIRST_BYTE_TIMEOUT", 60)
UPSTREAM_SILENCE_TIMEOUT = seconds("UPSTREAM_SILENCE_TIMEOUT", 60)
UPSTREAM_PROGRESS_TIMEOUT = seconds("UPSTREAM_PROGRESS_TIMEOUT", 180)
UPSTREAM_TOTAL_TIMEOUT = seconds("UPSTREAM_TOTAL_TIMEOUT", 900)
UPSTREAM_MAX_EVENT_BYTES = count("UPSTREAM_MAX_EVENT_BYTES", 1 * MIB)
UPSTREAM_MAX_ANSWER_BYTES = count("UPSTREAM_MAX_ANSWER_BYTES", 4 * MIB)
UPSTREAM_MAX_RETRIES = count("UPSTREAM_MAX_RETRIES", 2)
# The pause before the first retry; every further one is twice as long.
UPSTREAM_BACKOFF = seconds("UPSTREAM_BACKOFF", 0.5)
UPSTREAM_RETRY_AFTER_CAP = seconds("UPSTREAM_RETRY_AFTER_CAP", 60)

# A running answer on this server.
JOURNAL_INTERVAL = seconds("JOURNAL_INTERVAL", 0.15)
# How long the log of an ended answer stays in memory for readers who are just reconnecting.
LOG_RETENTION_SECONDS = seconds("LOG_RETENTION_SECONDS", 15)
LEASE_SECONDS = seconds("LEASE_SECONDS", 15)
DRAIN_SECONDS = seconds("DRAIN_SECONDS", 15)

# The websocket.
FRAME_INTERVAL = seconds("FRAME_INTERVAL", 0.016)
SOCKET_WINDOW_BYTES = count("SOCKET_WINDOW_BYTES", 1 * MIB)
SOCKET_WINDOW_FRAMES = count("SOCKET_WINDOW_FRAMES", 256)
SOCKET_ACK_TIMEOUT = seconds("SOCKET_ACK_TIMEOUT", 10)
SOCKET_MESSAGE_BYTES = count("SOCKET_MESSAGE_BYTES", 4 * KIB)
SOCKET_RATE = seconds("SOCKET_RATE", 20)
SOCKET_BURST = count("SOCKET_BURST", 40)
SOCKETS_PER_USER = count("SOCKETS_PER_USER", 20)
SOCKET_QUEUE_MESSAGES = count("SOCKET_QUEUE_MESSAGES", 64)

# What a person sends.
PROMPT_MAX_CHARACTERS = count("PROMPT_MAX_CHARACTERS", 200_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = count("DATA_UPLOAD_MAX_MEMORY_SIZE", 2 * MIB)
UPLOAD_REQUEST_MAX_BYTES = count("UPLOAD_REQUEST_MAX_BYTES", 32 * MIB)
REQUEST_SECONDS = seconds("REQUEST_SECONDS", 60)

# Signing in: failures only.
LOGIN_FAILURES_PER_ACCOUNT = count("LOGIN_FAILURES_PER_ACCOUNT", 5)
LOGIN_FAILURES_PER_ADDRESS = count("LOGIN_FAILURES_PER_ADDRESS", 20)
LOGIN_FAILURE_SECONDS = count("LOGIN_FAILURE_SECONDS", 300)
SETUP_LINK_SECONDS = seconds("SETUP_LINK_SECONDS", 24 * 3600)
