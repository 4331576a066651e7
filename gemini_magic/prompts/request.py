"""Builds a request from a prompt and options.

The request is neutral: a backend writes it in its dialect. Only ``-p`` and ``--body`` hold what the user wrote in one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from ..content import Part, Request, RequestSettings, Text, Thinking, Turn, deep_merge
from ..errors import OptionError, PromptError
from ..options import Options

__all__ = ["build_request", "parts_of_prompt"]

_HARMS: Final = ("harassment", "hate_speech", "sexually_explicit", "dangerous_content")
_TOOLS: Final[tuple[Literal["search", "code_execution", "url_context"], ...]] = (
    "search",
    "code_execution",
    "url_context",
)
_LEVELS: Final[tuple[Literal["off", "on", "minimal", "low", "medium", "high", "xhigh"], ...]] = (
    "off",
    "on",
    "minimal",
    "low",
    "medium",
    "high",
    "xhigh",
)
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null", "NaN": "", "Infinity": "", "-Infinity": ""}
_BYTES = (bytes, bytearray, memoryview)  # these are sequences too
_PATH = re.compile(r"[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)*")


def parts_of_prompt(prompt: str | Sequence[Part]) -> tuple[Part, ...]:
    """The parts of a prompt: of text, of a sequence of parts, or of a single part.

    Raises:
        PromptError: the prompt has another type.
    """
    if isinstance(prompt, str):
        return (Text(prompt),)
    given: object = prompt  # callers without type checks may pass anything
    parts: list[Any] = (
        list(given) if isinstance(given, Sequence) and not isinstance(given, _BYTES) else [given]
    )
    wrong = [each for each in parts if not isinstance(each, Part)]
    if not wrong:
        return tuple(parts)
    raise PromptError(
        f"A prompt must be text or a list of parts, not {type(wrong[0]).__name__}.",
        remedy="Use str(...), or gemini_magic.content.Text(...) for text among other parts.",
    )


def build_request(parts: Sequence[Part], options: Options, turns: Sequence[Turn] = ()) -> Request:
    """The request that sends ``parts`` after ``turns``.

    Args:
        parts: the user's new turn.
        options: the resolved options.
        turns: the conversation so far, oldest first.

    Raises:
        OptionError: ``--body``, ``-p`` or ``--thinking`` is not valid.
    """
    params: dict[str, Any] = {}
    body: dict[str, Any] = {}
    for item in options.param:
        _param(item, params, body)
    if options.body:
        body = deep_merge(body, _object(options.body))
    return Request(
        model=options.model,
        turns=(*turns, Turn("user", tuple(parts))),
        system=options.system,
        settings=_settings(options),
        params=params,
        body=body,
    )


def _settings(options: Options) -> RequestSettings:
    return RequestSettings(
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        max_tokens=options.max_tokens,
        seed=options.seed,
        candidates=options.candidates,
        logprobs=options.logprobs,
        stop=tuple(options.stop),
        json_output=options.format == "json",
        thinking=_thinking(options.thinking) if options.thinking else None,
        tools=tuple(name for name in _TOOLS if getattr(options, name)),
        safety=dict.fromkeys(_HARMS, options.safety) if options.safety else {},
        service_tier=options.service_tier or None,
    )


def _thinking(value: str) -> Thinking:
    name = value.lower()
    for level in _LEVELS:
        if name == level:
            return Thinking(level=level)
    if name.lstrip("-").isdigit():
        return Thinking(budget=int(name))
    raise OptionError(
        f"--thinking {value!r} is not a thinking level.",
        remedy=f"Use {', '.join(_LEVELS[:-1])}, or a number of tokens.",
    )


def _param(item: str, params: dict[str, Any], body: dict[str, Any]) -> None:
    """Add ``NAME=VALUE`` to the parameters, or ``A.B=VALUE`` to the body; a value that is not JSON is text."""
    name, equals, text = item.partition("=")
    name = name.strip()
    if not equals or not _PATH.fullmatch(name):
        raise OptionError(
            f"-p must have the form NAME=VALUE, not {item!r}.",
            remedy="For example: -p topK=5, or with a dotted path -p toolConfig.x=1.",
        )
    value = _param_value(name, text)
    *path, last = name.split(".")
    target = body if path else params
    for key in path:
        target = target.setdefault(key, {})
        if not isinstance(target, dict):
            raise OptionError(
                f"-p {item!r}: {key!r} already has a value.", remedy="Set each field only once."
            )
    if last in target and target[last] != value:
        raise OptionError(
            f"-p sets {name} twice, to {json.dumps(target[last])} and {json.dumps(value)}.",
            remedy="Set each field only once.",
        )
    target[last] = value


def _param_value(name: str, text: str) -> Any:
    """The value of a parameter: JSON, or else text.

    Raises:
        OptionError: the text was probably meant as JSON.
    """
    try:
        return _loads(text)
    except ValueError:
        pass
    bare = text.strip()
    if bare.startswith(("{", "[")):
        raise OptionError(
            f"-p {name}: {bare} is not valid JSON.",
            remedy=f"""Put single quotes around it, which keep the quotation marks in it: -p '{name}={{"key": "text"}}'.""",
        )
    if bare in _PYTHON_WORDS:
        raise OptionError(
            f"-p {name}: {bare} is not JSON.",
            remedy=f"Write {_PYTHON_WORDS[bare]}." if _PYTHON_WORDS[bare] else "JSON has no such number.",
        )
    return text


def _loads(text: str) -> Any:
    value = json.loads(text)
    json.dumps(value, allow_nan=False)  # raises ValueError for NaN and infinite numbers, which are not JSON
    return value


def _object(text: str) -> dict[str, Any]:
    try:
        value = _loads(text)
    except ValueError as problem:
        raise OptionError(
            f"--body is not valid JSON: {problem}.", remedy="""Use single quotes: --body '{"key": 1}'."""
        ) from None
    if not isinstance(value, dict):
        raise OptionError("--body must be a JSON object.", remedy="""For example: --body '{"key": 1}'.""")
    return value
