"""Attachments: files, addresses and objects beside the text of a prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path, PurePath
from typing import Any, Final

from msgspec import Struct

from ..content import Part
from ..errors import PromptError
from ..text import one_line
from .addresses import address_part, is_address
from .files import file_part
from .listing import describe_part
from .objects import media_parts
from .source import MediaSource, class_names, reason_of

__all__ = ["Attachment", "attached_parts", "named_attachment", "named_value"]

_ANSWERS: Final = {("gemini_magic", "Response"), ("gemini_magic", "Candidate")}
_VARIABLE: Final = re.compile(r"([^\W\d]\w*)((?:\.[^\W\d]\w*|\[-?\d+\])*)")
_YOUTUBE: Final = re.compile(r"(?:(?:www|m|music)\.)?(?:youtube\.com|youtu\.be)/", re.IGNORECASE)
_HOST: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?/")
_STEP: Final = re.compile(r"\.\w+|\[-?\d+\]")


class Attachment(Struct, frozen=True):
    """Media for a prompt: insert it with ``{{ }}``, or put it into the list of ``ask([...])`` or ``attach=[...]``.

    Attributes:
        parts: the parts that are sent.
        notices: a sentence for the user about each thing that was changed or left out.
    """

    parts: tuple[Part, ...]
    notices: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return one_line(f"<Attachment: {', '.join(map(describe_part, self.parts))}>")


def named_attachment(name: str, variables: Mapping[str, Any], notices: list[str]) -> list[Part]:
    """The parts for a value of ``--attach`` that names no variable: an address, a path, or a pattern that matches paths.

    Args:
        name: the value.
        variables: the user's variables, whose names are proposed for a mistake.
        notices: receives a sentence for the user about each thing that is changed or left out.

    Raises:
        PromptError: there is nothing of that name, or it cannot be sent.
    """
    known = [each for each in variables if not each.startswith("_")] if name.isidentifier() else []
    return _parts_of_text(name, notices, known)


def named_value(name: str, variables: Mapping[str, Any]) -> tuple[object] | None:
    """The variable that a value of ``--attach`` names, or an attribute or an item of one: ``answer.images[0]``.

    Returns:
        The value in a tuple, as it may be None; None without such a variable, and for the name of a file that exists.

    Raises:
        PromptError: the variable has no such attribute or item.
    """
    found = _VARIABLE.fullmatch(name)
    if found is None or found[1] not in variables:
        return None
    steps = [step for step in _STEP.findall(found[2]) if step]
    if steps and Path(name).exists():
        return None
    value: object = variables[found[1]]
    shown = found[1]
    for step in steps:
        try:
            value = getattr(value, step[1:]) if step.startswith(".") else value[int(step[1:-1])]  # type: ignore[index] # reported below
        except (AttributeError, LookupError, TypeError) as error:
            raise PromptError(
                f"The attachment {name} is neither a file nor a part of {shown}: {reason_of(error)}.",
                remedy="Name a file, an address, a variable, or an attribute or an item of one.",
            ) from error
        shown += step
    return (value,)


def attached_parts(value: object, source: MediaSource) -> list[Part]:
    """The parts for an object that is attached; text is a path, a pattern or an address.

    Raises:
        PromptError: it is not media, or cannot be sent.
    """
    if isinstance(value, Attachment):
        source.notices.extend(value.notices)
        return list(value.parts)
    if isinstance(value, Part):
        return [value]
    if isinstance(value, str):
        return _parts_of_text(value, source.notices)
    if isinstance(value, list | tuple):
        return [
            part
            for number, each in enumerate(value)
            for part in attached_parts(each, source._replace(name=f"{source.name}[{number}]"))
        ]
    parts = media_parts(value, source)
    if parts is None and class_names(value) & _ANSWERS:
        return _parts_of_answer(value, source)
    if parts is None:
        raise source.problem(
            f"is an object of the type {type(value).__name__}, which is not media.",
            "Insert it into the prompt with {{ }}, or attach a file, an address, a figure, a picture or bytes.",
        )
    return parts


def _parts_of_answer(answer: Any, source: MediaSource) -> list[Part]:
    """The pictures, the audio and the videos of an answer."""
    found = [*answer.images, *answer.audio, *answer.videos]
    if not found:
        raise source.problem(
            "is an answer without media.", f"Insert its text into the prompt: {{{{ {source.name} }}}}."
        )
    return found


def _parts_of_text(text: str, notices: list[str], variables: Sequence[str] = ()) -> list[Part]:
    """The parts for a path, a pattern or an address."""
    if not text.strip():
        raise PromptError("The attachment has no name.", remedy="Name a file, an address or a variable.")
    if is_address(text):
        return [address_part(text, MediaSource(text, notices))]
    if _YOUTUBE.match(text) and not Path(text).exists():
        return [address_part(f"https://{text}", MediaSource(text, notices))]
    path = PurePath(text.removeprefix("file://"))
    if has_magic(text) and not Path(path).expanduser().exists():
        found = sorted(glob(str(Path(path).expanduser()), recursive=True))  # noqa: PTH207 - also for absolute patterns
        files = [each for each in found if Path(each).is_file()]
        if not files:
            raise PromptError(f"No file matches {text}.", remedy=f"Relative paths start at {Path.cwd()}.")
        return [part for each in files for part in file_part(PurePath(each), MediaSource(each, notices))]
    try:
        return file_part(path, MediaSource(str(path), notices))
    except PromptError as error:
        if _HOST.match(text) and not Path(path).parent.exists():
            raise PromptError(
                error.message, remedy="If it is an address, write https:// before it."
            ) from None
        if variables and not Path(path).expanduser().exists():
            from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

            if close := get_close_matches(text, variables, n=3):
                raise PromptError(
                    f"{text} is neither a variable nor a file.", remedy=f"Did you mean {' or '.join(close)}?"
                ) from None
        raise
