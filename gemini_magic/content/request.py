"""Turns, and the request before a backend encodes it."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from .declarations import FunctionDeclaration, RemoteServer, ToolChoice
from .parts import Part
from .transcripts import spoken_text

__all__ = [
    "Request",
    "RequestSettings",
    "Thinking",
    "Turn",
    "deep_merge",
]


class Turn(Struct, frozen=True):
    """One message of a conversation, by the user or the model.

    Attributes:
        parts: what it consists of.
        steps: the same as steps of the Interactions API, as the server sent them: it gets them back unchanged, with their
            signatures and unknown fields. Empty for a turn of another API, and for every turn of the user.
        stored: the id under which a server stores the conversation up to this turn; None if it does not. A turn that has no
            parts stands for a conversation that only the server has.
    """

    role: Literal["user", "model"]
    parts: tuple[Part, ...]
    steps: tuple[dict[str, Any], ...] = ()
    stored: str | None = None

    @property
    def is_reference(self) -> bool:
        """Whether the turn stands for a conversation that only the server has."""
        return self.stored is not None and not self.parts and not self.steps

    @property
    def text(self) -> str:
        """The text parts and transcripts joined, without thoughts and media."""
        return spoken_text(self.parts)


class Thinking(Struct, frozen=True):
    """How much the model may think before it answers: a level or a budget, the other one is None.

    Attributes:
        level: ``on`` leaves the amount to the model.
        budget: in tokens; -1 leaves the amount to the model.
    """

    level: Literal["off", "on", "minimal", "low", "medium", "high", "xhigh"] | None = None
    budget: int | None = None


class RequestSettings(Struct, frozen=True, kw_only=True):
    """The settings of a request, in no dialect. None and empty values are not sent, so the server's default applies.

    Attributes:
        temperature, top_p, top_k, seed: how the next token is sampled.
        max_tokens: the longest answer, in tokens.
        candidates: the number of answers.
        logprobs: the number of alternatives for which, with the chosen token, log probabilities are sent.
        stop: texts that end the answer.
        json_output: whether the server is asked to answer in JSON; a backend that cannot ask for it ignores this.
        schema: the JSON Schema that the answer must fit, in no dialect; None for an answer in text.
        questions: the questions of a decision by their ids, as :func:`~gemini_magic.schema.read_questions` returns them; empty
            for a request that is no decision.
        thinking: how much the model may think.
        tools: the server's own tools that the model may use.
        file_search: the stores that the model may search (``fileSearchStores/NAME``).
        mcp_servers: MCP servers that the model's server may call.
        functions: the functions that the model may call.
        tool_choice: whether it calls one.
        safety: from which probability on harmful content is blocked, by category (``harassment``, ``hate_speech``,
            ``sexually_explicit``, ``dangerous_content``): ``low``, ``medium``, ``high``, ``none`` or ``off``.
        service_tier: ``flex``, ``standard``, ``priority``, ``deferred``, or ``batch`` for a request of a batch job.
        server_store: whether the server stores the answer, so that it can be read again and continued there.
        previous: the id of the stored answer that this request continues.
        agent: the agent that answers in place of the model; None for the model.
        server_background: whether the server answers at its own time, without an open connection.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    seed: int | None = None
    candidates: int | None = None
    logprobs: int | None = None
    stop: tuple[str, ...] = ()
    json_output: bool = False
    schema: dict[str, Any] | None = None
    questions: dict[str, Any] = field(default_factory=dict)
    thinking: Thinking | None = None
    tools: tuple[Literal["search", "code_execution", "url_context", "maps"], ...] = ()
    file_search: tuple[str, ...] = ()
    mcp_servers: tuple[RemoteServer, ...] = ()
    functions: tuple[FunctionDeclaration, ...] = ()
    tool_choice: ToolChoice | None = None
    safety: dict[str, str] = field(default_factory=dict)
    service_tier: str | None = None
    server_store: bool = False
    previous: str | None = None
    agent: str | None = None
    server_background: bool = False

    @property
    def is_stored(self) -> bool:
        """Whether the server stores the answer: agents and answers in the background need that."""
        return self.server_store or self.server_background or self.agent is not None


class Request(Struct, frozen=True, kw_only=True):
    """A request before a backend encodes it.

    Attributes:
        model: the model's id, without ``models/``.
        turns: the conversation, oldest turn first; the last turn is the user's.
        system: the system instruction, or None.
        settings: what the options set, in no dialect.
        params: fields that the user named in the dialect (``-p NAME=VALUE``); they override ``settings``.
        body: JSON in the dialect that is merged deeply over the encoded body; it overrides everything else.
        continuation: the server's token for the answer that this request continues, or None.
        stored_id: the id of the stored answer to this request: it is read from the server, and the model is not asked. None
            to ask the model.
    """

    model: str
    turns: tuple[Turn, ...]
    system: str | None = None
    settings: RequestSettings = RequestSettings()
    params: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    continuation: str | None = None
    stored_id: str | None = None


def deep_merge(base: dict[str, Any], over: dict[str, Any], *, drop_null: bool = False) -> dict[str, Any]:
    """Merge ``over`` deeply into ``base``: objects are merged, other values are replaced.

    Args:
        base: a JSON object; it is not changed.
        over: the JSON object that takes precedence.
        drop_null: whether a null in ``over`` removes the field; otherwise the merged field is null.
    """
    result = dict(base)
    for key, value in over.items():
        if value is None and drop_null:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = deep_merge(result[key], value, drop_null=drop_null)
        else:
            result[key] = value
    return result
