"""What a row asks: the hash by which its answer is found again, and what has changed between two runs.

The hash covers what the user asked for, not the encoded request: the rendered parts (which contain the text of the
template), the model, the options that change an answer, the schema, the functions and the number of the sample. The host, the
timeouts and the display do not belong to it. Its canonical form has a version, and the form of a version never changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, NamedTuple

import msgspec

from ..content import Blob, File, LocalFile, MediaSettings, Part, Text
from ..errors import OptionError
from ..options import Options
from ..text import short_line

__all__ = ["FORM", "OPTION_ROLES", "Identity", "asked_for", "changes"]

FORM: Final = 1
"""The version of the canonical form that new rows are hashed in."""

_SHOWN: Final = 120  # characters of a value in the description of a change

OPTION_ROLES: Final[Mapping[str, Literal["answer", "prompt", "other"]]] = {
    **dict.fromkeys(
        (
            "model",
            "system",
            "temperature",
            "top_p",
            "top_k",
            "max_tokens",
            "stop",
            "seed",
            "schema",
            "schema_multi",
            "decide",
            "candidates",
            "logprobs",
            "search",
            "code_execution",
            "url_context",
            "maps",
            "file_search",
            "tool",
            "mcp",
            "remote_mcp",
            "tool_choice",
            "safety",
            "param",
            "body",
            "thinking",
            "format",
            "agent",
            "previous",
        ),
        "answer",
    ),
    **dict.fromkeys(("attach", "verbatim", "table_rows", "chat", "continue_"), "prompt"),
    **dict.fromkeys(
        (
            "repair",
            "compare",
            "sweep",
            "repeat",
            "cache",
            "items",
            "max_rounds",
            "tool_timeout",
            "confirm",
            "run_tools",
            "service_tier",
            "server_store",
            "server_background",
            "fresh",
            "out",
            "count",
            "dry_run",
            "record",
            "replay",
            "replay_any",
            "speed",
            "display",
            "next_cell",
            "images",
            "backend",
            "base_url",
            "api_version",
            "auth",
            "project",
            "location",
            "alt",
            "no_stream",
            "method_style",
            "fallback",
            "price",
            "key_env",
            "http_hosts",
            "timeout",
            "stall_timeout",
            "first_byte_timeout",
            "connect_timeout",
            "retries",
            "rpm",
            "max_event",
            "max_total",
            "to",
            "overwrite",
            "append",
            "background",
            "quiet",
            "inline_limit",
            "record_size",
            "media_size",
            "journal",
            "journal_size",
            "journal_days",
            "cache",
            "compare",
            "sweep",
            "repeat",
        ),
        "other",
    ),
}
"""What each option does to the identity of a row.

``answer``: it changes the answer, so it belongs to the identity. ``prompt``: it changes the rendered parts, which belong to
it. ``other``: it changes how the answer is requested, received, paid or displayed.
"""

_SEPARATE: Final = ("model", "schema", "schema_multi", "tool", "format")  # written in another form


def asked_for(
    options: Options,
    *,
    template: str = "",
    functions: Sequence[Any] = (),
    repeat: int = 1,
    form: int | None = None,
) -> dict[str, Any]:
    """What the rows of a run ask for besides their values, as JSON that is stored with the run.

    Args:
        options: the resolved options; ``schema`` is a :class:`~gemini_magic.schema.Schema` or None.
        template: the template; it belongs to the record, not to the hash, because the rendered parts contain its text.
        functions: the declarations of the functions that the model may call.
        repeat: the number of answers for each row.
        form: the version of the canonical form; None for the newest.
    """
    given: dict[str, Any] = {}
    for name, role in OPTION_ROLES.items():
        value = getattr(options, name, None)
        if role != "answer" or name in _SEPARATE or value is None or value is False or value in ([], ""):
            continue
        given[name] = _plain_value(name, value)
    if options.format == "json":
        given["json"] = True
    schema = options.schema
    return {
        "form": FORM if form is None else form,
        "model": options.model.removeprefix("models/"),
        "options": given,
        "schema": getattr(schema, "sent", schema),
        "functions": [_without_defaults(each) for each in functions],
        "template": template,
        "repeat": repeat,
    }


def _plain_value(name: str, value: Any) -> Any:
    """The value of an option without differences in its spelling."""
    if name in ("temperature", "top_p"):
        return float(value)
    if name == "thinking":
        return str(value).lower()
    if name == "body":
        with suppress(ValueError):
            return json.loads(value)
    return value


class Identity:
    """The hash of what each row asks.

    Args:
        asked: what all rows ask for, from :func:`asked_for`.

    Raises:
        OptionError: the version of its form is not known.
    """

    def __init__(self, asked: Mapping[str, Any]) -> None:
        import hashlib  # noqa: PLC0415 - only for row runs

        if asked["form"] not in _FORMS:
            raise OptionError(
                f"The rows are stored in form {asked['form']!r}, which this version does not know.",
                remedy="Update gemini_magic, or use another store.",
            )
        self.form: int = asked["form"]
        self._copy = hashlib.sha256(_FORMS[self.form](asked)).copy

    def of_text(self, text: bytes, sample: int = 0, salt: bytes = b"") -> bytes:
        """The hash of a prompt that is one text. The same as :meth:`of` for its part.

        Args:
            text: the text in UTF-8.
            sample: the number of the answer for the same prompt.
            salt: the key of the row if equal prompts are asked separately, otherwise empty.
        """
        state = self._copy()
        state.update(b"T%d:%b" % (len(text), text))
        if sample or salt:
            state.update(_suffix(sample, salt))
        return state.digest()

    def of(
        self,
        parts: Sequence[Part],
        digests: Sequence[bytes | None] = (),
        sample: int = 0,
        salt: bytes = b"",
    ) -> bytes:
        """The hash of a prompt, 32 bytes.

        Args:
            parts: the rendered parts.
            digests: for each part the digest of the file that it was read from, or None.
            sample: the number of the answer for the same prompt.
            salt: the key of the row if equal prompts are asked separately, otherwise empty.
        """
        state = self._copy()
        for number, part in enumerate(parts):
            state.update(_part_form(part, digests[number] if number < len(digests) else None))
        if sample or salt:
            state.update(_suffix(sample, salt))
        return state.digest()


def _first_form(asked: Mapping[str, Any]) -> bytes:
    """The canonical form of version 1. The names of a schema stay in their order, which changes the answer."""
    lines = (
        _json(asked["model"]),
        _json(asked["options"]),
        _json(asked["schema"], sort_keys=False),
        _json(asked["functions"], sort_keys=False),
    )
    return "\n".join(("gemini_magic rows 1", *lines, "")).encode()


_FORMS: Final = {1: _first_form}


def _part_form(part: Part, digest: bytes | None) -> bytes:
    """A part as the hash reads it. A file counts by its content, whether it is sent inline or uploaded."""
    if type(part) is Text:
        text = part.text.encode("utf-8", "surrogatepass")
        form = b"T%d:%b" % (len(text), text)
        return form if part.signature is None else form + _framed(b"G", part.signature.encode())
    if isinstance(part, Blob | LocalFile):
        content = digest or bytes.fromhex(part.digest)
        return b"M" + content + _framed(b"K", part.mime_type.encode()) + _settings_form(part.media)
    if isinstance(part, File):
        return _framed(b"U", part.uri.encode("utf-8", "surrogatepass")) + _settings_form(part.media)
    return _framed(b"P", f"{type(part).__name__}:{_json(_without_defaults(part))}".encode())


def _settings_form(settings: MediaSettings | None) -> bytes:
    return b"" if settings is None else _framed(b"R", _json(_without_defaults(settings)).encode())


def _without_defaults(value: Any) -> dict[str, Any]:
    """The fields of a value that are set, so that a field that a later version adds changes no hash."""
    fields: dict[str, Any] = msgspec.to_builtins(value)
    return {name: each for name, each in fields.items() if each not in (None, False, "", [], ())}


def _json(value: Any, *, sort_keys: bool = True) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=sort_keys)


def _framed(tag: bytes, data: bytes) -> bytes:
    return b"%b%d:%b" % (tag, len(data), data)


def _suffix(sample: int, salt: bytes) -> bytes:
    return b"S%d:%d:%b" % (sample, len(salt), salt)


class _Change(NamedTuple):
    name: str
    old: Any
    new: Any


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What has changed between two runs, one line each: ``temperature: None -> 0.2``.

    Args:
        old: what the earlier run asked for, from :func:`asked_for`, also after it was stored as JSON.
        new: what the later run asks for.

    Returns:
        The lines; none if the runs ask for the same. Rows that are stale then have other values under their keys.
    """
    before, after = _flat(old), _flat(new)
    found = [
        _Change(name, before.get(name), after.get(name))
        for name in dict.fromkeys((*before, *after))
        if _plain(before.get(name)) != _plain(after.get(name))
    ]
    return [_line(change) for change in found]


def _flat(asked: Mapping[str, Any]) -> dict[str, Any]:
    options = dict(asked.get("options") or {})
    names = ("template", "model", "schema", "functions", "form")
    return {**{name: asked.get(name) for name in names if name in asked}, **options}


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _line(change: _Change) -> str:
    if change.name == "form":
        return f"form of the hash: {change.old} -> {change.new}"
    old, new = _cut_alike(_shown(change.old), _shown(change.new))
    return f"{change.name}: {old} -> {new}"


def _shown(value: Any) -> str:
    return "None" if value in (None, [], "") else json.dumps(value, ensure_ascii=False)


def _cut_alike(old: str, new: str) -> tuple[str, str]:
    """Two texts cut to the place where they begin to differ, if they are long."""
    start = 0
    if max(len(old), len(new)) > _SHOWN:
        same = next(
            (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
        )
        start = max(0, same - _SHOWN // 3)
    dots = "…" if start else ""
    return tuple(dots + short_line(each[start:], _SHOWN) for each in (old, new))  # type: ignore[return-value]
