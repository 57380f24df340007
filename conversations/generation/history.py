"""The path from the root of a conversation to its leaf becomes the `messages` of a request: which turns go out again,
and which of their blocks. Used by `context`. Rules: messages-api 5, 6.3, 7.3, 8.1.
"""

from __future__ import annotations

import uuid
from itertools import takewhile
from typing import Any

from ..actions import continuation, omission
from ..models import LanguageModel, Message
from ..upstream.portable import portable
from ..upstream.silent import THINKING, is_empty_text, says_nothing
from . import signatures

Block = dict[str, Any]
Turns = list[dict[str, Any]]

# In place of a turn that was nothing but files that had to be left out: a request cannot do without it.
_LEFT_OUT: Block = {"type": "text", "text": "(The file that was sent here cannot be read and was left out.)"}
_SERVER_CALLS = ("server_tool_use", "mcp_tool_use")


def turns_of(path: list[Message], language_model: LanguageModel, parameters: dict[str, Any]) -> Turns:
    """Alternating user and assistant turns, as a request to this model with these parameters takes them. Empty and
    refused ones are left out, neighbours of one role merged; files are still references to attachments.
    """
    merged: Turns = []
    signed = signatures.holding(path, language_model, parameters)
    declined = {message.parent_id for message in path if message.stop_reason == "refusal"}
    without = _left_out(path)
    for message in path:
        is_question = message.role == Message.Role.USER
        if message.pk in without:
            continue
        if message.stop_reason == "refusal" or (is_question and message.pk in declined):
            # With the question, what the model declines would be asked again (messages-api 8.1). Half an answer that it
            # declines to go on with stays.
            continue
        if is_question:
            content = _user_blocks(message.content)
        else:
            dialect = language_model.provider.dialect
            content = _assistant_blocks(message, dialect, keep_thinking=message.pk in signed)
        _add(merged, str(message.role), content)
    result: Turns = []
    paused = bool(path) and continuation.is_paused(path[-1])
    for turn in merged:
        if turn["role"] == Message.Role.ASSISTANT and not (paused and turn is merged[-1]):
            _add(result, turn["role"], _whole_calls(turn["content"]))
        else:
            _add(result, turn["role"], turn["content"])
    if result and result[-1]["role"] == Message.Role.ASSISTANT and not paused:
        if continuation.takes_prefill(path[-1], language_model, parameters):
            result[-1]["content"] = _prefill(result[-1]["content"])
        else:
            # It was to be prefilled, and is asked for again with a model or a setting that refuses that.
            asking = {"type": "text", "text": continuation.request_to_go_on(path[-1])}
            result.append({"role": "user", "content": [asking]})
    return result


def _left_out(path: list[Message]) -> set[uuid.UUID]:
    """The turns whose words a person chose to go on without, and the half answers to them with what asked to go on
    there. Where one of these is asked again, or was answered after all, it counts like any other.
    """
    found: set[uuid.UUID] = set()
    for at, message in enumerate(path):
        if not any(block.get("omitted") and block.get("type") == "text" for block in message.content):
            continue
        following = list(takewhile(_belongs_above, path[at + 1 :]))
        is_asked = at + len(following) + 1 == len(path)
        if not is_asked and not any(omission.says_all(later) for later in following):
            found |= {message.pk, *(later.pk for later in following)}
    return found


def _belongs_above(message: Message) -> bool:
    return message.role == Message.Role.ASSISTANT or message.continues


def _add(turns: Turns, role: str, content: list[Block]) -> None:
    if not content:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] = turns[-1]["content"] + content
    else:
        turns.append({"role": role, "content": content})


def _whole_calls(content: list[Block]) -> list[Block]:
    """An answer's blocks without half calls: a server tool's call goes back with its result or not at all (messages-api
    5). The result is missing where the answer broke off, or its pause was never ended.
    """
    # As words: of an upstream's block nobody knows what its fields hold.
    answered = {str(block["tool_use_id"]) for block in content if "tool_use_id" in block}
    called = {str(block["id"]) for block in content if "id" in block}
    kept = [b for b in content if b.get("type") not in _SERVER_CALLS or str(b.get("id")) in answered]
    return _with_words([b for b in kept if not _is_result(b) or str(b["tool_use_id"]) in called])


def _is_result(block: Block) -> bool:
    return str(block.get("type")).endswith("tool_result") and "tool_use_id" in block


def _with_words(content: list[Block]) -> list[Block]:
    """Thinking alone is no turn: an answer that was cut off before its first word."""
    return [] if says_nothing(content) else content


def _user_blocks(content: list[Block]) -> list[Block]:
    """Pictures and documents in order, then the text (DESIGN section 3); files that a person chose to leave out stay
    out, of words `_left_out` decides.
    """
    others = [block for block in content if block.get("type") != "text" and not block.get("omitted")]
    texts = [
        {name: value for name, value in block.items() if name != "omitted"}
        for block in content
        if block.get("type") == "text" and block.get("text")
    ]
    if not others and not texts and any(block.get("type") != "text" for block in content):
        return [_LEFT_OUT]
    return others + texts


def _assistant_blocks(message: Message, dialect: str, *, keep_thinking: bool) -> list[Block]:
    kept: list[Block] = []
    blank = ""
    for block in message.content:
        kind = block.get("type")
        if is_empty_text(block):
            blank += block.get("text") or ""
            continue
        if kind in THINKING and not keep_thinking:
            continue
        # A call that nobody answered: there is no tool_result for it in the next turn.
        if kind == "tool_use" or block.get("partial_json") is not None:
            continue
        if (taken := portable(block, dialect)) is not None:
            if blank and kind == "text" and kept and kept[-1].get("type") == "text":
                # By itself it would be refused; left out, it would join words or paragraphs.
                taken = {**taken, "text": blank + taken["text"]}
            kept.append(taken)
            blank = ""
    return _with_words(kept)


def _prefill(content: list[Block]) -> list[Block]:
    """A trailing answer to be continued must not end in white space (messages-api 3.1)."""
    last = content[-1]
    if last.get("type") == "text":
        return [*content[:-1], {**last, "text": last["text"].rstrip()}]
    return content
