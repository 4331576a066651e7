"""Compiles the prompt of a row run to one function from the values of a row to the parts of its prompt.

An expression without ``row`` is evaluated once. In the others, ``row.text`` and ``row["my col"]`` become parameters of the
function, so that only these columns are read; other names keep the values that they have when the template is compiled.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final, NamedTuple

from ..content import Part, Text
from ..errors import GeminiMagicError, OptionError, PromptError
from ..prompts import (
    TABLE_ROWS,
    Expression,
    expression_error,
    parse_source,
    parts_from_object,
    position_in_text,
    scan,
    shorten_source,
    yields,
)
from .images import ImageFolder, RowImage
from .keys import is_null
from .row import Row, missing_column

__all__ = ["Rendered", "Template", "compile_template", "has_path"]

_ROW: Final = "row"
_IMAGE: Final = "image"
_WHERE: Final = "the prompt"
_KEYWORD_COLUMN: Final = re.compile(rf"\brow\.({'|'.join(keyword.kwlist)})\b")


class Rendered(NamedTuple):
    """The prompt of one row.

    Attributes:
        parts: its parts; adjacent text is one part.
        digests: for each part the SHA-256 digest of the file that it was read from, or None.
        lacks_value: whether the value of an expression is null; the prompt then has an empty text in its place.
    """

    parts: tuple[Part, ...]
    digests: tuple[bytes | None, ...] = ()
    lacks_value: bool = False


class _Piece(NamedTuple):
    """An expression that uses the row.

    Attributes:
        expression: the expression.
        place: where it is, for messages.
        value: computes its value from the values of the row.
    """

    expression: Expression
    place: str
    value: Callable[..., Any]


class Template:
    """A compiled template.

    Attributes:
        source: its text.
        columns: the columns that its expressions name, in order.
        whole_row: whether an expression uses the row as a whole, so that all columns are read.
        notices: a sentence for the user about each value that is not sent whole.
        texts: a function from the values of a row to those of all pieces of its prompt, which usually are text; None if one
            of them is media. :meth:`render` works for every row.
    """

    def __init__(
        self,
        source: str,
        pieces: Sequence[str | tuple[Part, ...] | _Piece],
        texts: Callable[..., tuple[Any, ...]] | None,
        *,
        columns: Sequence[Any] = (),
        whole_row: bool = False,
        notices: Sequence[str] = (),
    ) -> None:
        """Make a template of its pieces, and of a function that returns their values if none of them is media."""
        self.source, self.columns, self.whole_row, self.notices = (
            source,
            tuple(columns),
            whole_row,
            tuple(notices),
        )
        self.texts = texts
        self._pieces = pieces

    @property
    def uses_row(self) -> bool:
        """Whether the prompts of two rows can differ."""
        return bool(self.columns) or self.whole_row

    def render(self, values: Sequence[Any]) -> Rendered:
        """The prompt of a row.

        Args:
            values: the values of :attr:`columns`, and the row itself if it is used as a whole.

        Raises:
            PromptError: an expression raises an error, or its value cannot be sent.
        """
        parts: list[Part] = []
        digests: list[bytes | None] = []
        lacks_value = False
        for piece in self._pieces:
            if isinstance(piece, str):
                _add_part(Text(piece), None, parts, digests)
            elif isinstance(piece, _Piece):
                value = _value(piece, values)
                lacks_value |= is_null(value)
                for part, digest in _converted(piece, "" if is_null(value) else value):
                    _add_part(part, digest, parts, digests)
            else:
                for part in piece:
                    _add_part(part, None, parts, digests)
        return Rendered(tuple(parts), tuple(digests), lacks_value)


def _add_part(part: Part, digest: bytes | None, parts: list[Part], digests: list[bytes | None]) -> None:
    last = parts[-1] if parts else None
    if isinstance(part, Text) and isinstance(last, Text) and part.signature is last.signature is None:
        parts[-1] = Text(last.text + part.text)
        return
    parts.append(part)
    digests.append(digest)


def _value(piece: _Piece, values: Sequence[Any]) -> Any:
    """The value of an expression.

    Raises:
        PromptError: it raises an error.
    """
    try:
        return piece.value(*values)
    except GeminiMagicError:
        raise
    except (Exception, SystemExit) as error:  # from the user's expression
        raise expression_error(error, piece.expression, (), piece.place) from error


def _converted(piece: _Piece, value: Any) -> list[tuple[Part, bytes | None]]:
    """The parts for the value of an expression, and the digest of those that are files.

    Raises:
        PromptError: it cannot be sent.
    """
    if isinstance(value, RowImage):
        return [(value.part, value.digest)]
    if type(value) in (str, int, float, bool):
        return [(Text(str(value)), None)]
    shown = shorten_source(piece.expression.source)
    if isinstance(value, Row):
        raise PromptError(
            f"{piece.place}: {{{{ {shown} }}}} is a whole row.", remedy="Insert its columns: {{ row.NAME }}."
        )
    try:
        path = has_path(value)
    except RecursionError as error:  # a list that contains itself
        raise expression_error(error, piece.expression, (), piece.place) from error
    if path:
        raise PromptError(
            f"{piece.place}: {{{{ {shown} }}}} is a path, and the file of a path in a row is not sent.",
            remedy="Write {{ image(row.NAME) }} and give the folder of the files: folder=…; str(…) inserts the path as text.",
        )
    if type(value).__module__ == "numpy" and hasattr(value, "tolist") and getattr(value, "ndim", 0) < 2:  # noqa: PLR2004 - a list column
        value = value.tolist()
    try:
        found = parts_from_object(value, name=shown)
    except GeminiMagicError as error:
        raise PromptError(f"{piece.place}: {error.message}", remedy=error.remedy) from error
    except Exception as error:  # from the value's __str__
        raise expression_error(error, piece.expression, (), piece.place) from error
    return [(part, None) for part in found.parts]


def has_path(value: object) -> bool:
    """Whether a value is a path, or a list with one."""
    if isinstance(value, list | tuple):
        return any(has_path(each) for each in value)
    return isinstance(value, PurePath)


def compile_template(
    source: str,
    columns: Sequence[Any] | None,
    namespace: Mapping[str, Any],
    *,
    images: ImageFolder | None = None,
    table_rows: int = TABLE_ROWS,
) -> Template:
    """Compile a template.

    Args:
        source: its text.
        columns: the columns of the input; None if a row is a single value, which ``row`` then is.
        namespace: the variables that its expressions may use.
        images: the folder whose files ``image(path)`` may send; None if there is none.
        table_rows: the largest number of rows of a table that an expression without ``row`` inserts.

    Raises:
        PromptError: an expression cannot be parsed or evaluated, or names a column or a variable that does not exist.
        OptionError: it uses ``image`` and there is no folder.
    """
    if found := _KEYWORD_COLUMN.search(source):
        raise PromptError(
            f"The prompt uses {found[0]}, and {found[1]!r} is a keyword of Python.",
            remedy=f'Write row["{found[1]}"].',
        )
    return _Compiler(source, columns, namespace, images).compiled(table_rows)


class _Compiler:
    """Compiles one template; the arguments are those of :func:`compile_template`."""

    def __init__(
        self,
        source: str,
        columns: Sequence[Any] | None,
        namespace: Mapping[str, Any],
        images: ImageFolder | None,
    ) -> None:
        self._source, self._columns, self._images = source, columns, images
        self._namespace = namespace
        self._names: dict[str, Any] = {"__builtins__": builtins, _READ: images.read if images else None}
        self._used: dict[Any, str] = {}  # column: parameter
        self._whole_row = False

    def compiled(self, table_rows: int) -> Template:
        pieces: list[str | tuple[Part, ...] | tuple[Expression, str, ast.expr]] = []
        notices: list[str] = []
        for piece in scan(self._source, where=_WHERE):
            if isinstance(piece, str):
                pieces.append(piece)
                continue
            place = position_in_text(self._source, piece.start, _WHERE, 1)
            tree, uses_row = self._prepared(piece, place)
            if uses_row:
                pieces.append((piece, place, tree))
                continue
            parts, more = self._constant(piece, place, tree, table_rows)
            notices += more
            pieces += [part.text if isinstance(part, Text) else (part,) for part in parts]
        parameters = [*self._used.values(), *([_WHOLE] if self._whole_row else [])]
        made = [
            _Piece(piece[0], piece[1], self._function(parameters, piece[2], piece[0], piece[1]))
            if isinstance(piece, tuple) and isinstance(piece[0], Expression)
            else piece
            for piece in pieces
        ]
        return Template(
            self._source,
            made,
            self._text_function(parameters, pieces),
            columns=tuple(self._used),
            whole_row=self._whole_row,
            notices=notices,
        )

    def _text_function(self, parameters: Sequence[str], pieces: Sequence[Any]) -> Callable[..., Any] | None:
        """The function that returns the values of all pieces; None if one of them is media."""
        values: list[ast.expr] = []
        for piece in pieces:
            if isinstance(piece, str):
                values.append(ast.Constant(piece))
            elif isinstance(piece[0], Expression):
                values.append(piece[2])
            else:
                return None
        code = compile(_lambda(parameters, ast.Tuple(values, ast.Load())), "<prompt>", "eval")
        function: Callable[..., Any] = eval(code, self._names)  # noqa: S307 - the user's own expressions
        return function

    def _prepared(self, expression: Expression, place: str) -> tuple[ast.expr, bool]:
        """The tree of an expression with parameters for its columns, and whether it uses the row."""
        reader = _ColumnReader(self._columns, self._used)
        try:
            tree = reader.visit(parse_source(expression.source)).body
        except RecursionError as deep:
            raise _impossible(expression, place, "it has too many levels") from deep
        shown = f"{{{{ {shorten_source(expression.source)} }}}}"
        if reader.problem:
            raise PromptError(f"{place}: {shown}: {reader.problem}", remedy=reader.remedy)
        if reader.uses_image and self._images is None:
            raise OptionError(
                f"{place}: {shown} needs the folder that the files are in.",
                remedy='Give it: folder="pictures". Files outside it are not sent.',
            )
        self._whole_row |= reader.whole_row
        own = {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Name) or node.id in own or node.id.startswith(_PREFIX):
                continue
            if node.id in self._namespace:
                self._names[node.id] = self._namespace[node.id]
            elif hasattr(builtins, node.id):
                continue
            elif self._columns is not None and node.id in self._columns:
                raise PromptError(
                    f"{place}: {shown}: name {node.id!r} is not defined, but there is a column of this name.",
                    remedy=f"Write row.{node.id}.",
                )
            else:
                error = NameError(node.id, name=node.id)
                raise expression_error(error, expression, [*self._namespace, _ROW], place)
        return tree, reader.uses_columns or reader.whole_row

    def _function(
        self, parameters: Sequence[str], tree: ast.expr, expression: Expression, place: str
    ) -> Callable[..., Any]:
        """The function from the values of a row to the value of an expression."""
        if yields(tree):
            raise _impossible(expression, place, "it contains yield")
        try:
            code = compile(_lambda(parameters, tree), "<prompt>", "eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            problem = error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__
            raise _impossible(expression, place, problem) from error
        function: Callable[..., Any] = eval(code, self._names)  # noqa: S307 - the user's own expression
        return function

    def _constant(
        self, expression: Expression, place: str, tree: ast.expr, table_rows: int
    ) -> tuple[Sequence[Part], Sequence[str]]:
        """The parts and notices of an expression that has the same value for every row."""
        function = self._function((), tree, expression, place)
        try:
            value = function()
        except GeminiMagicError:
            raise
        except (Exception, SystemExit) as error:  # from the user's expression
            raise expression_error(error, expression, self._namespace, place) from error
        shown = shorten_source(expression.source)
        if value is None:
            raise PromptError(f"{place}: {{{{ {shown} }}}} is None.", remedy="Insert a value.")
        try:
            found = parts_from_object(value, name=shown, table_rows=table_rows)
        except GeminiMagicError as error:
            raise PromptError(f"{place}: {error.message}", remedy=error.remedy) from error
        except Exception as error:  # from the value's __str__
            raise expression_error(error, expression, (), place) from error
        return found.parts, found.notices


def _impossible(expression: Expression, place: str, problem: str) -> PromptError:
    return PromptError(
        f"{place}: {{{{ {shorten_source(expression.source)} }}}} is not possible in a prompt for rows: {problem}.",
        remedy="Assign the value to a variable in another cell, and insert the variable.",
    )


_PREFIX: Final = "_gemini_magic_"
_WHOLE: Final = f"{_PREFIX}row"
_READ: Final = f"{_PREFIX}image"


class _ColumnReader(ast.NodeTransformer):
    """Replaces the columns in an expression by parameters.

    Args:
        columns: the columns of the input; None if a row is a single value.
        used: the parameters by column; the new ones are added.
    """

    def __init__(self, columns: Sequence[Any] | None, used: dict[Any, str]) -> None:
        self._columns, self._used = columns, used
        self.uses_columns = self.whole_row = self.uses_image = False
        self.problem = self.remedy = ""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if self._is_row(node.value) and not (node.attr.startswith("__") and node.attr.endswith("__")):
            return self._column(node.attr)
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if self._is_row(node.value):
            try:
                name = ast.literal_eval(node.slice)
                hash(name)
            except (ValueError, TypeError, SyntaxError):  # computed, so it may be any column
                return self.generic_visit(node)
            return self._column(name)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == _IMAGE:
            self.uses_image = True
            node.func.id = _READ
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id != _ROW:
            return node
        if not isinstance(node.ctx, ast.Load):
            return self._refused("the name row is used for something else.", "Use another name for it.")
        self.whole_row = True
        return ast.Name(_WHOLE, ast.Load())

    def visit_arg(self, node: ast.arg) -> ast.AST:
        if node.arg == _ROW:
            return self._refused("the name row is used for something else.", "Use another name for it.")
        return node

    def _is_row(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == _ROW and self._columns is not None

    def _column(self, name: Any) -> ast.AST:
        columns = self._columns or ()
        found = sum(1 for each in columns if type(each) is type(name) and each == name)
        if not found:
            self._refused(missing_column(name, columns), "Use one of its columns, or rename the column.")
        elif found > 1:
            self._refused(f"the input has {found} columns {name!r}.", "Rename them.")
        self.uses_columns = True
        parameter = self._used.setdefault(name, f"{_PREFIX}column_{len(self._used)}")
        return ast.Name(parameter, ast.Load())

    def _refused(self, problem: str, remedy: str) -> ast.AST:
        if not self.problem:
            self.problem, self.remedy = problem, remedy
        return ast.Constant(None)


def _lambda(parameters: Sequence[str], body: ast.expr) -> ast.Expression:
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(name) for name in parameters],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    return ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
