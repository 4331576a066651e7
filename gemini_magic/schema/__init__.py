"""Typed answers: a schema from types, dicts, files and a short form, and the check of what the model wrote."""

from __future__ import annotations

from .json_answer import JsonAnswer, read_answer
from .problems import find_problems, place_text, value_text
from .schema import Schema, as_schema, mismatch, object_schema, type_schema

__all__ = [
    "JsonAnswer",
    "Schema",
    "as_schema",
    "find_problems",
    "mismatch",
    "object_schema",
    "place_text",
    "read_answer",
    "type_schema",
    "value_text",
]
