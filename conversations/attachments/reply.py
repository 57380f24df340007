"""What the child may say: a decoder that was taken over chooses every word of it. Used by `process`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import msgspec

from .kinds import PICTURES, TEXT
from .refusal import Kind

Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
"""What a column of the database takes."""
Name = Literal["original", "sent", "thumbnail"]


class Written(TypedDict):
    name: Name
    media_type: str
    width: Count | None
    height: Count | None


class Variant(TypedDict):
    files: dict[Name, Written]


class Frozen(Variant):
    media_type: str
    width: Count | None
    height: Count | None
    pages: Count | None
    tokens: Count


class Refused(TypedDict):
    refused: Kind
    message: str


class NoRoom(TypedDict):
    no_room: int


def checked(reply: object, task: str, media_type: str, folder: Path) -> dict[str, Any]:
    """The answer about a file that was recognised as `media_type`: a refusal, or what `task` makes, whose files are
    plain ones in this folder and will be served as what such a file can become. Raises ValueError for all else.
    """
    shape: Any = Variant if task == "variant" else Frozen
    if isinstance(reply, dict) and "files" not in reply:
        shape = Refused if "refused" in reply else NoRoom
    result: dict[str, Any] = msgspec.convert(reply, shape)
    files = result.get("files", {}).values()
    said = {result.get("media_type", media_type), *(file["media_type"] for file in files)}
    if not said <= (PICTURES if media_type in PICTURES else {media_type, TEXT}):
        raise ValueError("another kind of file")
    for path in (folder / file["name"] for file in files):
        # A link would lead to somebody else's file.
        if path.is_symlink() or not path.is_file():
            raise ValueError("not a plain file")
    return result
