"""Which models there are, and how many tokens a prompt has: short questions that no stream answers.

They go the same way as a stream does (address, key, limits) and wait on the caller's thread. The list of models is
kept per address for this process, for those who complete names; it is never written down.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from .backends import Backend, HttpRequest, Model, TokenCount, backend
from .client import endpoint_of, fetch
from .config import CALL, resolve
from .content import Part, Request, Turn
from .credentials import find_key
from .errors import OptionError, WireError
from .options import Options
from .prompts import build_request, parts_of_prompt

__all__ = ["Model", "TokenCount", "cached_models", "count_tokens", "counted", "listed", "models"]

_MOST_PAGES = 100
_lock = threading.Lock()
_known: dict[str, tuple[Model, ...]] = {}


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
    return counted(build_request(parts_of_prompt(prompt), resolved, turns), resolved, ask_key)


def counted(request: Request, options: Options, ask_key: Callable[[str], str] | None = None) -> TokenCount:
    """The same for a request that is built already."""
    dialect = backend(options.backend)
    if dialect.count is None:
        raise OptionError(
            f"The {dialect.name} backend cannot count tokens.", remedy="The answer's usage counts them."
        )
    http = dialect.count.encode(request, endpoint_of(options))
    return dialect.count.decode(_fetch_object(http, dialect, options, ask_key))


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
        http = dialect.models.encode(endpoint, page)
        listing, page = dialect.models.decode(_fetch_object(http, dialect, options, ask_key))
        found += listing
        if not page or page in seen:
            break
        seen.add(page)
    with _lock:
        _known[dialect.models.encode(endpoint, "").url] = tuple(found)
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
        return _known.get(dialect.models.encode(endpoint_of(resolved), "").url, ())


def _fetch_object(
    request: HttpRequest, dialect: Backend, options: Options, ask_key: Callable[[str], str] | None
) -> dict[str, Any]:
    """Send a request and return the JSON object that the server answers.

    Raises:
        WireError: the answer is not a JSON object.
        GeminiMagicError: there is no key, the server was not reached, or it answered with an error.
    """
    key = find_key(dialect, options, ask=ask_key)
    body = fetch(request, dialect, options, key)
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        value = None
    if not isinstance(value, dict):
        message = dialect.failure(200, body).message
        raise WireError(f"The server's answer is not JSON: {message!r}.", remedy="Check --base-url.")
    return value
