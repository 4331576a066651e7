"""Reads a schema that was given as text, as a file or as a dict, and checks that it is a JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SchemaError
from .short_form import parse_short_form

__all__ = ["check_json_schema", "schema_of_text", "valid_schema"]

_KEYWORDS = {"type", "properties", "items", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "prefixItems"}
_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
_FILE = re.compile(r"\S.*\.json", re.IGNORECASE)
_LARGEST = 1_000_000  # bytes of a file
_MOST_LEVELS = 60
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions")
_SINGLE = ("items", "additionalProperties", "propertyNames")


def schema_of_text(given: str | Path, base: Path | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a text: JSON, the name of a ``.json`` file, or the short form.

    Args:
        given: the text, or the path of a file.
        base: the folder of relative paths; the working folder by default.

    Raises:
        SchemaError: the text is not valid, or the file cannot be read.
    """
    if isinstance(given, Path):
        return _of_file(given, base)
    text = given.strip()
    if _FILE.fullmatch(text) and "\n" not in text and not text.startswith(("{", "[")):
        return _of_file(Path(text), base)
    if not text.startswith("{"):
        return parse_short_form(text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if re.match(r"""\{\s*(["']|\})""", text):  # the user meant JSON
            raise SchemaError(
                f"The schema is not valid JSON: {error}.", remedy="Use single quotes around JSON on a line."
            ) from None
        return parse_short_form(text)
    return check_json_schema(value)


def _of_file(path: Path, base: Path | None) -> dict[str, Any]:
    path = (base or Path()) / path.expanduser()
    try:
        if path.stat().st_size > _LARGEST:
            raise SchemaError(f"The schema file {path} is larger than 1 MB.", remedy="Use a smaller schema.")
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SchemaError(
            f"The schema file {path} cannot be read: {error.strerror or error}.", remedy="Check the path."
        ) from None
    except (ValueError, RecursionError) as error:
        raise SchemaError(
            f"The schema file {path} is not valid JSON: {error}.", remedy="Correct the file."
        ) from None
    return check_json_schema(value)


def check_json_schema(value: Any) -> dict[str, Any]:
    """Return a JSON Schema as plain dicts, with the type names in lower case, as JSON Schema has them.

    ``nullable`` of OpenAPI becomes the type null.

    Raises:
        SchemaError: the value is not a JSON Schema; the message names the place.
    """
    if not isinstance(value, Mapping) or not _KEYWORDS & value.keys():
        raise SchemaError(
            "The schema is not a JSON Schema: it has neither a type nor properties.",
            remedy='For example: {"type": "object", "properties": {"name": {"type": "string"}}}, '
            "or the short form: name, age int.",
        )
    found = valid_schema(value, strict=True)
    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"The schema is not JSON: {error}.", remedy="Use only JSON values in it.") from None
    return found


def valid_schema(value: Mapping[str, Any], *, strict: bool = False) -> dict[str, Any]:
    """Return a schema of any origin whose keywords have values of the right types, with its references in one form.

    Args:
        value: the schema.
        strict: whether each required field must be one of the properties, which JSON Schema does not require.

    Raises:
        SchemaError: it is not a JSON Schema; the message names the place.
    """
    try:
        return _with_definitions(_checked(value, "", 0, strict=strict))
    except RecursionError:  # definitions that lead to thousands of others
        raise _wrong("", "the schema is nested too deeply") from None


def _with_definitions(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with every reference as ``#/$defs/NAME``, which is the only form that Gemini accepts.

    Raises:
        SchemaError: a reference leads nowhere, or out of the schema.
    """
    definitions: dict[str, Any] = {}
    names: dict[str, str] = {}

    def moved(value: Any) -> Any:
        if isinstance(value, list):
            return [moved(each) for each in value]
        if not isinstance(value, dict):
            return value
        dropped = (
            ("$defs", "definitions") if value is schema else ()
        )  # elsewhere these may be names of fields
        found = {key: moved(each) for key, each in value.items() if key not in dropped}
        if isinstance(reference := value.get("$ref"), str):
            found["$ref"] = f"#/$defs/{named(reference)}"
        return found

    def named(reference: str) -> str:
        if reference not in names:
            target = _target(schema, reference)
            plain = re.sub(r"[^\w-]+", "_", reference.rpartition("/")[2]).strip("_") or "Answer"
            name, number = plain, 1
            while name in definitions:
                number += 1
                name = f"{plain}_{number}"
            names[reference] = name
            definitions[name] = {}  # so that a definition can refer to itself
            definitions[name] = moved(target)
        return names[reference]

    found: dict[str, Any] = moved(schema)
    return {**found, "$defs": definitions} if definitions else found


def _target(schema: dict[str, Any], reference: str) -> Any:
    """What a reference inside a schema refers to (a JSON pointer, RFC 6901)."""
    target: Any = schema
    if not reference.startswith("#"):
        raise _wrong("", f"the reference {reference!r} leads out of the schema")
    for step in reference.lstrip("#").split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(target, list) and key.isdecimal() and int(key) < len(target):
            target = target[int(key)]
        elif isinstance(target, dict) and key in target:
            target = target[key]
        else:
            raise _wrong("", f"the reference {reference!r} leads nowhere")
    return target if isinstance(target, dict) else {}


def _checked(value: Any, path: str, level: int, *, strict: bool) -> Any:
    """A schema inside the schema; True and False are schemas, too."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, Mapping):
        raise _wrong(path, f"a schema is expected, not {value!r}")
    if level > _MOST_LEVELS:
        raise _wrong(path, "the schema is nested too deeply")
    found: dict[str, Any] = {}
    for key, each in value.items():
        if not isinstance(key, str):
            raise _wrong(path, f"a keyword is text, not {key!r}")
        if key in _MAPS and isinstance(each, Mapping):
            below = path if key == "properties" else f"{path}{key}"
            found[key] = {
                str(name): _checked(
                    inner, f"{below}.{name}" if below else str(name), level + 1, strict=strict
                )
                for name, inner in each.items()
            }
        elif key in _LISTS and isinstance(each, list | tuple):
            found[key] = [
                _checked(inner, f"{path}.{key}[{n}]" if path else f"{key}[{n}]", level + 1, strict=strict)
                for n, inner in enumerate(each)
            ]
        elif key in _SINGLE:
            found[key] = _checked(
                each, f"{path}[]" if key == "items" else f"{path}{{}}", level + 1, strict=strict
            )
        elif key in _MAPS or key in _LISTS:
            raise _wrong(path, f"{key} has the wrong type: {each!r}")
        else:
            found[key] = list(each) if isinstance(each, tuple) else each
    _check_keywords(found, path, strict=strict)
    return found


def _check_keywords(found: dict[str, Any], path: str, *, strict: bool) -> None:
    options = found.get("enum", [None])
    if not (isinstance(options, list) and options):
        raise _wrong(path, "enum is a list with at least one value")
    if "type" in found:
        names = found["type"] if isinstance(found["type"], list) else [found["type"]]
        lower = [name.lower() if isinstance(name, str) else name for name in names]
        for name in lower or [None]:
            if name not in _TYPES:
                raise _wrong(path, f"there is no type {name!r}; types are {', '.join(_TYPES)}")
        if found.pop("nullable", None) is True and "null" not in lower:
            lower.append("null")
        found["type"] = lower if len(lower) > 1 else lower[0]
        if "null" in lower and None not in options:
            found["enum"] = [*options, None]
    required = found.get("required", [])
    if not (isinstance(required, list) and all(isinstance(name, str) for name in required)):
        raise _wrong(path, f"required is a list of names, not {found['required']!r}")
    properties = found.get("properties")
    for name in required if strict and isinstance(properties, dict) else ():
        if name not in (properties or ()):
            raise _wrong(path, f"the required field {name!r} is not one of the properties")


def _wrong(path: str, message: str) -> SchemaError:
    return SchemaError(
        f"{path}: {message}." if path else f"The schema is not valid: {message}.",
        remedy="Correct the JSON Schema (json-schema.org), or use the short form: name, age int.",
    )
