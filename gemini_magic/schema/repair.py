"""The prompt of a request that asks again for an answer that did not fit its schema."""

from __future__ import annotations

from ..errors import MismatchError

__all__ = ["repair_prompt"]

_MOST_LINES = 20  # problems in the prompt


def repair_prompt(error: MismatchError) -> str:
    """Return the question that follows an answer that does not fit.

    Args:
        error: what is wrong with the answer.
    """
    lines = [f"- {line}" for line in error.problems[:_MOST_LINES]]
    if len(error.problems) > _MOST_LINES:
        lines.append(f"- and {len(error.problems) - _MOST_LINES} more")
    listed = "\n".join(lines)
    return f"Your answer does not fit:\n{listed}\nWrite the whole answer again with these problems corrected, as JSON only."
