"""What every conversion to media knows: the name of the object, and where notices for the user go."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import PromptError

__all__ = ["MediaSource", "class_names", "readable_size", "reason_of"]

_UNITS = ("bytes", "kB", "MB", "GB")
_STEP = 1000
_LONGEST_REASON = 200  # characters
_THREE_DIGITS = 99.95


class MediaSource(NamedTuple):
    """An object that becomes media.

    Attributes:
        name: what messages call it: the source of its expression, or its path.
        notices: receives a sentence for the user about each thing that is changed or left out.
    """

    name: str
    notices: list[str]

    def problem(self, message: str, remedy: str) -> PromptError:
        """An error about this object, to be raised.

        Args:
            message: what follows the name.
            remedy: what to do.
        """
        text = f"{self.name} {message}"
        return PromptError(text[:1].upper() + text[1:] if text.startswith("the ") else text, remedy=remedy)


def class_names(value: object) -> set[tuple[str, str]]:
    """The classes of an object, each as the name of its top package and its own name."""
    return {(each.__module__.partition(".")[0], each.__name__) for each in type(value).__mro__}


def reason_of(error: BaseException) -> str:
    """The type and the first line of an error of a library, without a period."""
    first = next(iter(str(error).strip().splitlines()), "").rstrip(".")[:_LONGEST_REASON]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def readable_size(size: int) -> str:
    """A number of bytes with three digits: ``812 bytes``, ``18.2 kB``, ``2.1 MB``."""
    value, unit = float(size), _UNITS[0]
    for unit in _UNITS:
        if value < _STEP or unit == _UNITS[-1]:
            break
        value /= _STEP
    return f"{value:.0f} {unit}" if unit == "bytes" or value >= _THREE_DIGITS else f"{value:.1f} {unit}"
