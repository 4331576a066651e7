"""Typed answers: a schema from types, dicts, files and a short form, the check of what the model wrote, and its items.

The names are imported when they are first used, because most answers have no schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .answer_value import AnswerValue, value_of_answer
    from .gemini_dialect import rewrite_answer_schema, rewrite_for_gemini
    from .item_log import InvalidItem, ItemLog, ItemRow, LoadedItem
    from .items import Items, StreamItems
    from .json_answer import read_answer
    from .problems import find_problems, follow_refs
    from .questions import decision_schema, read_questions, requested_decisions
    from .repair import repair_prompt
    from .requested import requested_schema
    from .schema import Schema, as_schema, mismatch, object_schema

__all__ = [
    "AnswerValue",
    "InvalidItem",
    "ItemLog",
    "ItemRow",
    "Items",
    "LoadedItem",
    "Schema",
    "StreamItems",
    "as_schema",
    "decision_schema",
    "find_problems",
    "follow_refs",
    "mismatch",
    "object_schema",
    "read_answer",
    "read_questions",
    "repair_prompt",
    "requested_decisions",
    "requested_schema",
    "rewrite_answer_schema",
    "rewrite_for_gemini",
    "value_of_answer",
]

_HOMES = {
    "AnswerValue": "answer_value",
    "value_of_answer": "answer_value",
    "rewrite_answer_schema": "gemini_dialect",
    "rewrite_for_gemini": "gemini_dialect",
    "InvalidItem": "item_log",
    "ItemLog": "item_log",
    "ItemRow": "item_log",
    "LoadedItem": "item_log",
    "Items": "items",
    "StreamItems": "items",
    "read_answer": "json_answer",
    "find_problems": "problems",
    "follow_refs": "problems",
    "decision_schema": "questions",
    "read_questions": "questions",
    "requested_decisions": "questions",
    "requested_schema": "requested",
    "Schema": "schema",
    "as_schema": "schema",
    "mismatch": "schema",
    "object_schema": "schema",
    "repair_prompt": "repair",
}
__getattr__ = lazy_names(globals(), _HOMES)
