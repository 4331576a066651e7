"""What two parts of one answer have in common where they meet: how much of the first the second says again.

It compares text and changes none.
"""

from __future__ import annotations

__all__ = ["repeated"]

_LEAST = 20  # characters; fewer are found in good answers as well, such as the marks around code
_FAR = 4_000  # characters before the seam from where on a model may begin again


def repeated(before: str, rest: str) -> int:
    """How many characters at the end of ``before`` the rest begins with; 0 when they are too few to tell.

    White space that the rest begins with does not count.
    """
    rest = rest.lstrip()
    end = before[-_FAR:]
    if len(before) >= _LEAST and rest.startswith(before):
        return len(before)
    at = end.find(rest[:_LEAST]) if len(rest) >= _LEAST else -1
    while at >= 0:
        if rest.startswith(end[at:]):
            return len(end) - at
        at = end.find(rest[:_LEAST], at + 1)
    return 0
