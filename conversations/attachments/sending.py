"""References to files become what a request carries: base64 pictures and documents, made here and only here.

Called while a request is built (`generation.context`), and before a send is stored, to refuse what could not go out.
Rules: messages-api sections 3.1, 4, 11, 19.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.conf import settings

from ..models import Attachment, Message, StoredFile
from ..upstream.dialects import DIALECTS
from ..upstream.model_table import Capabilities
from .kinds import PDF
from .limits import base64_size
from .refusal import beyond, megabytes

Block = dict[str, Any]
Turns = list[dict[str, Any]]


class CannotBeSent(ValueError):
    """A file keeps a request from being sent; the message says why. `type` is one of the upstream's error types."""

    def __init__(self, type: str, message: str) -> None:
        super().__init__(message)
        self.type = type


def reference(attachment: Attachment) -> Block:
    """The block that is stored with a message."""
    kind = "image" if attachment.is_picture else "document"
    return {"type": kind, "source": {"type": "attachment", "attachment": str(attachment.pk)}}


def referred(content: Iterable[Block]) -> list[str]:
    """Ids of the attachments that these blocks point to, in order, left-out ones too."""
    return [id for block in content if (id := _id(block))]


def files_in(message: Message) -> list[str]:
    """As `referred`; none in an answer, where such a block would be the upstream's own words, not our reference."""
    return referred(message.content) if message.role == message.Role.USER else []


def redirected(content: list[Block], copies: dict[str, str]) -> list[Block]:
    """The blocks with their references replaced by those to copies of the files."""
    if not copies:
        return content
    result = []
    for block in content:
        id = copies.get(_id(block) or "")
        result.append({**block, "source": {"type": "attachment", "attachment": id}} if id else block)
    return result


def pictures_in(turns: Turns) -> int:
    """How many pictures a request of these turns carries."""
    return sum(block.get("type") == "image" for block in _blocks(turns))


def takes_large(pictures: int, abilities: Capabilities) -> bool:
    """Whether the pictures go out at the size of the high-resolution tier."""
    return abilities.high_resolution and pictures <= settings.IMAGES_LARGE_PER_REQUEST


def with_files(
    turns: Turns, attachments: dict[str, Attachment], abilities: Capabilities, dialect: str
) -> Turns:
    """The turns with every reference replaced by the file, text last in each of them.

    `attachments` are those that the turns refer to, with their files. Raises CannotBeSent.
    """
    if not attachments:
        return turns
    refuse_unreadable(attachments.values(), abilities)
    large = takes_large(pictures_in(turns), abilities)
    text = sum(len(str(block.get("text", "")).encode()) for block in _blocks(turns))
    chosen = {id: _chosen(row, large) for id, row in attachments.items()}
    size = text + sum(size_in_request(attachments[id], file) for id, file in chosen.items())
    refuse_too_large(size)
    if dialect == "demo":
        chosen |= _whole(turns, attachments, settings.UPSTREAM_REQUEST_MAX_BYTES - size)
    result = []
    for turn in turns:
        blocks: list[Block] = []
        texts: list[str] = []
        for block in turn["content"]:
            row = attachments.get(_id(block) or "") if turn["role"] == "user" else None
            if row is None:
                blocks.append(block)
            elif row.is_picture:
                blocks.append({"type": "image", "source": _base64(chosen[str(row.pk)])})
            elif row.media_type != PDF and not abilities.documents:
                texts.append(_as_text(row))
            elif row.media_type != PDF and DIALECTS[dialect].is_chat:
                # A text has no name of its own there (messages-api 17.1).
                blocks.append({"type": "text", "text": _as_text(row)})
            else:
                blocks.append(_document(row, dialect))
        result.append({**turn, "content": _joined(blocks, texts)} if texts else {**turn, "content": blocks})
    return result


def text_of(attachment: Attachment) -> str:
    """A text document as models get it, to whose characters their citations refer. Raises CannotBeSent."""
    return _read(attachment.sent).decode()


def refuse_unreadable(attachments: Iterable[Attachment], abilities: Capabilities) -> None:
    """Raises CannotBeSent when the model does not take one of these files."""
    for row in attachments:
        if row.is_picture and not abilities.images:
            raise CannotBeSent(
                "invalid", "This model cannot see pictures. Remove them, or choose another model."
            )
        if row.media_type == PDF and not abilities.documents:
            raise CannotBeSent(
                "invalid",
                "This model cannot read PDFs here. Remove them, choose another model, or attach their text as a file.",
            )


def size_in_request(attachment: Attachment, file: StoredFile) -> int:
    """Bytes that a file takes in a request."""
    return base64_size(file.size) if attachment.is_picture or attachment.media_type == PDF else file.size


def refuse_too_large(size: int) -> None:
    """Raises CannotBeSent when a request would be larger than the service takes."""
    if size > settings.UPSTREAM_REQUEST_MAX_BYTES:
        # As its documents count (messages-api 10.4).
        limit = megabytes(settings.UPSTREAM_REQUEST_MAX_BYTES, 1000)
        raise CannotBeSent(
            "size",
            f"With its files this request is {beyond(megabytes(size, 1000), limit)}; the limit is {limit}. "
            "Leave files out or start a new conversation.",
        )


def _chosen(row: Attachment, large: bool) -> StoredFile:
    return row.sent_large if large and row.sent_large is not None else row.sent


def _whole(turns: Turns, attachments: dict[str, Attachment], room: int) -> dict[str, StoredFile]:
    """For the demo, which tells what was uploaded: the newest pictures with all pixels, as far as there is room."""
    found = {}
    for block in reversed(list(_blocks(turns))):
        row = attachments.get(_id(block) or "")
        if row is not None and row.is_picture:
            more = size_in_request(row, row.original) - size_in_request(row, row.sent)
            if more <= room:
                found[str(row.pk)] = row.original
                room -= more
    return found


def _document(row: Attachment, dialect: str) -> Block:
    source = (
        _base64(row.sent)
        if row.media_type == PDF
        else {"type": "text", "media_type": "text/plain", "data": text_of(row)}
    )
    block: Block = {"type": "document", "source": source, "title": row.name}
    # All documents of a request or none (messages-api 4.2).
    return block | ({"citations": {"enabled": True}} if DIALECTS[dialect].is_native else {})


def _as_text(row: Attachment) -> str:
    """For servers without documents: the text itself, framed so that it is told from the question."""
    name = row.name.replace('"', "'")
    return f'<document name="{name}">\n{text_of(row)}\n</document>'


def _joined(blocks: list[Block], texts: list[str]) -> list[Block]:
    """The documents before the question, in one text block."""
    others = [block for block in blocks if block.get("type") != "text"]
    asked = [block["text"] for block in blocks if block.get("type") == "text"]
    return [*others, {"type": "text", "text": "\n\n".join([*texts, *asked])}]


def _base64(file: StoredFile) -> Block:
    return {
        "type": "base64",
        "media_type": file.media_type,
        "data": base64.b64encode(_read(file)).decode("ascii"),
    }


def _read(file: StoredFile) -> bytes:
    """The stored bytes. Raises CannotBeSent when the storage has lost them."""
    try:
        with file.file.open("rb") as opened:
            data: bytes = opened.read()
            return data
    except OSError:
        raise CannotBeSent(
            "invalid", "A file of this conversation cannot be read any more. Go on without the files."
        ) from None


def _blocks(turns: Turns) -> Iterator[Block]:
    for turn in turns:
        if isinstance(turn["content"], list):
            yield from turn["content"]


def _id(block: Block) -> str | None:
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "attachment":
        return str(source.get("attachment"))
    return None


def attachments_of(turns: Turns) -> dict[str, Attachment]:
    """The rows that people's turns refer to, by id. Raises CannotBeSent when one is gone.

    In an answer such a block would be the upstream's own words: it must not get anybody's file for them.
    """
    asked = [turn for turn in turns if turn["role"] == "user"]
    ids: Sequence[str] = list(dict.fromkeys(id for turn in asked for id in referred(turn["content"])))
    if not ids:
        return {}
    found = {str(row.pk): row for row in Attachment.objects.with_files().filter(pk__in=ids)}
    if len(found) != len(ids):
        raise CannotBeSent("invalid", "A file of this conversation is gone. Go on without the files.")
    return found
