"""Options and parts become a request.

It knows the names of generationConfig fields; it does not know a backend's address nor a cell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ..content import Part, Request, Text, Turn, deep_merge
from ..errors import OptionError, PromptError
from ..options import Options

__all__ = ["build", "parts_of"]

_CONFIG = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "candidates": "candidateCount",
}
_SAFETY = {
    "low": "BLOCK_LOW_AND_ABOVE",
    "medium": "BLOCK_MEDIUM_AND_ABOVE",
    "high": "BLOCK_ONLY_HIGH",
    "none": "BLOCK_NONE",
    "off": "OFF",
}
_HARM = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
_TOOLS = {"search": "googleSearch", "code_execution": "codeExecution", "url_context": "urlContext"}
# Backends whose request can ask for JSON. Not beside tools: most models refuse the two together.
_SAYS_JSON = ("gemini", "vertex", "adaptive", "echo")
_LEVELS = {"minimal": 512, "low": 1024, "medium": 8192, "high": 24576}
# Models that take a budget in tokens; later ones take a level (ai.google.dev, "Gemini thinking").
_BUDGET_MODELS = re.compile(r"gemini-2\.5|gemini-robotics-er-1\.5")
_BYTES = (bytes, bytearray, memoryview)  # sequences, too
_PATH = re.compile(r"[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)*")


def parts_of(prompt: str | Sequence[Part]) -> tuple[Part, ...]:
    """The parts of a prompt that is given from Python: a text, a sequence of parts, or one part.

    Raises:
        PromptError: it is none of these.
    """
    if isinstance(prompt, str):
        return (Text(prompt),)
    given: object = prompt  # whatever a caller without types hands in
    parts: list[Any] = (
        list(given) if isinstance(given, Sequence) and not isinstance(given, _BYTES) else [given]
    )
    wrong = [each for each in parts if not isinstance(each, Part)]
    if not wrong:
        return tuple(parts)
    raise PromptError(
        f"A prompt is text or a list of parts, not {type(wrong[0]).__name__}.",
        remedy="Write str(...), or gemini_magic.content.Text(...) for text among other parts.",
    )


def build(parts: Sequence[Part], options: Options, turns: Sequence[Turn] = ()) -> Request:
    """The request that asks ``parts`` after ``turns``.

    Args:
        parts: the user's new turn.
        options: what the line and the configuration say.
        turns: the conversation so far, oldest first.

    Raises:
        OptionError: ``--body``, ``-p`` or ``--thinking`` cannot be read.
    """
    config: dict[str, Any] = {
        field: value for name, field in _CONFIG.items() if (value := getattr(options, name)) is not None
    }
    if options.stop:
        config["stopSequences"] = list(options.stop)
    if options.format == "json" and options.backend in _SAYS_JSON and not _tools(options):
        config["responseMimeType"] = "application/json"
    if options.thinking:
        config["thinkingConfig"] = _thinking(options.thinking, options.model)
    body = _body(options)
    for item in options.param:
        _param(item, config, body)
    if options.body:
        body = deep_merge(body, _object(options.body))
    return Request(
        model=options.model,
        turns=(*turns, Turn("user", tuple(parts))),
        system=options.system,
        config=config,
        body=body,
    )


def _body(options: Options) -> dict[str, Any]:
    """The fields beside generationConfig that have options of their own."""
    body: dict[str, Any] = {}
    if tools := _tools(options):
        body["tools"] = tools
    if options.safety:
        level = _SAFETY[options.safety]
        body["safetySettings"] = [{"category": f"HARM_CATEGORY_{harm}", "threshold": level} for harm in _HARM]
    if options.service_tier:
        body["serviceTier"] = options.service_tier
    return body


def _tools(options: Options) -> list[dict[str, Any]]:
    return [{field: {}} for name, field in _TOOLS.items() if getattr(options, name)]


def _thinking(level: str, model: str) -> dict[str, Any]:
    word = level.lower()
    if word == "off":
        return {"thinkingBudget": 0}
    if word == "on":
        return {"includeThoughts": True}
    if word.lstrip("-").isdigit():
        return {"includeThoughts": True, "thinkingBudget": int(word)}
    if word in (*_LEVELS, "xhigh"):
        if _BUDGET_MODELS.search(model):
            return {"includeThoughts": True, "thinkingBudget": _LEVELS.get(word, _LEVELS["high"])}
        return {"includeThoughts": True, "thinkingLevel": word.upper()}
    raise OptionError(
        f"--thinking {level!r} is not a level.",
        remedy=f"Write off, on, {', '.join(_LEVELS)}, or a number of tokens.",
    )


def _param(item: str, config: dict[str, Any], body: dict[str, Any]) -> None:
    name, equals, text = item.partition("=")
    name = name.strip()
    if not equals or not _PATH.fullmatch(name):
        raise OptionError(
            f"-p {item!r} is not K=V.", remedy="Write -p topK=5, or a dotted path such as -p toolConfig.x=1."
        )
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    *path, last = name.split(".")
    target = body if path else config
    for key in path:
        target = target.setdefault(key, {})
        if not isinstance(target, dict):
            raise OptionError(f"-p {item!r}: {key!r} holds a value already.", remedy="Set a field only once.")
    target[last] = value


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as problem:
        raise OptionError(
            f"--body is not JSON: {problem}.", remedy="""Write it in single quotes: --body '{"key": 1}'."""
        ) from None
    if not isinstance(value, dict):
        raise OptionError("--body is not a JSON object.", remedy="""Write --body '{"key": 1}'.""")
    return value
