"""Builds a request from a prompt and options.

The request is neutral: a backend writes it in its dialect. Only ``-p`` and ``--body`` hold what the user wrote in one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from .. import media
from ..content import (
    Blob,
    FunctionDeclaration,
    LocalFile,
    Part,
    Request,
    RequestSettings,
    Text,
    Thinking,
    ToolChoice,
    Turn,
    deep_merge,
)
from ..conversation import answer_open_calls
from ..errors import OptionError, PromptError
from ..options import Options
from .converted import TABLE_ROWS, ConvertedObject

__all__ = ["build_request", "parts_of_prompt"]

_HARMS: Final = ("harassment", "hate_speech", "sexually_explicit", "dangerous_content")
_TOOLS: Final[tuple[Literal["search", "code_execution", "url_context", "maps"], ...]] = (
    "search",
    "code_execution",
    "url_context",
    "maps",
)
_CHOICES: Final[tuple[Literal["auto", "any", "none"], ...]] = ("auto", "any", "none")
_STORE: Final = re.compile(r"[\w.-]+")
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
_MEGABYTE = 1_000_000
_PATH = re.compile(r"[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)*")


def parts_of_prompt(prompt: object, attach: object = (), *, table_rows: int = TABLE_ROWS) -> ConvertedObject:
    """The parts of a prompt: its attachments, and then its text and objects in their order.

    Args:
        prompt: text, an object that is media or a table, or a sequence of text, parts and any objects.
        attach: what is attached: a path, a pattern or an address (text), an object that is media, or a list of these.
        table_rows: the largest number of rows of a table; 0 for all.

    Raises:
        PromptError: the prompt has another type, or an object cannot be sent.
    """
    notices: list[str] = []
    parts: list[Part] = []
    attached = () if attach is None else attach if isinstance(attach, list | tuple) else (attach,)
    if attached:
        from .attachments import parts_of_attachment  # noqa: PLC0415 - few prompts have attachments
    for number, each in enumerate(attached):
        source = media.MediaSource(f"attach[{number}]", notices)
        parts += parts_of_attachment(each, source, table_rows)
    if isinstance(prompt, str):
        return ConvertedObject((*parts, Text(prompt)), tuple(notices))
    from .objects import parts_from_object  # noqa: PLC0415 - most prompts are text

    if isinstance(prompt, Sequence) and not isinstance(prompt, bytes | bytearray | memoryview):
        for number, item in enumerate(prompt):
            if item is None:
                raise _wrong_type(item)
            converted = parts_from_object(item, name=f"prompt[{number}]", table_rows=table_rows)
            if number and not isinstance(item, Part) and _both_text(parts, converted.parts):
                parts.append(Text("\n\n"))
            parts += converted.parts
            notices += converted.notices
    elif _is_prompt(prompt):
        converted = parts_from_object(prompt, name="the prompt", table_rows=table_rows)
        parts += converted.parts
        notices += converted.notices
    elif found := media.media_parts(prompt, media.MediaSource("the prompt", notices)):
        parts += found
    else:
        raise _wrong_type(prompt)
    return ConvertedObject(tuple(parts), tuple(notices))


def _is_prompt(value: object) -> bool:
    """Whether an object that is not media can be a prompt by itself."""
    from .tables import table_of  # noqa: PLC0415 - most prompts are text

    if isinstance(value, Part | Turn | media.Attachment):
        return True
    return ("gemini_magic", "Response") in media.class_names(value) or table_of(value) is not None


def _both_text(before: Sequence[Part], after: Sequence[Part]) -> bool:
    """Whether two texts would run together: they are separated by an empty line."""
    if not (before and after and isinstance(before[-1], Text) and isinstance(after[0], Text)):
        return False
    return not before[-1].text.endswith("\n") and not after[0].text.startswith("\n")


def _wrong_type(value: object) -> PromptError:
    return PromptError(
        f"A prompt must be text, media, or a list of them, not {type(value).__name__}.",
        remedy="Use str(...) to send its text.",
    )


def build_request(
    parts: Sequence[Part],
    options: Options,
    turns: Sequence[Turn] = (),
    functions: Sequence[FunctionDeclaration] = (),
) -> Request:
    """The request that sends ``parts`` after ``turns``, with the local files that fit into it.

    Args:
        parts: the user's new turn.
        options: the resolved options; ``schema`` is a :class:`~gemini_magic.schema.Schema` or None.
        turns: the conversation so far, oldest first.
        functions: the functions that the model may call.

    Raises:
        OptionError: ``--body``, ``-p``, ``--thinking``, ``--file-search`` or ``--tool-choice`` is not valid.
        PromptError: a file cannot be read, or the media are too large.
    """
    params: dict[str, Any] = {}
    body: dict[str, Any] = {}
    for item in options.param:
        _param(item, params, body)
    if options.body:
        body = deep_merge(body, _object(options.body))
    given = "tools" in params or "tools" in body
    asked = Turn("user", _with_files(parts, round(options.inline_limit * _MEGABYTE)))
    return Request(
        model=options.model,
        turns=answer_open_calls((*_earlier_turns(turns, options), asked)),
        system=options.system,
        settings=_settings(options, functions, given=given),
        params=params,
        body=body,
    )


def _earlier_turns(turns: Sequence[Turn], options: Options) -> Sequence[Turn]:
    """The turns before the question; with ``--previous``, one that stands for the stored conversation.

    Raises:
        OptionError: there is a stored conversation, and another one.
    """
    if not options.previous or any(
        turn.is_reference and turn.stored == options.previous for turn in turns
    ):  # a repair asks again with the options of the first request
        return turns
    if turns:
        raise OptionError(
            "--previous continues a stored answer, so it cannot be added to an earlier conversation.",
            remedy="Leave out --previous, or start a new conversation with --fresh.",
        )
    return (Turn("model", (), stored=options.previous),)


def _with_files(parts: Sequence[Part], limit: int) -> tuple[Part, ...]:
    """The parts with the local files that fit into the request."""
    has_media = any(isinstance(part, Blob | LocalFile) for part in parts)
    return media.read_files(parts, limit) if has_media else tuple(parts)


def _settings(options: Options, functions: Sequence[FunctionDeclaration], *, given: bool) -> RequestSettings:
    """The neutral settings; ``given`` means that ``-p`` or ``--body`` declares tools itself."""
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
        schema=None if options.schema is None else options.schema.sent,
        questions=options.decide or {},
        thinking=_thinking(options.thinking) if options.thinking else None,
        tools=tuple(name for name in _TOOLS if getattr(options, name)),
        file_search=tuple(map(_store, options.file_search)),
        functions=tuple(functions),
        tool_choice=_tool_choice(options.tool_choice, [each.name for each in functions], given=given)
        if options.tool_choice
        else None,
        safety=dict.fromkeys(_HARMS, options.safety) if options.safety else {},
        service_tier=options.service_tier or None,
        server_store=options.server_store,
        previous=options.previous or None,
        agent=options.agent or None,
        server_background=options.server_background,
    )


def _store(name: str) -> str:
    """The resource name of a file search store.

    Raises:
        OptionError: it is not one.
    """
    plain = name.removeprefix("fileSearchStores/")
    if not _STORE.fullmatch(plain):
        raise OptionError(
            f"--file-search {name!r} is not the name of a store.",
            remedy="Write the name as the API returns it, such as fileSearchStores/my-store-123.",
        )
    return f"fileSearchStores/{plain}"


def _tool_choice(value: str, names: Sequence[str], *, given: bool) -> ToolChoice:
    """The choice that a value of ``--tool-choice`` names: a mode, a function, or several with commas.

    Args:
        value: the value.
        names: the functions of the request.
        given: whether the request declares other functions in the user's JSON, whose names are not known.

    Raises:
        OptionError: there are no functions, or none of that name.
    """
    if not names and not given:
        raise OptionError(
            "--tool-choice needs a function.", remedy="Add -T NAME; in a call, tools=[function]."
        )
    for mode in _CHOICES:
        if value.lower() == mode:
            return ToolChoice(mode)
    chosen = tuple(dict.fromkeys(filter(None, (each.strip() for each in value.split(",")))))
    unknown = [each for each in chosen if each not in names]
    if not chosen or (unknown and not given):
        raise OptionError(
            f"--tool-choice {value!r} is neither auto, any, none nor a function of this request.",
            remedy=f"The functions are {', '.join(names)}.",
        )
    return ToolChoice("any", chosen)


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
