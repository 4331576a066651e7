"""Lists models and counts tokens: short requests without a stream.

They use the same server, key and limits as a stream, and wait on the caller's thread. The list of models is cached in
memory per server, for completion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from . import schema as schemas
from . import tools as toolbox
from .backends import Backend, HttpRequest, Model, TokenCount, backend
from .client import (
    endpoint_of,
    fetch_body,
    listed_models,
    plan_media,
    remember_models,
    uploaded_request,
)
from .config import CALL, resolve
from .content import Request, Turn
from .credentials import find_key
from .errors import OptionError, WireError
from .journaling import uploaded_files
from .ledger import Ledger
from .options import Options
from .prompts import build_request, keyword_remedies, parts_of_prompt

__all__ = [
    "Model",
    "TokenCount",
    "cached_models",
    "count_request_tokens",
    "count_tokens",
    "fetch_models",
    "models",
]

_MOST_PAGES = 100


@keyword_remedies
def count_tokens(
    prompt: object,
    *,
    attach: object = (),
    tools: object = (),
    turns: Sequence[Turn] = (),
    ask_key: Callable[[str], str] | None = None,
    **options: Any,
) -> TokenCount:
    """Count the tokens of a request, system instruction and tools included; nothing is sent to the model.

    Args:
        prompt: the prompt, as for ``ask``.
        attach: media beside the prompt, as for ``ask``.
        tools: functions that the model may call, as for ``ask``.
        turns: the conversation that the prompt continues.
        ask_key: asks the user for a key if none is found; None in a session without a user.
        options: any option of ``%%gemini`` by name.

    Raises:
        UsageProblem: the prompt or an option is not valid, there is no key, or the backend cannot count tokens.
        GeminiMagicError: the server was not reached, or it answered with an error.
    """
    resolved = resolve(options, source=CALL)[0]
    if any(each is not None for each in (resolved.schema, resolved.schema_multi, resolved.items)):
        resolved.schema = schemas.requested_schema(
            resolved.schema, resolved.schema_multi, items=resolved.items
        )
    parts = parts_of_prompt(prompt, attach, table_rows=resolved.table_rows).parts
    functions = [each.declaration for each in toolbox.tools_from(tools)] if tools else ()
    return count_request_tokens(build_request(parts, resolved, turns, functions), resolved, ask_key)


def count_request_tokens(
    request: Request,
    options: Options,
    ask_key: Callable[[str], str] | None = None,
    on_wait: Callable[[Ledger], None] | None = None,
) -> TokenCount:
    """Count the tokens of a request; large media are uploaded for it, with ``on_wait`` as in ``uploaded_request``."""
    dialect = backend(options.backend)
    if dialect.count is None:
        raise OptionError(
            f"The {dialect.name} backend cannot count tokens.",
            remedy="`r.usage` has the token counts of an answer.",
        )
    key = find_key(dialect, options, ask=ask_key)
    plan = plan_media(request, dialect, options)
    sent = uploaded_request(plan, dialect, options, key, uploaded_files(), on_wait=on_wait)
    http = dialect.count.encode(sent, endpoint_of(options))
    return dialect.count.decode(_object(fetch_body(http, dialect, options, key), dialect))


@keyword_remedies
def models(*, ask_key: Callable[[str], str] | None = None, **options: Any) -> list[Model]:
    """List the models that the server offers, in its order.

    Args:
        ask_key: asks the user for a key if none is found; None in a session without a user.
        options: any option of ``%%gemini`` by name, such as ``backend`` or ``base_url``.

    Raises:
        UsageProblem: an option is not valid, there is no key, or the backend cannot list models.
        GeminiMagicError: the server was not reached, or it answered with an error.
    """
    return fetch_models(resolve(options, source=CALL)[0], ask_key)


def fetch_models(options: Options, ask_key: Callable[[str], str] | None = None) -> list[Model]:
    """List the models, with options that are resolved already."""
    dialect = backend(options.backend)
    if dialect.models is None:
        raise OptionError(f"The {dialect.name} backend cannot list models.", remedy="Set a model with -m.")
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
    remember_models(dialect, options, found)
    return found


def cached_models(**options: Any) -> tuple[Model, ...]:
    """The models of a server that this process has listed before; empty if it has not. Sends no request.

    Raises:
        OptionError: an option is not valid.
    """
    resolved = resolve(options, source=CALL)[0]
    return listed_models(backend(resolved.backend), resolved)


def _fetch_object(
    request: HttpRequest, dialect: Backend, options: Options, ask_key: Callable[[str], str] | None
) -> dict[str, Any]:
    """Send a request and return the JSON object that the server answers.

    Raises:
        WireError: the answer is not a JSON object.
        GeminiMagicError: there is no key, the server was not reached, or it answered with an error.
    """
    return _object(fetch_body(request, dialect, options, find_key(dialect, options, ask=ask_key)), dialect)


def _object(body: bytes, dialect: Backend) -> dict[str, Any]:
    """The JSON object in an answer of the server.

    Raises:
        WireError: the answer is not a JSON object.
    """
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        message = dialect.failure(200, body).message
        raise WireError(f"The server's answer is not JSON: {message!r}.", remedy="Check --base-url.")
    return value
