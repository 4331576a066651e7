"""The questions of a decision: what users write, the API's form of it, and the schema of the answers.

A question is answered yes or no, with one of several options, or with a place on a scale, each with probabilities.
Reference: ``CreateDecisionRequest`` of the Gemini API as google-genai 3.6 declares it (``types/decisions``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ..errors import OptionError
from ..text import one_line, short_line
from .schema import Schema

__all__ = ["QUESTION", "decision_schema", "read_questions", "requested_decisions"]

QUESTION: Final = "answer"
"""The id of a question that was given without one."""

_FEWEST, _MOST = 2, 255  # options of a choice and levels of a score
_MOST_QUESTIONS: Final = 1000
_LARGEST: Final = 1_000_000  # bytes of a file
_FORMS: Final = {"choice": "choice", "score": "score", "noul": "noul", "yes_no": "noul"}
_FIELDS: Final = ("question", "instructions", "type", "options", "levels", "yes", "no", "criteria")
_FILE: Final = re.compile(r"\S.*\.json", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_EXAMPLE: Final = 'Write {"spam": "Is this spam?", "topic": {"question": "What is it about?", "options": ["sport", "news"]}}.'


def requested_decisions(
    given: Any,
    schema: Any = None,
    schema_multi: Any = None,
    names: Mapping[str, object] = MappingProxyType({}),
) -> tuple[dict[str, Any], Schema]:
    """Return the questions of ``--decide`` in the API's form, and the schema of their answers.

    Args:
        given: the questions, as for :func:`read_questions`.
        schema: the value of this option, which a decision does not have; the schema of the same questions is accepted,
            because a follow-up inherits it.
        schema_multi: the same.
        names: variables that a text may name.

    Raises:
        OptionError: a question is not valid, or there is a schema.
    """
    questions = read_questions(given, names)
    own = Schema(decision_schema(questions))
    if schema_multi is not None or (schema is not None and getattr(schema, "sent", None) != own.sent):
        raise OptionError(
            "--decide and --schema exclude each other.",
            remedy="The questions determine the form of the answer. Remove --schema.",
        )
    return questions, own


# ------------------------------------------------------------------------------ what users write


def read_questions(given: Any, names: Mapping[str, object] = MappingProxyType({})) -> dict[str, Any]:
    """Return questions by their ids, each as the API takes it.

    Args:
        given: one question, or questions by their ids. A question is a text, which is answered yes or no, or with one of the
            options after it (``What is it? sport | news``); a dict with ``question`` and ``options`` or ``levels``; or the
            API's own object. A text can also be JSON, the name of a ``.json`` file, or that of a variable.
        names: the variables.

    Raises:
        OptionError: a question is not valid.
    """
    if isinstance(given, str):
        given = _from_text(given.strip(), names)
    if isinstance(given, str) or (isinstance(given, Mapping) and _is_question(given)):
        given = {QUESTION: given}
    if not isinstance(given, Mapping):
        raise OptionError(
            f"The questions of a decision must be a text or a dict, not {type(given).__name__}.",
            remedy=_EXAMPLE,
        )
    if not 1 <= len(given) <= _MOST_QUESTIONS:
        raise OptionError(
            f"A decision has 1 to {_MOST_QUESTIONS:,} questions, not {len(given):,}.", remedy=_EXAMPLE
        )
    questions = {_checked_id(key, "question"): _question(key, value) for key, value in given.items()}
    _check_columns(questions)
    return questions


def _is_question(value: Mapping[Any, Any]) -> bool:
    """Whether a dict is one question: it has a text where questions by their ids have dicts or texts of any name."""
    return any(isinstance(value.get(name), str) for name in ("question", "instructions")) and not (
        value.keys() - set(_FIELDS)
    )


def _from_text(text: str, names: Mapping[str, object]) -> Any:
    """The object that a text stands for: a variable, a file, JSON, or the text itself as a question."""
    if _VARIABLE.fullmatch(text):
        if _FILE.fullmatch(text):
            return _of_file(Path(text))
        first, *rest = text.split(".")
        if first not in names:
            raise OptionError(
                f"--decide: there is no variable {first}.",
                remedy="Name a variable with the questions, or write a question with several words in quotes.",
            )
        value: Any = names[first]
        for name in rest:
            value = getattr(value, name, None)
        return value
    if _FILE.fullmatch(text) and "\n" not in text and not text.startswith("{"):
        return _of_file(Path(text))
    if not text.startswith("{"):
        return text
    return _json(text, "--decide")


def _of_file(path: Path) -> Any:
    path = path.expanduser()
    try:
        if path.stat().st_size > _LARGEST:
            raise OptionError(f"The file {path} is larger than 1 MB.", remedy="Ask fewer questions.")
        text = path.read_text("utf-8")
    except OSError as error:
        raise OptionError(
            f"The file {path} cannot be read: {error.strerror or error}.", remedy="Check the path."
        ) from None
    except UnicodeDecodeError:
        raise OptionError(f"The file {path} is not valid UTF-8.", remedy="Save it as UTF-8.") from None
    return _json(text, str(path))


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{where} is not valid JSON: {error}.", remedy=_EXAMPLE) from None


def _question(key: Any, given: Any) -> dict[str, Any]:
    """One question as the API takes it.

    Raises:
        OptionError: it is not valid.
    """
    where = f"The question {short_line(str(key), 40)!r}"
    if isinstance(given, str):
        text, options = _split_options(given)
        given = {"question": text, "options": options} if options else {"question": text}
    if not isinstance(given, Mapping):
        raise OptionError(f"{where} must be a text or a dict, not {type(given).__name__}.", remedy=_EXAMPLE)
    if unknown := [str(name) for name in given if name not in _FIELDS]:
        raise OptionError(
            f"{where} has an unknown field: {short_line(unknown[0], 40)!r}.",
            remedy=f"The fields are {', '.join(_FIELDS)}.",
        )
    form = _form(where, given)
    found: dict[str, Any] = {"type": form, "instructions": _instructions(where, given)}
    criteria = given.get("criteria")
    if form == "choice":
        found["criteria"] = _options(where, given.get("options", criteria))
    elif form == "score":
        found["criteria"] = _levels(where, given.get("levels", criteria))
    elif both := _yes_and_no(where, given, criteria):
        found["criteria"] = both
    return found


def _split_options(text: str) -> tuple[str, list[str]]:
    """The question in a text and its options, which are separated by ``|`` after a question mark or a colon."""
    asked = re.fullmatch(r"(.*?[?:])([^?:|]*\|[^?:]*)", text.strip(), re.DOTALL)
    if asked is None:
        return text, []
    return asked[1].removesuffix(":").strip(), [each.strip() for each in asked[2].split("|")]


def _form(where: str, given: Mapping[str, Any]) -> str:
    """The type of a question, as its fields or its ``type`` say.

    Raises:
        OptionError: they contradict each other, or the type is unknown.
    """
    implied = {
        "options": "choice",
        "levels": "score",
        "yes": "noul",
        "no": "noul",
    }
    forms = {form for name, form in implied.items() if given.get(name) is not None}
    if (named := given.get("type")) is not None:
        if not isinstance(named, str) or named not in _FORMS:
            raise OptionError(
                f"{where} has the type {short_line(str(named), 40)!r}.",
                remedy="The types are choice, score and noul (yes or no).",
            )
        forms.add(_FORMS[named])
    elif given.get("criteria") is not None:
        raise OptionError(
            f"{where} has criteria, but no type.", remedy="Add a type, or write options or levels."
        )
    if len(forms) > 1 or (given.get("criteria") is not None and any(given.get(name) for name in implied)):
        raise OptionError(
            f"{where} has fields of several types of questions.",
            remedy="Use only one of: options (choice), levels (score), yes and no.",
        )
    return forms.pop() if forms else "noul"


def _instructions(where: str, given: Mapping[str, Any]) -> str:
    texts = [given.get(name) for name in ("question", "instructions") if given.get(name) is not None]
    if len(texts) != 1 or not isinstance(texts[0], str) or not texts[0].strip():
        raise OptionError(f"{where} needs one text as its question.", remedy=_EXAMPLE)
    return texts[0]


def _options(where: str, given: Any) -> dict[str, str]:
    """The options of a choice with their descriptions.

    Raises:
        OptionError: they are not valid.
    """
    if isinstance(given, Mapping):
        pairs = [(key, value) for key, value in given.items()]
    elif isinstance(given, Sequence) and not isinstance(given, str | bytes):
        pairs = [(each, "") for each in given]
    else:
        raise OptionError(
            f"{where} needs options: a list of texts, or a dict with a description of each.", remedy=_EXAMPLE
        )
    found = {_checked_id(key, "option"): _text(where, "" if value is None else value) for key, value in pairs}
    if len(found) != len(pairs):
        raise OptionError(f"{where} has an option twice.", remedy="Give each option once.")
    _check_number(where, len(found), "options")
    return found


def _levels(where: str, given: Any) -> list[str]:
    """The levels of a score, lowest first.

    Raises:
        OptionError: they are not valid.
    """
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise OptionError(f"{where} needs levels: a list of texts, lowest first.", remedy=_EXAMPLE)
    found = [_text(where, each) for each in given]
    if any(not each.strip() for each in found):
        raise OptionError(f"{where} has an empty level.", remedy="Describe each level.")
    _check_number(where, len(found), "levels")
    return found


def _yes_and_no(where: str, given: Mapping[str, Any], criteria: Any) -> dict[str, str]:
    """The descriptions of both outcomes, without those that were not given."""
    names = {"yes": "true_description", "no": "false_description"}
    if criteria is not None:
        if not isinstance(criteria, Mapping) or criteria.keys() - set(names.values()):
            raise OptionError(
                f"{where} has criteria that a question with yes or no does not have.",
                remedy="Write yes and no, or true_description and false_description.",
            )
        return {str(name): _text(where, value) for name, value in criteria.items() if value is not None}
    return {field: _text(where, given[name]) for name, field in names.items() if given.get(name) is not None}


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise OptionError(
            f"{where} has a description that is not a text: {short_line(repr(value), 40)}.", remedy=_EXAMPLE
        )
    return value


def _check_number(where: str, number: int, what: str) -> None:
    if not _FEWEST <= number <= _MOST:
        raise OptionError(f"{where} has {number} {what}.", remedy=f"Give {_FEWEST} to {_MOST} {what}.")


def _checked_id(value: Any, what: str) -> str:
    """The id of a question or an option: a text without control characters, and without white space around it."""
    if not isinstance(value, str) or not value or value != value.strip() or _CONTROL.search(value):
        raise OptionError(
            f"{one_line(repr(value))[:60]} is not a valid id of {'an' if what[0] == 'o' else 'a'} {what}.",
            remedy="Use a text without control characters and without white space around it.",
        )
    return value


# ------------------------------------------------------------------------------ what is answered


def _check_columns(questions: Mapping[str, Any]) -> None:
    """Raise an error if two questions would have a field of the answer in common."""
    fields: dict[str, str] = {}
    for key, question in questions.items():
        for name in _fields(key, question):
            if name in fields:
                raise OptionError(
                    f"The questions {fields[name]!r} and {key!r} would both have the field {name!r}.",
                    remedy="Give one of them another id.",
                )
            fields[name] = key


def _fields(key: str, question: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields of the answer to a question with their JSON Schemas; see ``backends.decisions`` for their values."""
    share = {"type": "number", "minimum": 0, "maximum": 1}
    form, criteria = question.get("type"), question.get("criteria")
    if form == "choice" and isinstance(criteria, Mapping):
        value: dict[str, Any] = {"type": "string", "enum": list(criteria)}
    elif form == "score" and isinstance(criteria, list):
        value = {"type": "number", "minimum": 0, "maximum": len(criteria) - 1}
    else:
        value = {"type": "boolean"}
    text = question.get("instructions")
    own = {**value, "description": text} if isinstance(text, str) else value
    if value == {"type": "boolean"}:
        return {key: own, f"{key}_probability": share, f"{key}_confidence": share}
    spread = {"type": "object", "additionalProperties": share}
    return {key: own, f"{key}_confidence": share, f"{key}_probabilities": spread}


def decision_schema(questions: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of the answers to questions, which are in the API's form.

    A question ``spam`` with yes or no has the fields ``spam``, ``spam_probability`` (of yes) and ``spam_confidence``; any other
    question has ``topic``, ``topic_confidence`` and ``topic_probabilities``.
    """
    properties: dict[str, Any] = {}
    for key, question in questions.items():
        properties |= _fields(key, question if isinstance(question, Mapping) else {})
    return {"type": "object", "properties": properties, "required": list(questions)}
