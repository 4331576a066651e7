"""Puts the code of an answer into a cell of its own: `%gemini code`, `--next-cell` and `-f code`.

It knows code blocks and the shell's way to offer a next input, which a front end takes when the cell has ended well;
it knows no view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import markdown
from ...errors import OptionError
from ...options import Options
from ...response import Response
from .. import kernel
from ..arguments import MagicLine
from ..lookup import latest, named, names_of
from ..messages import tell
from .status import CellRunner, say_lines

__all__ = ["code", "later", "offer"]

_PYTHON = ("python", "py", "python3", "py3", "ipython", "ipython3")
# The cell magic that runs a language, where the shell has one of that name.
_MAGICS = {
    "bash": "bash",
    "shell": "bash",
    "sh": "sh",
    "html": "html",
    "javascript": "javascript",
    "js": "javascript",
    "latex": "latex",
    "tex": "latex",
    "svg": "svg",
    "markdown": "markdown",
    "md": "markdown",
    "perl": "perl",
    "ruby": "ruby",
    "sql": "sql",
    "r": "R",
    "julia": "julia",
    "cython": "cython",
}


def code(desk: CellRunner, line: MagicLine) -> None:
    """Put the last answer's code into a new cell; `code 2`: its second block, `code NAME`: the code of another answer."""
    numbers = [word for word in line.words if _is_number(word)]
    names = [word for word in line.words if word not in numbers]
    if len(numbers) > 1 or len(names) > 1:
        raise OptionError(
            "`%gemini code` takes one number and one name.", remedy="Write `%gemini code NAME 2`."
        )
    response = named(desk.shell.user_ns, names[0]) if names else latest(desk.session)
    blocks = response.code_blocks
    if not _any(blocks):
        say_lines("The answer holds no code block.")
        return
    chosen = [_number(numbers[0], blocks)] if numbers else _chosen(blocks)
    if not chosen:
        say_lines(f"{_ambiguous(blocks)}, for one of these:", *_listed(blocks))
        return
    if not _put(desk.shell, response, [blocks[at] for at in chosen]):
        return
    if len(chosen) < len(blocks) and not numbers:
        say_lines(f"{_these(chosen, len(blocks))}; `%gemini code N` takes another:", *_listed(blocks))


def offer(shell: Any, response: Response, options: Options) -> None:
    """Put the code of an answer that has just ended into the next cell, if that was asked for, and say what was not."""
    if not _wanted(options):
        return
    blocks = response.code_blocks
    said = ""
    if not response.ok:
        if _any(blocks):
            said = (
                "No cell was made: the answer is incomplete. `%gemini code` puts the code that came into one."
            )
    elif not _any(blocks):  # with -f code the view says so
        said = "" if options.format == "code" else "No cell was made: the answer holds no code block."
    elif not (chosen := _chosen(blocks)):
        said = f"{_ambiguous(blocks)}: {', '.join(each.strip() for each in _listed(blocks))}."
    else:
        _put(shell, response, [blocks[at] for at in chosen], quiet=options.quiet)
        if len(chosen) < len(blocks):
            said = f"{_these(chosen, len(blocks))}; `%gemini code N` takes another."
    if said and not options.quiet:
        tell(said)


def later(options: Options) -> str:
    """What to say of the next cell when the present one does not wait for the answer."""
    return "`%gemini code` puts its code into a cell when it has ended." if _wanted(options) else ""


def _wanted(options: Options) -> bool:
    return options.next_cell or options.format == "code"


def _any(blocks: Sequence[markdown.CodeBlock]) -> bool:
    return any(block.text.strip() for block in blocks)


def _put(
    shell: Any, response: Response, blocks: Sequence[markdown.CodeBlock], *, quiet: bool = False
) -> bool:
    """Offer blocks as the next input; where no front end takes it, say where they are. Returns whether it is offered."""
    if kernel.has_kernel(shell) and not kernel.allows_input(shell):
        if not quiet:
            name = next(iter(names_of(response, shell.user_ns)), "_gemini")
            tell(f"Nobody is there to take a new cell; `{name}.code_blocks` holds the code.")
        return False
    shell.set_next_input("\n\n".join(_as_cell(shell, block) for block in blocks), replace=False)
    return True


def _as_cell(shell: Any, block: markdown.CodeBlock) -> str:
    """A block as a cell's source: Python as it is, another language below its magic, or as a comment."""
    text = block.text.strip("\n")
    if not block.language or block.language in _PYTHON:
        return text
    magic = _MAGICS.get(block.language)
    if magic is not None and shell.find_cell_magic(magic) is not None:
        return f"%%{magic}\n{text}"
    return "\n".join(f"# {line}".rstrip() for line in (f"{block.language}:", *text.split("\n")))


def _chosen(blocks: Sequence[markdown.CodeBlock]) -> list[int]:
    """The positions of the blocks that make one cell: those in Python, or the only one; none where that is unclear.

    Beside Python a block without a language is mostly what the code prints.
    """
    filled = [at for at, block in enumerate(blocks) if block.text.strip()]
    chosen = [at for at in filled if blocks[at].language in _PYTHON]
    if not chosen and (len(filled) == 1 or not any(blocks[at].language for at in filled)):
        chosen = filled
    # A cell magic counts on the first line only, and then for the whole cell.
    magic = len(chosen) > 1 and any(blocks[at].text.lstrip().startswith("%%") for at in chosen)
    return [] if magic else chosen


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _number(word: str, blocks: Sequence[markdown.CodeBlock]) -> int:
    if not 1 <= int(word) <= len(blocks):
        raise OptionError(
            f"There is no code block {word}.",
            remedy=f"The answer has {len(blocks)}: {', '.join(each.strip() for each in _listed(blocks))}.",
        )
    return int(word) - 1


def _ambiguous(blocks: Sequence[markdown.CodeBlock]) -> str:
    return f"The answer holds {len(blocks)} code blocks that do not make one cell. Write `%gemini code N`"


def _these(chosen: Sequence[int], count: int) -> str:
    which = ", ".join(str(at + 1) for at in chosen)
    return f"The new cell has block{'s' if len(chosen) > 1 else ''} {which} of {count}"


def _listed(blocks: Sequence[markdown.CodeBlock]) -> list[str]:
    """The blocks by number: language and length."""
    lines = [len(block.text.splitlines()) for block in blocks]
    return [
        f"  {number} {block.language or 'code'} ({length} {'line' if length == 1 else 'lines'})"
        for number, (block, length) in enumerate(zip(blocks, lines, strict=True), 1)
    ]
