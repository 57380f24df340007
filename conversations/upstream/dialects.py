"""What each kind of upstream takes and gives, one row per dialect: the same wire, not the same service (messages-api
sections 1, 10, 15, 17 to 19). Used wherever a request is written or an answer judged.
"""

from __future__ import annotations

from dataclasses import dataclass

from .model_table import ADAPTIVE, BETWEEN_TOOLS, DISABLED, ENABLED

_CLASSIC_THINKING = (ENABLED, ADAPTIVE, DISABLED)
_ALL_THINKING = (*_CLASSIC_THINKING, BETWEEN_TOOLS)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Defaults are those of a careful imitation of the Messages API."""

    # Where it answers unless an administrator says otherwise.
    base_url: str
    # Chat Completions in place of Messages.
    is_chat: bool = False
    key_header: str = "authorization"
    has_versions: bool = True
    # Takes what imitations do not know: cache marks, output settings, citations, containers.
    is_native: bool = False
    takes_documents: bool = False
    thinking: tuple[str, ...] = ()
    # `output_config`, or `reasoning_effort` in its place.
    takes_effort: bool = False
    # Runs a model itself, which takes the classic sampling fields whatever it is called.
    runs_any_model: bool = False
    # Lists neither `top_p` nor `top_k`.
    samples_by_temperature_alone: bool = False
    # Takes back citations, and blocks of tools that run at the service.
    knows_service_blocks: bool = True
    takes_tool_choice: bool = True
    takes_choice_of_none: bool = True
    # Values of `metadata` are text.
    has_text_metadata: bool = False
    # What it costs is what Anthropic's list says; gateways have prices of their own.
    has_list_prices: bool = False
    # Says what an answer has cost after the answer's end.
    tells_cost_late: bool = False
    # The native API names a time for a rate limit: one without is a spending cap (section 10.1).
    names_time_of_limits: bool = False
    # 403 means that the credits are used up (section 10.2).
    forbids_unpaid: bool = False
    # Its list of models holds what is no use here: pictures, voices (section 15.3).
    lists_other_kinds: bool = False


DIALECTS = {
    "anthropic": Dialect(
        "https://api.anthropic.com",
        key_header="x-api-key",
        is_native=True,
        takes_documents=True,
        thinking=_ALL_THINKING,
        takes_effort=True,
        has_list_prices=True,
        names_time_of_limits=True,
    ),
    "rockapi": Dialect(
        "https://api.rockapi.ru/anthropic",
        key_header="x-api-key",
        samples_by_temperature_alone=True,
        knows_service_blocks=False,
        takes_choice_of_none=False,
        names_time_of_limits=True,
    ),
    "aimlapi": Dialect(
        "https://api.aimlapi.com",
        has_versions=False,
        takes_documents=True,
        thinking=_CLASSIC_THINKING,
        has_text_metadata=True,
        tells_cost_late=True,
        forbids_unpaid=True,
        lists_other_kinds=True,
    ),
    "llamacpp": Dialect("http://localhost:8080", runs_any_model=True, knows_service_blocks=False),
    "ollama": Dialect(
        "http://localhost:11434",
        runs_any_model=True,
        knows_service_blocks=False,
        takes_tool_choice=False,
        takes_choice_of_none=False,
    ),
    "vllm": Dialect("http://localhost:8000", runs_any_model=True, knows_service_blocks=False),
    # Passes documents and thinking on to Claude.
    "litellm": Dialect("http://localhost:4000", takes_documents=True, thinking=_ALL_THINKING),
    "openai_chat": Dialect(
        "https://api.openai.com/v1",
        is_chat=True,
        has_versions=False,
        takes_documents=True,
        takes_effort=True,
        runs_any_model=True,
        has_list_prices=True,
        lists_other_kinds=True,
    ),
    # Answers in this process.
    "demo": Dialect(
        "",
        is_native=True,
        takes_documents=True,
        thinking=_ALL_THINKING,
        takes_effort=True,
        names_time_of_limits=True,
    ),
}
