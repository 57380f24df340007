"""Refusals that an action can answer with. Views turn them into the contract's error objects."""

from __future__ import annotations


class Refused(Exception):
    """A request that cannot be carried out: `type` for programs, the message is a plain sentence for people. `more` is
    what else programs are told.
    """

    type = "invalid_request"
    status = 400

    def __init__(self, message: str, **more: str) -> None:
        super().__init__(message)
        self.message = message
        self.more = more


class Invalid(Refused):
    type = "invalid_request"
    status = 400


class Busy(Refused):
    """One answer at a time per branch, one archive at a time per person."""

    type = "busy"
    status = 409


class ClientIdReused(Refused):
    """The same client_id came with other fields; nothing was stored."""

    type = "client_id_reused"
    status = 409


class Changed(Refused):
    """Somebody else has written here since this person read it: `current` is what stands there now."""

    type = "changed"
    status = 409


class Unavailable(Refused):
    """The server is about to stop, or has no model to ask."""

    type = "unavailable"
    status = 503


class TooLarge(Refused):
    """More bytes, pixels, pages or files than there may be."""

    type = "too_large"
    status = 413


class Unsupported(Refused):
    """A kind of file that cannot be sent."""

    type = "unsupported_media_type"
    status = 415
