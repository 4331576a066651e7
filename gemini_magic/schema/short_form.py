"""Parses the short form of a schema: ``name, age int, tags list[str], kind bug|idea|praise``.

    fields  = field {"," field}, or one field on each line
    field   = name ["?"] [type] [":" description | "#" description]
    type    = part {"|" part}
    part    = "str", "int", … | option | "list[" type "]" | "list[" fields "]" | "dict[str," type "]" | "{" fields "}"

The type follows a space and the description a colon, as in Simon Willison's ``llm``. After a colon, ``bug|idea|praise`` is a
choice and ``int`` a type. A description ends at a comma, or with its line if the text has several lines.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from ..errors import SchemaError

__all__ = ["parse_short_form"]

_TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "string": {"type": "string"},
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "datetime": {"type": "string", "format": "date-time"},
    "any": {},
    "null": {"type": "null"},
    "none": {"type": "null"},
}
_BARE_TYPES = ("str", "int", "float", "bool")  # which are the whole answer, not the name of a field
_NAME = re.compile(r"[^\W\d][\w-]*")
_WORD = re.compile(r"""[\w.+/-]+|"[^"\n]*"|'[^'\n]*'""")
_CHOICE = re.compile(
    r"""\s*(?:[\w.+/-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\|\s*(?:[\w.+/-]+|"[^"\n]*"|'[^'\n]*'))+\s*"""
)
_FIELD = re.compile(r"\w\??[ \t:]+[\w{]")
_BARE = re.compile(r"\s*[A-Za-z]+\s*")
_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"[\s,;]*")
_MOST_LEVELS = 30
_EXAMPLE = "For example: name, age int, tags list[str], kind bug|idea|praise, score float|null."


def parse_short_form(text: str) -> dict[str, Any]:
    """Return the JSON Schema of a short form.

    Raises:
        SchemaError: the text is not valid; the message names the field.
    """
    return _Parser(text.strip()).parse()


class _Parser:
    """Parses one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines = "\n" in text
        self.level = 0

    def parse(self) -> dict[str, Any]:
        if not self.text:
            self._fail("The schema is empty.")
        if self.text in _BARE_TYPES:
            return dict(_TYPES[self.text])
        if re.match(r"(list|array)\s*\[", self.text) or self.text.startswith("{"):
            found = self._part("the answer")
        else:
            found = self._fields("")
        self._skip(_GAP)
        if self.at < len(self.text):
            self._fail(f"There is text after the end of the schema: {self._rest()}.")
        return found

    # -- fields

    def _fields(self, end: str) -> dict[str, Any]:
        """The fields up to a closing bracket, which stays, or up to the end of the text."""
        self.level += 1
        if self.level > _MOST_LEVELS:
            self._fail("The schema is nested too deeply.")
        properties: dict[str, Any] = {}
        required: list[str] = []
        while True:
            self._skip(_GAP)
            if self.at == len(self.text) or self.text[self.at] in "}]":
                break
            name, optional, schema = self._field(end)
            if name in properties:
                self._fail(f"The schema has the field {name} twice.")
            properties[name] = schema
            if not optional:
                required.append(name)
        if not properties:
            self._fail("The schema has no fields.")
        self.level -= 1
        schema = {"type": "object", "properties": properties}
        return {**schema, "required": required} if required else schema

    def _field(self, end: str) -> tuple[str, bool, dict[str, Any]]:
        found = _NAME.match(self.text, self.at)
        if found is None:
            self._fail(f"The name of a field is expected, not {self._rest()}.")
        name = found[0]
        self.at = found.end()
        optional = self.text.startswith("?", self.at)
        self.at += optional
        self._skip(_SPACE)
        schema = _TYPES["str"]
        if not self._ends(end) and self.text[self.at] not in ":#":
            schema = self._type(name)
            self._skip(_SPACE)
        if self.at < len(self.text) and self.text[self.at] in ":#":
            schema = self._described(name, schema, end)
        elif not self._ends(end):
            self._fail(
                f"{name}: {self._rest()} is not expected after its type.",
                "Separate fields by commas, and put a colon before a description.",
            )
        return name, optional, dict(schema)

    def _described(self, name: str, schema: dict[str, Any], end: str) -> dict[str, Any]:
        sign = self.text[self.at]
        self.at += 1
        begin = self.at
        if sign == ":" and schema is _TYPES["str"]:
            self._skip(_SPACE)
            if self.text.startswith(("list[", "dict[", "{"), self.at):  # `tags: list[str]`
                return self._type(name)
            self.at = begin
        while not self._ends(end):
            self.at += 1
        description = self.text[begin : self.at].strip()
        is_type = _BARE.fullmatch(description) and description.lower() in _TYPES
        if sign == ":" and schema is _TYPES["str"] and (_CHOICE.fullmatch(description) or is_type):
            inner = _Parser(description)
            return inner._type(name)
        return {**schema, "description": description} if description else schema

    def _ends(self, end: str) -> bool:
        """Whether a field or a description ends here."""
        if self.at >= len(self.text):
            return True
        sign = self.text[self.at]
        return sign == "\n" or (bool(end) and sign in end) or (sign in ",;" and not self._in_description())

    def _in_description(self) -> bool:
        """Whether a comma belongs to a description: after a colon or ``#`` on the line of its field."""
        if not self.lines:
            return False
        line = self.text[self.text.rfind("\n", 0, self.at) + 1 : self.at]
        return bool(re.search(r"[:#]", line))

    # -- types

    def _type(self, name: str) -> dict[str, Any]:
        parts: list[dict[str, Any]] = []
        words: list[str] = []  # options, which are not types
        while True:
            self._skip(_SPACE)
            begin = self.at
            word = self._option()
            if word is None:
                self.at = begin
                parts.append(self._part(name))
            else:
                words.append(word)
            self._skip(_SPACE)
            if not self.text.startswith("|", self.at):
                break
            self.at += 1
        if not words:
            return _union(parts)
        if len(words) == 1 and not parts:
            self._unknown_type(name, words[0])
        nulls = [part for part in parts if part == _TYPES["null"]]
        if len(nulls) != len(parts):
            self._fail(
                f"{name}: a choice has either options or types, not both: {' and '.join(words)}.",
                "Put options that are also the names of types in quotes.",
            )
        choice = _choice(words)
        return {"anyOf": [choice, _TYPES["null"]]} if nulls else choice

    def _option(self) -> str | None:
        """The option at this position with its quotes; None if a type begins here."""
        found = _WORD.match(self.text, self.at)
        if found is None or found[0].lower() in _TYPES or self.text.startswith("[", found.end()):
            return None
        self.at = found.end()
        return found[0]

    def _part(self, name: str) -> dict[str, Any]:
        found = re.compile(r"\w+").match(self.text, self.at)
        if self.text.startswith("{", self.at):
            self.at += 1
            fields = self._fields("}")
            self._close("}", name)
            return fields
        if found is None:
            self._fail(f"{name}: a type is expected, not {self._rest() or 'the end of the schema'}.")
        word = found[0].lower()
        self.at = found.end()
        if self.text.startswith("[", self.at):
            self.at += 1
            return self._container(word, name)
        if word not in _TYPES:
            self._unknown_type(name, found[0])
        return _TYPES[word]

    def _container(self, word: str, name: str) -> dict[str, Any]:
        if word == "dict":
            key, _, _ = self._inside().partition(",")
            if key.strip() != "str":
                self._fail(f"{name}: the keys of a dict are text.", "Write dict[str, int], for example.")
            self.at = self.text.index("str", self.at) + 3
            self._skip(_GAP)
            value = self._type(name)
            self._skip(_GAP)
            self._close("]", name)
            return {"type": "object", "additionalProperties": value}
        if word not in ("list", "array"):
            self._unknown_type(name, word)
        inside = self._inside().strip()
        self._skip(_GAP)
        has_fields = "," in inside or (_FIELD.search(inside) and not inside.startswith(("{", "list", "dict")))
        item = self._fields("]") if has_fields else self._type(name)
        self._skip(_GAP)
        self._close("]", name)
        return {"type": "array", "items": item}

    def _inside(self) -> str:
        """The text up to the bracket that closes the one before this position, without brackets inside it."""
        level, pieces = 0, []
        for sign in self.text[self.at :]:
            if sign in "]}":
                if not level:
                    break
                level -= 1
            elif sign in "[{":
                level += 1
                pieces.append(sign)
            elif not level:
                pieces.append(sign)
        return "".join(pieces)

    def _close(self, bracket: str, name: str) -> None:
        if not self.text.startswith(bracket, self.at):
            self._fail(f"{name}: a closing {bracket} is missing.")
        self.at += 1

    # -- errors

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _rest(self) -> str:
        line = " ".join(self.text[self.at :].split())
        return repr(line[:30]) if line else ""

    def _unknown_type(self, name: str, word: str) -> NoReturn:
        from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

        if word.lower() in ("list", "array"):
            self._fail(f"{name}: a list needs the type of its items.", "For example: list[str].")
        if word.lower() in ("dict", "object"):
            self._fail(
                f"{name}: write its fields in braces.", "For example: {name, age int}, or dict[str, int]."
            )
        close = get_close_matches(word.lower(), _TYPES, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        self._fail(
            f"{name}: there is no type {word!r}.",
            f"{hint}Types: str, int, float, bool, date, time, datetime, any, list[…], dict[str, …]; "
            "put a colon before a description.",
        )

    def _fail(self, message: str, remedy: str = _EXAMPLE) -> NoReturn:
        raise SchemaError(message, remedy=remedy)


def _union(parts: list[dict[str, Any]]) -> dict[str, Any]:
    if len(parts) == 1:
        return parts[0]
    if all(part.keys() == {"type"} for part in parts):
        return {"type": [part["type"] for part in parts]}
    return {"anyOf": parts}


def _choice(words: list[str]) -> dict[str, Any]:
    """The schema of a choice; options that are all whole numbers are numbers."""
    if all(re.fullmatch(r"-?\d{1,15}", word) for word in words):
        return {"type": "integer", "enum": [int(word) for word in words]}
    return {"type": "string", "enum": [word.strip("\"'") for word in words]}
