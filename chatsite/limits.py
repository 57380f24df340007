"""Every limit by name (promises, section 4). Read as `settings.NAME`; `CHATSITE_NAME` in the environment
overrides it.
"""

from __future__ import annotations

from .env import env

KIB = 1024
MIB = 1024 * KIB


def seconds(name: str, default: float, *, least: float = 0) -> float:
    """At most thirty years, which a clock and a timer can still count to."""
    return env.number(f"CHATSITE_{name}", default, least=least, most=1e9)


def days(name: str, default: int) -> int:
    """At most a hundred years, for the same reason."""
    return env.integer(f"CHATSITE_{name}", default, most=36_500)


def count(name: str, default: int, *, least: int = 0, most: float = 1e15) -> int:
    return env.integer(f"CHATSITE_{name}", default, least=least, most=most)


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
SLOW_ANSWER_SECONDS = seconds("SLOW_ANSWER_SECONDS", 10)
JOURNAL_INTERVAL = seconds("JOURNAL_INTERVAL", 0.07)
# How long the log of an ended answer stays in memory for readers who are just reconnecting.
LOG_RETENTION_SECONDS = seconds("LOG_RETENTION_SECONDS", 15)
# A process without a lease that lasts would reap its own answers.
LEASE_SECONDS = seconds("LEASE_SECONDS", 15, least=0.1)
DRAIN_SECONDS = seconds("DRAIN_SECONDS", 15)

# The websocket.
FRAME_INTERVAL = seconds("FRAME_INTERVAL", 0.016)
SOCKET_WINDOW_BYTES = count("SOCKET_WINDOW_BYTES", 1 * MIB)
SOCKET_WINDOW_FRAMES = count("SOCKET_WINDOW_FRAMES", 256, least=1)
SOCKET_ACK_TIMEOUT = seconds("SOCKET_ACK_TIMEOUT", 10)
SOCKET_MESSAGE_BYTES = count("SOCKET_MESSAGE_BYTES", 4 * KIB)
# Commands a second, and how many may come at once.
SOCKET_RATE = env.number("CHATSITE_SOCKET_RATE", 20)
SOCKET_BURST = count("SOCKET_BURST", 40)
SOCKETS_PER_USER = count("SOCKETS_PER_USER", 20)
# Handshakes a second of one address, without signing in.
HANDSHAKES_PER_ADDRESS = count("HANDSHAKES_PER_ADDRESS", 10)
SOCKET_QUEUE_MESSAGES = count("SOCKET_QUEUE_MESSAGES", 64)

# What a person sends.
PROMPT_MAX_CHARACTERS = count("PROMPT_MAX_CHARACTERS", 200_000)
SYSTEM_MAX_CHARACTERS = count("SYSTEM_MAX_CHARACTERS", 100_000)
STOP_SEQUENCES = count("STOP_SEQUENCES", 16)
DATA_UPLOAD_MAX_MEMORY_SIZE = count("DATA_UPLOAD_MAX_MEMORY_SIZE", 2 * MIB)
UPLOAD_REQUEST_MAX_BYTES = count("UPLOAD_REQUEST_MAX_BYTES", 32 * MIB)
# Bodies that this process holds in memory and on disk at the same time, in all.
UPLOADS_AT_ONCE = count("UPLOADS_AT_ONCE", 20)
REQUEST_SECONDS = seconds("REQUEST_SECONDS", 60)
# For a body that was announced longer than it is, or never ends: nothing more of it comes.
BODY_SILENCE_SECONDS = seconds("BODY_SILENCE_SECONDS", 25)

# Files. Pixels are of the picture, sides in pixels, sizes in bytes.
ATTACHMENT_MAX_BYTES = count("ATTACHMENT_MAX_BYTES", 20 * MIB)
ATTACHMENTS_PER_MESSAGE = count("ATTACHMENTS_PER_MESSAGE", 20)
ALT_TEXT_MAX_CHARACTERS = count("ALT_TEXT_MAX_CHARACTERS", 1000)
IMAGE_MAX_PIXELS = count("IMAGE_MAX_PIXELS", 25_000_000)
IMAGE_MAX_SIDE = count("IMAGE_MAX_SIDE", 8000)
IMAGE_MAX_FRAMES = count("IMAGE_MAX_FRAMES", 200)
# What a model sees: the long edge, and the one for models of the high-resolution tier (messages-api section 11) …
IMAGE_SENT_SIDE = count("IMAGE_SENT_SIDE", 1568)
IMAGE_SENT_SIDE_LARGE = count("IMAGE_SENT_SIDE_LARGE", 2576)
# … which a request of more pictures than this does not get.
IMAGES_LARGE_PER_REQUEST = count("IMAGES_LARGE_PER_REQUEST", 20)
IMAGE_SENT_BASE64_BYTES = count("IMAGE_SENT_BASE64_BYTES", 5_000_000)
IMAGE_THUMBNAIL_SIDE = count("IMAGE_THUMBNAIL_SIDE", 480)
PDF_MAX_PAGES = count("PDF_MAX_PAGES", 100)
PDF_MAX_UNPACKED_BYTES = count("PDF_MAX_UNPACKED_BYTES", 100 * MIB)
QUOTA_BYTES = count("QUOTA_BYTES", 1024 * MIB)
QUOTA_FILES = count("QUOTA_FILES", 2000)
# The whole request, base64 included.
UPSTREAM_REQUEST_MAX_BYTES = count("UPSTREAM_REQUEST_MAX_BYTES", 32_000_000)
# The processes that read files: how many at once, and what each may use.
ATTACHMENT_CHILDREN = count("ATTACHMENT_CHILDREN", 2, least=1, most=1000)
ATTACHMENT_CHILD_MEMORY = count("ATTACHMENT_CHILD_MEMORY", 512 * MIB)
ATTACHMENT_CHILD_CPU_SECONDS = count("ATTACHMENT_CHILD_CPU_SECONDS", 10)
ATTACHMENT_CHILD_SECONDS = seconds("ATTACHMENT_CHILD_SECONDS", 40)
# A deleted conversation, which can be taken back so long.
DELETED_SECONDS = seconds("DELETED_SECONDS", 3600)
# Files that no message took, and bytes that no file refers to.
ATTACHMENT_UNSENT_SECONDS = seconds("ATTACHMENT_UNSENT_SECONDS", 24 * 3600)
ATTACHMENT_ORPHAN_SECONDS = seconds("ATTACHMENT_ORPHAN_SECONDS", 1800)

# Signing in: failures only.
LOGIN_FAILURES_PER_ACCOUNT = count("LOGIN_FAILURES_PER_ACCOUNT", 5)
# Who goes on after that waits longer.
LOGIN_FAILURES_PER_ACCOUNT_AND_HOUR = count("LOGIN_FAILURES_PER_ACCOUNT_AND_HOUR", 15)
LOGIN_FAILURES_PER_ADDRESS = count("LOGIN_FAILURES_PER_ADDRESS", 20)
LOGIN_FAILURE_SECONDS = count("LOGIN_FAILURE_SECONDS", 300)
# Passkeys and single sign-on: a row of a session is written before anybody is known.
SIGN_INS_BEGUN_PER_MINUTE = count("SIGN_INS_BEGUN_PER_MINUTE", 120)
SETUP_LINK_SECONDS = seconds("SETUP_LINK_SECONDS", 24 * 3600)
INVITATION_DAYS = days("INVITATION_DAYS", 7)
INVITATION_MAX_DAYS = days("INVITATION_MAX_DAYS", 90)

# Links to snapshots of conversations.
SHARE_LINK_MAX_DAYS = days("SHARE_LINK_MAX_DAYS", 3650)
SHARE_LINKS_PER_CONVERSATION = count("SHARE_LINKS_PER_CONVERSATION", 50)
