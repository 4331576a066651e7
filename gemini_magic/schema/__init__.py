"""Typed answers: a schema from types, dicts, files and a short form, the check of what the model wrote, and its items.

The names are imported when they are first used, because most answers have no schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .answer_value import AnswerValue, value_of_answer
    from .gemini_dialect import GeminiSchema, rewrite_for_gemini
    from .item_log import InvalidItem, ItemLog, ItemRow, LoadedItem
    from .items import Items, StreamItems
    from .json_answer import JsonAnswer, read_answer
    from .problems import find_problems, place_text, value_text
    from .repair import repair_prompt
    from .requested import requested_schema
    from .schema import Schema, as_schema, mismatch, object_schema, type_schema

__all__ = [
    "AnswerValue",
    "GeminiSchema",
    "InvalidItem",
    "ItemLog",
    "ItemRow",
    "Items",
    "JsonAnswer",
    "LoadedItem",
    "Schema",
    "StreamItems",
    "as_schema",
    "find_problems",
    "mismatch",
    "object_schema",
    "place_text",
    "read_answer",
    "repair_prompt",
    "requested_schema",
    "rewrite_for_gemini",
    "type_schema",
    "value_of_answer",
    "value_text",
]

_HOMES = {
    "AnswerValue": "answer_value",
    "value_of_answer": "answer_value",
    "GeminiSchema": "gemini_dialect",
    "rewrite_for_gemini": "gemini_dialect",
    "InvalidItem": "item_log",
    "ItemLog": "item_log",
    "ItemRow": "item_log",
    "LoadedItem": "item_log",
    "Items": "items",
    "StreamItems": "items",
    "JsonAnswer": "json_answer",
    "read_answer": "json_answer",
    "find_problems": "problems",
    "place_text": "problems",
    "value_text": "problems",
    "requested_schema": "requested",
    "Schema": "schema",
    "as_schema": "schema",
    "mismatch": "schema",
    "object_schema": "schema",
    "repair_prompt": "repair",
    "type_schema": "schema",
}
__getattr__ = lazy_names(globals(), _HOMES)
