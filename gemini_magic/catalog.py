"""Which models there are, and how many tokens a prompt has: short questions that no stream answers.

They go the same way as a stream does (address, key, limits) and wait on the caller's thread. The list of models is
kept per address for this process, for those who complete names; it is never written down.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from .backends import Backend, HttpRequest, backend
from .client import endpoint_of, fetch
from .config import CALL, resolve
from .content import Part, Request, Turn
from .credentials import find_key
from .errors import OptionError, WireError
from .options import Options
from .prompts import build, parts_of

__all__ = ["Model", "TokenCount", "cached_models", "count_tokens", "counted", "listed", "models"]

_MOST_PAGES = 100
_lock = threading.Lock()
_known: dict[str, tuple[Model, ...]] = {}


class TokenCount(NamedTuple):
    """How many tokens a request has; None for what the server did not say.

    Attributes:
        total: all of them, system instruction and tools included.
        cached: those that come from cached content.
        by_modality: how many of which kind, such as ``{"TEXT": 5}``; empty where the server does not tell.
    """

    total: int | None
    cached: int | None
    by_modality: dict[str, int]


class Model(NamedTuple):
    """One model of the list; None for what the server did not say.

    Attributes:
        name: what ``-m`` takes.
        display_name: for people.
        input_limit, output_limit: in tokens.
        methods: what it can be asked for; ``generateContent`` for answers.
        thinking: whether it can think.
    """

    name: str
    display_name: str | None
    input_limit: int | None
    output_limit: int | None
    methods: tuple[str, ...]
    thinking: bool | None


def count_tokens(
    prompt: str | Sequence[Part],
    *,
    turns: Sequence[Turn] = (),
    ask_key: Callable[[str], str] | None = None,
    **options: Any,
) -> TokenCount:
    """How many tokens a question would have, system instruction and tools counted; nothing is answered.

    Args:
        prompt: the question, or its parts.
        turns: a conversation that the question goes on with.
        ask_key: asks the user for a key when none is found; None where nobody can be asked.
        options: any option of ``%%gemini`` by name.

    Raises:
        UsageProblem: what is asked is no prompt, an unknown option, no key, or a backend that does not count.
        GeminiMagicError: the server was not reached, or said no.
    """
    resolved = resolve(options, place=CALL)[0]
    return counted(build(parts_of(prompt), resolved, turns), resolved, ask_key)


def counted(request: Request, options: Options, ask_key: Callable[[str], str] | None = None) -> TokenCount:
    """The same for a request that is built already."""
    dialect = backend(options.backend)
    if dialect.count is None:
        raise OptionError(
            f"The {dialect.name} backend cannot count tokens.", remedy="The answer's usage counts them."
        )
    said = _asked(dialect.count(request, endpoint_of(options)), dialect, options, ask_key)
    return TokenCount(
        _number(said.get("totalTokens")),
        _number(said.get("cachedContentTokenCount")),
        {
            str(each.get("modality", "MODALITY_UNSPECIFIED")): _number(each.get("tokenCount")) or 0
            for each in _objects(said.get("promptTokensDetails"))
        },
    )


def models(*, ask_key: Callable[[str], str] | None = None, **options: Any) -> list[Model]:
    """The models the server offers, in its order, from all pages of its list.

    Args:
        ask_key: asks the user for a key when none is found; None where nobody can be asked.
        options: any option of ``%%gemini`` by name, such as ``backend`` or ``base_url``.

    Raises:
        UsageProblem: an unknown option, no key, or a backend without a list.
        GeminiMagicError: the server was not reached, or said no.
    """
    return listed(resolve(options, place=CALL)[0], ask_key)


def listed(options: Options, ask_key: Callable[[str], str] | None = None) -> list[Model]:
    """The same for options that are resolved already."""
    dialect = backend(options.backend)
    if dialect.models is None:
        raise OptionError(
            f"The {dialect.name} backend has no list of models.", remedy="Name a model with -m."
        )
    endpoint = endpoint_of(options)
    found: list[Model] = []
    page, seen = "", set[str]()
    for _ in range(_MOST_PAGES):
        said = _asked(dialect.models(endpoint, page), dialect, options, ask_key)
        found += map(_model, _objects(said.get("models") or said.get("publisherModels")))
        page = str(said.get("nextPageToken") or "")
        if not page or page in seen:
            break
        seen.add(page)
    with _lock:
        _known[dialect.models(endpoint, "").url] = tuple(found)
    return found


def cached_models(**options: Any) -> tuple[Model, ...]:
    """The models of an address as far as this process has asked for them; empty when it has not. Asks nobody.

    Raises:
        OptionError: an unknown option.
    """
    resolved = resolve(options, place=CALL)[0]
    dialect = backend(resolved.backend)
    if dialect.models is None:
        return ()
    with _lock:
        return _known.get(dialect.models(endpoint_of(resolved), "").url, ())


def _asked(
    request: HttpRequest, dialect: Backend, options: Options, ask_key: Callable[[str], str] | None
) -> dict[str, Any]:
    """The JSON object that the server answers."""
    key = find_key(dialect, options, ask=ask_key)
    body = fetch(request, dialect, options, key)
    try:
        said = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        said = None
    if not isinstance(said, dict):
        words = dialect.failure(200, body).message
        raise WireError(f"The server's answer is not JSON: {words!r}.", remedy="Check --base-url.")
    return said


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(value: Any) -> int | None:
    """A count, whether it came as a number or a string (ProtoJSON writes 64-bit numbers as strings)."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _model(said: dict[str, Any]) -> Model:
    methods = said.get("supportedGenerationMethods")
    thinking, shown = said.get("thinking"), said.get("displayName")
    name = str(said.get("name", ""))
    for home in ("models/", "publishers/google/models/"):
        name = name.removeprefix(home)
    return Model(
        name,
        None if shown is None else str(shown),
        _number(said.get("inputTokenLimit")),
        _number(said.get("outputTokenLimit")),
        tuple(map(str, methods)) if isinstance(methods, list) else (),
        thinking if isinstance(thinking, bool) else None,
    )
