"""Rewrites a JSON Schema for Gemini's ``responseJsonSchema`` and ``parametersJsonSchema``.

Gemini accepts a part of JSON Schema (the docstring of ``GenerateContentConfig.response_json_schema`` in google-genai lists the
keywords). Other keywords are written into the description, so that the model reads them, and are checked afterwards. A keyword that
a description cannot replace is an error before anything is sent. Recursion is allowed only below a field that may be missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..errors import SchemaError
from .problems import follow_refs, value_text
from .raw_schema import valid_schema

__all__ = ["GeminiSchema", "rewrite_answer_schema", "rewrite_for_gemini"]

_KEPT = ("format", "minItems", "maxItems", "minimum", "maximum")
_DROPPED = {
    "$anchor",
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "default",
    "definitions",
    "deprecated",
    "discriminator",
    "example",
    "examples",
    "externalDocs",
    "propertyOrdering",
    "readOnly",
    "title",
    "writeOnly",
    "xml",
}
_HANDLED = {
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "description",
    "enum",
    "items",
    "oneOf",
    "prefixItems",
    "properties",
    "required",
    "type",
}
_WORDS: dict[str, Callable[[Any], str]] = {
    "exclusiveMinimum": lambda value: f"more than {value}",
    "exclusiveMaximum": lambda value: f"less than {value}",
    "multipleOf": lambda value: f"a multiple of {value}",
    "pattern": lambda value: f"matches the regular expression {value}",
    "minLength": lambda value: f"at least {value} character{'' if value == 1 else 's'}",
    "maxLength": lambda value: f"at most {value} character{'' if value == 1 else 's'}",
    "uniqueItems": lambda value: "no item twice" if value else "",
    "minProperties": lambda value: f"at least {value} field{'' if value == 1 else 's'}",
    "maxProperties": lambda value: f"at most {value} field{'' if value == 1 else 's'}",
}
_MOST_NODES = 5000  # schemas inside the schema, after references were replaced
_NULL = {"type": "null"}
_TOO_LARGE = ("the schema is too large", "Ask for fewer fields, or in several requests.")


class GeminiSchema(NamedTuple):
    """A schema as Gemini accepts it.

    Attributes:
        schema: the JSON Schema that is sent.
        checked_afterwards: the rules that the server does not enforce, one line each: ``age: more than 0``.
    """

    schema: dict[str, Any]
    checked_afterwards: tuple[str, ...] = ()


_last_answer: list[tuple[Mapping[str, Any], GeminiSchema]] = []


def rewrite_answer_schema(schema: Mapping[str, Any]) -> GeminiSchema:
    """The same as :func:`rewrite_for_gemini` for the schema of an answer, which all rows of a run share.

    Args:
        schema: the same object for all requests with this schema; it must not change.

    Raises:
        SchemaError: as for :func:`rewrite_for_gemini`.
    """
    if _last_answer and (known := _last_answer[0])[0] is schema:
        return known[1]
    found = rewrite_for_gemini(schema)
    _last_answer[:] = [(schema, found)]
    return found


def rewrite_for_gemini(schema: Mapping[str, Any]) -> GeminiSchema:
    """Return a JSON Schema as Gemini accepts it.

    Args:
        schema: the JSON Schema.

    Raises:
        SchemaError: Gemini cannot express it; the message names the field.
    """
    try:
        schema = valid_schema(schema)
        rewriter = _Rewriter(schema)
        found = rewriter.rewritten(schema, _Place())
    except RecursionError:  # definitions that lead to hundreds of others
        raise _refused(_Place(), *_TOO_LARGE) from None
    if rewriter.recursive:
        found = {**found, "$defs": rewriter.recursive}
    return GeminiSchema(found, tuple(dict.fromkeys(rewriter.afterwards)))


class _Place(NamedTuple):
    """Where a schema is.

    Attributes:
        path: the fields that lead to it, for messages.
        inside: the definitions that contain it, each with whether a field that may be missing is in between.
    """

    path: str = ""
    inside: Mapping[str, bool] = {}

    def below(self, step: str, *, optional: bool) -> _Place:
        inside = dict.fromkeys(self.inside, True) if optional else self.inside
        return _Place(f"{self.path}{step}".removeprefix("."), inside)

    def within(self, name: str) -> _Place:
        return self._replace(inside={**self.inside, name: False})


class _Rewriter:
    """Rewrites one schema.

    Attributes:
        recursive: the rewritten definitions that refer to themselves.
        afterwards: the rules that are checked afterwards.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.definitions = {**root.get("definitions", {}), **root.get("$defs", {})}
        self.recursive: dict[str, Any] = {}
        self.afterwards: list[str] = []
        self._nodes = 0

    def rewritten(self, schema: Any, place: _Place) -> dict[str, Any]:
        """A schema in Gemini's form."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _refused(place, *_TOO_LARGE)
        if schema is True:
            return {}
        if not isinstance(schema, Mapping):
            raise _refused(place, "no value fits this schema", "Remove the field.")
        if "$ref" in schema:
            return self._reference(schema, place)
        schema = self._merged(schema, place)
        for keyword in schema:
            if keyword not in _HANDLED and keyword not in _KEPT and keyword not in _WORDS:
                if keyword in _DROPPED or keyword.startswith("x-"):
                    continue
                raise _refused(place, f"Gemini does not support {keyword}", "Use a simpler type.")
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        found = (
            self._alternatives(schema, alternatives, place) if alternatives else self._plain(schema, place)
        )
        return self._described(found, schema, place)

    def _reference(self, schema: Mapping[str, Any], place: _Place) -> dict[str, Any]:
        """What a reference refers to; a reference to a definition that contains it stays."""
        name = str(schema["$ref"]).rpartition("/")[2]
        if name not in self.definitions:
            raise _refused(place, f"{schema['$ref']} is not defined", "Define it under $defs.")
        if name not in place.inside:
            target = follow_refs(schema, {name: self.definitions[name]})
            return self.rewritten(target, place.within(name))
        if not place.inside[name]:
            raise _refused(
                place,
                f"{name} contains itself, which Gemini supports only in a field that may be missing",
                "Give the field a default, such as None.",
            )
        if name not in self.recursive:
            self.recursive[name] = {}  # a second reference inside it does not begin again
            noted = len(self.afterwards)
            self.recursive[name] = self.rewritten(self.definitions[name], _Place(place.path).within(name))
            del self.afterwards[noted:]  # its rules are noted where it is inlined
        return {"$ref": f"#/$defs/{name}"}  # nothing may stand beside it

    def _merged(self, schema: Mapping[str, Any], place: _Place) -> Mapping[str, Any]:
        """A schema with its only ``allOf`` merged into it."""
        every = schema.get("allOf")
        if every is None:
            return schema
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        if len(every) != 1:
            raise _refused(place, "Gemini does not support allOf with several schemas", "Use one schema.")
        inner = follow_refs(every[0], self.definitions) if isinstance(every[0], Mapping) else {}
        return self._merged({**inner, **rest}, place)

    def _plain(self, schema: Mapping[str, Any], place: _Place) -> dict[str, Any]:
        """A schema without alternatives."""
        if "const" in schema:
            return self._choice({**schema, "enum": [schema["const"]]}, place)
        if "enum" in schema:
            return self._choice(schema, place)
        found: dict[str, Any] = {}
        kinds = schema.get("type")
        if kinds is None:
            kinds = "object" if "properties" in schema else "array" if "items" in schema else None
        if kinds is not None:
            found["type"] = kinds
        found |= {key: schema[key] for key in _KEPT if key in schema}
        if schema.get("type") == "integer":
            found |= _whole_bounds(schema)
        if "properties" in schema or "additionalProperties" in schema:
            found |= self._fields(schema, place)
        if "prefixItems" in schema:
            found["prefixItems"] = [
                self.rewritten(each, place.below(f"[{number}]", optional=False))
                for number, each in enumerate(schema["prefixItems"])
            ]
        if isinstance(schema.get("items"), Mapping):
            found["items"] = self.rewritten(schema["items"], place.below("[]", optional=True))
        return found

    def _fields(self, schema: Mapping[str, Any], place: _Place) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = [name for name in schema.get("required", ()) if name in properties]
        found: dict[str, Any] = {}
        if properties:
            found["properties"] = {
                name: self.rewritten(each, place.below(f".{name}", optional=name not in required))
                for name, each in properties.items()
            }
            if required:
                found["required"] = required
            if len(properties) > 1:
                found["propertyOrdering"] = list(properties)
        others = schema.get("additionalProperties", True)
        if others is False:
            found["additionalProperties"] = False
        elif others is not True:
            found["additionalProperties"] = self.rewritten(others, place.below("{}", optional=True))
        return found

    def _choice(self, schema: Mapping[str, Any], place: _Place) -> dict[str, Any]:
        """A value that is one of several: texts or numbers; null is an alternative, and booleans a type."""
        options = list(schema["enum"])
        if any(isinstance(each, list | dict) for each in options):
            raise _refused(place, "Gemini supports only texts and numbers in enum", "Use texts.")
        values = [each for each in options if each is not None]
        kinds = list(dict.fromkeys(map(_kind_of, values)))
        if "boolean" in kinds:
            if len(kinds) > 1:
                raise _refused(
                    place, "Gemini does not support true and false beside texts and numbers", "Use texts."
                )
            only = f"always {value_text(values[0])}" if len(set(values)) == 1 else ""
            if only:
                self._note(place, only)
            found: dict[str, Any] = {"type": "boolean", **({"description": only} if only else {})}
        elif not values:
            return dict(_NULL)
        else:
            found = {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": values}
        return found if len(values) == len(options) else {"anyOf": [found, dict(_NULL)]}

    def _alternatives(self, schema: Mapping[str, Any], options: Any, place: _Place) -> dict[str, Any]:
        resolved = [
            follow_refs(each, self.definitions) if isinstance(each, Mapping) else each for each in options
        ]
        if folded := _folded(resolved):
            return self._described(self._choice(folded, place), folded, place)
        beside = {key: value for key, value in schema.items() if key in ("type", "properties", "required")}
        if "properties" in beside:
            raise _refused(
                place, "Gemini does not support properties beside anyOf", "Put them into each alternative."
            )
        found = [self.rewritten(each, place) for each in options]
        null = next((each for each in found if each == _NULL), None)
        if null is not None and len(found) == 2:  # noqa: PLR2004 - a type and null
            other = next(each for each in found if each != _NULL) if found[0] != found[1] else found[0]
            if isinstance(other.get("type"), str) and "enum" not in other and "anyOf" not in other:
                # With an enum, the type null would not allow null: JSON Schema applies both keywords.
                return {**other, "type": [other["type"], "null"]} if other != _NULL else other
        return {"anyOf": found}

    def _described(self, found: dict[str, Any], schema: Mapping[str, Any], place: _Place) -> dict[str, Any]:
        """A rewritten schema with its description, which also has the rules that Gemini does not know."""
        words: list[str] = []
        for keyword, describe in _WORDS.items():
            value = schema.get(keyword)
            if value is None or isinstance(value, bool) != (keyword == "uniqueItems"):
                continue
            if keyword in ("exclusiveMinimum", "exclusiveMaximum") and _is_whole_bound(schema, keyword):
                continue
            if text := describe(value):
                words.append(text)
                self._note(place, text)
        texts = [str(schema["description"]).strip()] if schema.get("description") else []
        own = found.get("description")
        if own and own not in texts:
            texts.append(own)
        texts += [text for text in words if text not in (own or "")]
        if not texts or "$ref" in found:
            return found
        first, *rest = texts
        description = (
            first
            if not rest
            else f"{first.rstrip('.')} ({'; '.join(rest)})"
            if schema.get("description")
            else "; ".join(texts)
        )
        return {**found, "description": description}

    def _note(self, place: _Place, text: str) -> None:
        self.afterwards.append(f"{place.path or 'the answer'}: {text}")


def _kind_of(value: Any) -> str:
    """The type of a value of an enumeration."""
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "string")


def _folded(options: list[Any]) -> dict[str, Any]:
    """Alternatives that are all single values as one choice, their descriptions as one; empty for any others.

    Gemini does not reliably follow alternatives of single values (pydantic-ai's transformer for Google).
    """
    values: list[Any] = []
    described: list[str] = []
    for each in options:
        if not isinstance(each, Mapping):
            return {}
        single = each.get("enum", [each["const"]] if "const" in each else [])
        if len(single) != 1 or isinstance(single[0], list | dict):
            return {}
        values += single
        if each.get("description"):
            described.append(f"{value_text(single[0])}: {each['description']}")
    return {"enum": values, **({"description": "; ".join(described)} if described else {})}


def _whole_bounds(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The exclusive bounds of an integer as inclusive ones."""
    found = {}
    if _is_whole_bound(schema, "exclusiveMinimum"):
        found["minimum"] = schema["exclusiveMinimum"] + 1
    if _is_whole_bound(schema, "exclusiveMaximum"):
        found["maximum"] = schema["exclusiveMaximum"] - 1
    return found


def _is_whole_bound(schema: Mapping[str, Any], keyword: str) -> bool:
    value = schema.get(keyword)
    other = "minimum" if keyword == "exclusiveMinimum" else "maximum"
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and schema.get("type") == "integer" and other not in schema


def _names_in_words(value: Any) -> str:
    if not isinstance(value, Mapping):
        return ""
    if isinstance(value.get("enum"), list):
        return f"the fields are any of {', '.join(map(value_text, value['enum']))}"
    rules = [
        describe(value[key]) for key, describe in _WORDS.items() if key in value and key != "propertyNames"
    ]
    return f"names of fields: {', '.join(rules)}" if rules else ""


_WORDS["propertyNames"] = _names_in_words


def _refused(place: _Place, message: str, remedy: str) -> SchemaError:
    text = f"{place.path}: {message}." if place.path else f"{message[:1].upper()}{message[1:]}."
    return SchemaError(text, remedy=remedy)
