"""Reads the docstring of a function: what it does, and what each parameter means.

Reads the styles of Google, NumPy and reST (Sphinx), also mixed. No library: the descriptions agree with those of griffe and
docstring_parser, and both would have to be imported for it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["Docstring", "parse_docstring"]

_PARAMETERS = {
    "args",
    "arguments",
    "params",
    "parameters",
    "keyword args",
    "keyword arguments",
    "keyword parameters",
    "other parameters",
}
_OTHERS = {
    "attributes",
    "example",
    "examples",
    "methods",
    "note",
    "notes",
    "raises",
    "receives",
    "references",
    "return",
    "returns",
    "see also",
    "side effects",
    "todo",
    "warning",
    "warnings",
    "warns",
    "yield",
    "yields",
}
_HEADING = re.compile(r"([A-Za-z][A-Za-z ]{1,30}?)\s*:?\s*")
_UNDERLINE = re.compile(r"[-=~]{3,}\s*")
# `name (type): text` of Google, `name : type` of NumPy; a star stands before the names of *args and **kwargs.
_GOOGLE = re.compile(r"\\?\*{0,2}(\w+)\s*(?:\((?:[^()]|\([^()]*\))*\))?\s*:(?!:)\s*(.*)")
_NUMPY = re.compile(r"(\\?\*{0,2}\w+(?:\s*,\s*\\?\*{0,2}\w+)*)\s*(?::.*)?")
_FIELD = re.compile(r"[:@](\w+)(?:\s+([^:]*?))?\s*:(?:\s+(.*)|$)")
_REST = {"param", "parameter", "arg", "argument", "key", "keyword"}
_INLINE = re.compile(r":[\w:+-]+:`~?([^`]*)`")


class Docstring(NamedTuple):
    """A docstring.

    Attributes:
        text: what the function does, without the sections and fields after it.
        returns: what it returns; empty where the docstring does not say.
        parameters: the description of each parameter, on one line.
    """

    text: str = ""
    returns: str = ""
    parameters: Mapping[str, str] = MappingProxyType({})


def parse_docstring(docstring: str | None) -> Docstring:
    """Read a docstring of any of the three styles.

    Args:
        docstring: the docstring as written; None or empty without one.
    """
    lines = inspect.cleandoc(docstring or "").expandtabs().splitlines()
    text: list[str] = []
    returns: list[str] = []
    parameters: dict[str, list[str]] = {}
    at = 0
    while at < len(lines):
        if field := _FIELD.fullmatch(lines[at]):
            end = _end_of_field(lines, at)
            body = [field[3] or "", *lines[at + 1 : end]]
            if field[1] in _REST and field[2]:
                parameters[field[2].split()[-1].lstrip("\\*")] = body
            elif field[1] in ("return", "returns"):
                returns = body
        elif (heading := _section(lines, at)) is not None:
            name, underlined = heading
            start = at + 1 + underlined
            end = _end_of_section(lines, start, underlined=underlined)
            section = lines[start:end]
            if name in _PARAMETERS:
                _read_parameters(section, parameters, numpy=underlined)
            elif name in ("return", "returns"):
                returns = section
        else:
            text.append(lines[at])
            end = at + 1
        at = end
    described = {name: _joined(body) for name, body in parameters.items()}
    return Docstring(_plain("\n".join(text)).strip(), _joined(returns), described)


def _section(lines: list[str], at: int) -> tuple[str, bool] | None:
    """The name of the section that begins at a line, and whether it is underlined as NumPy does; None for other lines."""
    found = _HEADING.fullmatch(lines[at])
    name = found[1].lower() if found else ""
    if name not in _PARAMETERS | _OTHERS:
        return None
    following = lines[at + 1] if at + 1 < len(lines) else ""
    if _UNDERLINE.fullmatch(following):
        return name, True
    return (
        (name, False) if lines[at].rstrip().endswith(":") and (not following or following[0] == " ") else None
    )


def _end_of_section(lines: list[str], start: int, *, underlined: bool) -> int:
    """The line after a section: the next section; without an underline also the next line that is not indented."""
    for at in range(start, len(lines)):
        line = lines[at]
        if (
            _section(lines, at) is not None
            or _FIELD.fullmatch(line)
            or (line and line[0] != " " and not underlined)
        ):
            return at
    return len(lines)


def _end_of_field(lines: list[str], at: int) -> int:
    """The line after a field of reST: the next line that is not indented, unless it continues the paragraph."""
    end = at + 1
    while end < len(lines):
        line = lines[end]
        if line and line[0] != " " and (_FIELD.fullmatch(line) or not lines[end - 1]):
            break
        end += 1
    return end


def _read_parameters(section: list[str], parameters: dict[str, list[str]], *, numpy: bool) -> None:
    """Add the items of a section with parameters: the lines with the smallest indent, each with the lines below it."""
    indent = min((len(line) - len(line.lstrip()) for line in section if line.strip()), default=0)
    names: list[str] = []
    for line in section:
        item = line[indent:]
        if item and item[0] != " ":
            found = (_NUMPY if numpy else _GOOGLE).fullmatch(item.rstrip())
            names = [name.strip().lstrip("\\*") for name in found[1].split(",")] if found else names
            if found:
                parameters.update((name, ["" if numpy else found[2]]) for name in names)
                continue
        for name in names:
            parameters[name].append(item)


def _joined(lines: list[str]) -> str:
    return " ".join(_plain("\n".join(lines)).split())


def _plain(text: str) -> str:
    """The text with roles of reST, such as ``:class:`Name```, replaced by their content, and without double backquotes."""
    return _INLINE.sub(r"`\1`", text).replace("``", "`")
