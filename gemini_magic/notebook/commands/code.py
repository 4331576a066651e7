"""Puts the code of an answer into a new cell: `%gemini code`, `--next-cell` and `-f code`.

It uses the shell's next input, which a front end inserts as a cell when the current cell has ended without an error.
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
from ..lookup import names_of, selected_response
from ..messages import print_lines, show_message
from .context import CommandContext

__all__ = ["background_hint", "offer_next_cell", "put_code_into_cell"]

_SHOWN = 5  # invisible characters that are named
_PYTHON = ("python", "py", "python3", "py3", "ipython", "ipython3")
# The cell magic for a language, used if the shell has a magic of that name.
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


def put_code_into_cell(context: CommandContext, line: MagicLine) -> None:
    """Put the code of the last answer into a new cell; `code 2` uses only its second block, `code NAME` the answer NAME."""
    numbers = [word for word in line.arguments if _is_number(word)]
    names = [word for word in line.arguments if word not in numbers]
    if len(numbers) > 1 or len(names) > 1:
        raise OptionError(
            "`%gemini code` accepts one number and one name.", remedy="Usage: `%gemini code NAME 2`."
        )
    response = selected_response(context.session, context.shell.user_ns, names)
    blocks = response.code_blocks
    if not _has_code(blocks):
        print_lines("The answer contains no code block.")
        return
    selected = [_block_index(numbers[0], blocks)] if numbers else _select_blocks(blocks)
    if not selected:
        print_lines(f"{_ambiguous(blocks)}:", *_describe_blocks(blocks))
        return
    if not _set_next_cell(context.shell, response, [blocks[index] for index in selected]):
        return
    if len(selected) < len(blocks) and not numbers:
        print_lines(_describe_selection(selected, len(blocks)), *_describe_blocks(blocks))


def offer_next_cell(shell: Any, response: Response, options: Options) -> None:
    """Put the code of an answer that has just ended into the next cell if an option requests it.

    A message explains which code was left out, or why no cell was created.
    """
    if not _requested(options):
        return
    blocks = response.code_blocks
    message = ""
    if not response.ok:
        if _has_code(blocks):
            message = (
                "No cell was created because the answer is incomplete. `%gemini code` creates a cell from the code "
                "received so far."
            )
    elif not _has_code(blocks):  # with -f code the view shows this message
        message = (
            "" if options.format == "code" else "No cell was created: the answer contains no code block."
        )
    elif not (selected := _select_blocks(blocks)):
        message = f"{_ambiguous(blocks)}: {_block_list(blocks)}."
    else:
        _set_next_cell(shell, response, [blocks[index] for index in selected], quiet=options.quiet)
        if len(selected) < len(blocks):
            message = _describe_selection(selected, len(blocks))
    if message and not options.quiet:
        show_message(message)


def background_hint(options: Options) -> str:
    """How to create the next cell later if the current cell does not wait for the answer; empty if not requested."""
    return "After it has ended, `%gemini code` puts its code into a cell." if _requested(options) else ""


def _requested(options: Options) -> bool:
    return options.next_cell or options.format == "code"


def _has_code(blocks: Sequence[markdown.CodeBlock]) -> bool:
    return any(block.text.strip() for block in blocks)


def _set_next_cell(
    shell: Any, response: Response, blocks: Sequence[markdown.CodeBlock], *, quiet: bool = False
) -> bool:
    """Make blocks the next input. Without a front end that accepts one, show a message and return False."""
    if kernel.has_kernel(shell) and not kernel.allows_input(shell):
        if not quiet:
            name = next(iter(names_of(response, shell.user_ns)), "_gemini")
            show_message(
                "This kernel is non-interactive, so no cell was created. "
                f"The code is in `{name}.code_blocks`."
            )
        return False
    shell.set_next_input("\n\n".join(_as_cell(shell, block) for block in blocks), replace=False)
    invisible = markdown.invisible_characters("".join(block.text for block in blocks))
    if invisible and not quiet:
        show_message(
            f"The new cell contains invisible characters ({', '.join(invisible[:_SHOWN])}). "
            "Check the code before you run it."
        )
    return True


def _as_cell(shell: Any, block: markdown.CodeBlock) -> str:
    """The source of a cell for a block: Python unchanged, another language below its cell magic or as a comment."""
    text = block.text.strip("\n")
    if not block.language or block.language in _PYTHON:
        return text
    magic = _MAGICS.get(block.language)
    if magic is not None and shell.find_cell_magic(magic) is not None:
        return f"%%{magic}\n{text}"
    return "\n".join(f"# {line}".rstrip() for line in (f"{block.language}:", *text.split("\n")))


def _select_blocks(blocks: Sequence[markdown.CodeBlock]) -> list[int]:
    """The indexes of the blocks that form one cell: the Python blocks, or the only block; empty if that is ambiguous.

    Next to Python, a block without a language is usually the output of the code.
    """
    filled = [index for index, block in enumerate(blocks) if block.text.strip()]
    selected = [index for index in filled if blocks[index].language in _PYTHON]
    if not selected and (len(filled) == 1 or not any(blocks[index].language for index in filled)):
        selected = filled
    # A cell magic must be on the first line, and then applies to the whole cell.
    magic = len(selected) > 1 and any(blocks[index].text.lstrip().startswith("%%") for index in selected)
    return [] if magic else selected


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _block_index(number: str, blocks: Sequence[markdown.CodeBlock]) -> int:
    if not 1 <= int(number) <= len(blocks):
        raise OptionError(
            f"There is no code block {number}.",
            remedy=f"The answer contains {len(blocks)}: {_block_list(blocks)}.",
        )
    return int(number) - 1


def _ambiguous(blocks: Sequence[markdown.CodeBlock]) -> str:
    return f"The answer contains {len(blocks)} code blocks that do not form one cell. Choose one with `%gemini code N`"


def _describe_selection(selected: Sequence[int], count: int) -> str:
    numbers = ", ".join(str(index + 1) for index in selected)
    plural = "s" if len(selected) > 1 else ""
    return f"The new cell contains block{plural} {numbers} of {count}. `%gemini code N` creates one from another block."


def _block_list(blocks: Sequence[markdown.CodeBlock]) -> str:
    return ", ".join(line.strip() for line in _describe_blocks(blocks))


def _describe_blocks(blocks: Sequence[markdown.CodeBlock]) -> list[str]:
    """One line for each block: its number, language and length."""
    lengths = [len(block.text.splitlines()) for block in blocks]
    return [
        f"  {number} {block.language or 'code'} ({length} {'line' if length == 1 else 'lines'})"
        for number, (block, length) in enumerate(zip(blocks, lengths, strict=True), 1)
    ]
