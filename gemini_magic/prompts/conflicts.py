"""Finds options whose value ``-p`` or ``--body`` would replace without a word.

A value of ``-p`` or ``--body`` takes precedence over options with lower precedence, such as those in a configuration file.
Where the option has the same precedence or a higher one, for example on the same line, the two contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ..config import PREVIOUS, precedence
from ..content import Request, RequestSettings
from ..errors import OptionError
from ..options import Options
from .request import build_request

__all__ = ["check_conflicts"]

# Options that write fields of the request, with the words for messages. The prompt is written by no option.
_WRITING = {
    "system": "-s",
    "temperature": "-t",
    "top_p": "--top-p",
    "top_k": "--top-k",
    "max_tokens": "--max-tokens",
    "stop": "--stop",
    "seed": "--seed",
    "candidates": "-n",
    "logprobs": "--logprobs",
    "search": "--search",
    "code_execution": "--code-execution",
    "url_context": "--url-context",
    "maps": "--maps",
    "file_search": "--file-search",
    "safety": "--safety",
    "service_tier": "--service-tier",
    "thinking": "--thinking",
    "schema": "--schema",
    "format": "--format",
}


def check_conflicts(
    body_of: Callable[[Request], dict[str, Any]],
    request: Request,
    options: Options,
    sources: Mapping[str, str],
) -> None:
    """Raise an error if ``-p`` or ``--body`` replaces what an option writes that does not have a lower precedence.

    Args:
        body_of: returns the JSON body of a request, as the backend sends it.
        request: the request.
        options: its options.
        sources: where each option came from, as returned by ``resolve``.

    Raises:
        OptionError: an option is contradicted; or the backend cannot send the request.
    """
    _check_agent(options, sources)
    if not (request.params or request.body):
        return
    # The turns are long, and no option writes them.
    short = replace(request, turns=request.turns[-1:])
    sent = body_of(short)
    plain = body_of(replace(short, params={}, body={}))
    empty = body_of(replace(short, params={}, body={}, system=None, settings=RequestSettings()))
    writers = [name for name in ("param", "body") if getattr(options, name)]
    for name, flag in _WRITING.items():
        against = [writer for writer in writers if _contradicts(name, writer, sources)]
        if not against:
            continue
        alone = build_request(short.turns[-1].parts, _only(options, name))
        written = _added(empty, body_of(alone))
        place = _replaced(written, sent)
        if place and not _replaced(written, plain):  # another option may have replaced it
            raise _conflict(flag, " or ".join(_FLAGS[writer] for writer in against), place)
    own = request.settings
    resolved = {  # the values of these options do not determine their fields; they always belong to this cell or call
        "--tool": RequestSettings(functions=own.functions, tool_choice=own.tool_choice),
        "--remote-mcp": RequestSettings(mcp_servers=own.mcp_servers),
    }
    for flag, settings in resolved.items():
        written = _added(empty, body_of(replace(short, params={}, body={}, system=None, settings=settings)))
        if place := _replaced(written, sent):
            raise _conflict(flag, " or ".join(_FLAGS[writer] for writer in writers), place)
    if options.body and not _contradicts("param", "body", sources):
        return
    bare = replace(short, body={}, system=None, settings=RequestSettings())
    for (
        name,
        value,
    ) in request.params.items():  # other parameters can set them by another spelling or by their path
        written = _added(empty, body_of(replace(bare, params={name: value})))
        if place := _replaced(written, sent):
            raise _conflict("-p", "--body" if options.body else "another -p", place)


def _check_agent(options: Options, sources: Mapping[str, str]) -> None:
    """Raise an error if a call names an agent and a model: only one of them answers."""
    named = options.agent and "model" in sources and "agent" in sources
    if sources.get("model") == PREVIOUS:  # inherited from an answer that the agent gave
        return
    if named and precedence(sources["model"]) >= precedence(sources["agent"]):
        raise OptionError(
            f"--agent {options.agent} and -m {options.model} exclude each other.",
            remedy="Use only one of them. The model of some agents is set with -p agent_config.model=NAME.",
        )


_FLAGS = {"param": "-p", "body": "--body"}


def _contradicts(name: str, writer: str, sources: Mapping[str, str]) -> bool:
    """Whether an option has at least the precedence of ``-p`` or ``--body``, and both were not inherited together."""
    if name not in sources or writer not in sources:
        return False
    if sources[name] == sources[writer] == PREVIOUS:
        return False
    return precedence(sources[name]) >= precedence(sources[writer])


def _only(options: Options, name: str) -> Options:
    """Options in which only one option is set. The model and the size limit of media are kept, as the request needs them."""
    return Options(model=options.model, inline_limit=options.inline_limit, **{name: getattr(options, name)})


def _added(before: Any, after: Any) -> Any:
    """The part of a JSON value that another value of the same shape does not have."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    return {
        key: _added(before.get(key), value)
        for key, value in after.items()
        if key not in before or before[key] != value
    }


def _replaced(written: Any, sent: Any, place: str = "") -> str:
    """The path of the first field of ``written`` that ``sent`` does not contain; empty if it contains all.

    A list contains the items of another one in any order. A true value is a switch that a setting turns on beside its
    own field, such as ``includeThoughts``; it may be turned off.
    """
    if isinstance(written, dict) and isinstance(sent, dict):
        found = (
            _replaced(value, sent.get(key), f"{place}.{key}" if place else key)
            for key, value in written.items()
        )
        return next(filter(None, found), "")
    if isinstance(written, list) and isinstance(sent, list):
        kept = all(any(not _replaced(item, other, "x") for other in sent) for item in written)
        return "" if kept else place
    return "" if written is True or written == sent else place


def _conflict(option: str, other: str, place: str) -> OptionError:
    return OptionError(
        f"{option} and {other} both set {place}, to different values.",
        remedy=f"Use only one of them, and write the whole value of {place.rpartition('.')[2]} there.",
    )
