import os
import re
from pathlib import Path

import numpy as np
import pytest

from gemini_magic.content import Blob, LocalFile, Text
from gemini_magic.errors import OptionError, PromptError
from gemini_magic.row_runs.images import ImageFolder
from gemini_magic.row_runs.row import Row
from gemini_magic.row_runs.template import compile_template

COLUMNS = ("text", "count", "size", "name", "my col", "class", "items", 7, "_x", "__y__")
VALUES = ("T", 9, 1, "n", "mine", "C", "I", "seven", "under", "dunder")


def rendered(source, columns=COLUMNS, values=VALUES, namespace=None, **options):
    template = compile_template(source, columns, namespace or {}, **options)
    places = {name: at for at, name in enumerate(columns)}
    arguments = [values[places[name]] for name in template.columns]
    if template.whole_row:
        arguments.append(Row(places, values))
    parts = template.render(arguments).parts
    if template.texts is not None and all(isinstance(part, Text) for part in parts):
        quick = template.texts(*arguments)
        if all(isinstance(each, str) for each in quick):
            assert "".join(quick) == "".join(part.text for part in parts)
    return parts


def text(source, **options):
    (part,) = rendered(source, **options)
    return part.text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ row.text }}", "T"),
        ("{{ row.count }}/{{ row.size }}/{{ row.name }}/{{ row.items }}", "9/1/n/I"),
        ('{{ row["my col"] }} {{ row["class"] }}', "mine C"),
        ("{{ row[7] }}", "seven"),
        ("{{ row._x }} {{ row['__y__'] }}", "under dunder"),
        ("{{ row.text.lower() * 3 }}", "ttt"),
        ("{{ f'{row.text}-{row.count:03}' }}", "T-009"),
        ("{{ ', '.join(c for c in row.text * 2) }}", "T, T"),
        ("{{ row.text if row.count > 3 else row.name }}", "T"),
        ("{{ row[key] }}", "mine"),
        ("{{ len(row) }} {{ 'text' in row }} {{ [*row][0] }}", "10 True text"),
        ("{{ shout(row.text) }} {{ shout(row['name']) }}", "T! n!"),
        ("{{ whole(row) }}", "T9"),
        ("{{ (lambda x: x + row.text)('a') }}", "aT"),
        (r"\{{ row.text }} {{ row.text }}", "{{ row.text }} T"),
        ("{{ limit }} {{ row.text }}", "5 T"),
        ("{{ {'a': row.count} }}", "{'a': 9}"),
    ],
)
def test_expressions_of_a_row(source, expected):
    names = {
        "key": "my col",
        "shout": lambda value: f"{value}!",
        "limit": 5,
        "whole": lambda row: row.text + str(row.count),
    }
    assert text(source, namespace=names) == expected


def test_only_the_columns_that_are_used_are_parameters():
    template = compile_template("{{ row.text }} {{ row['my col'] }} {{ row.text }}", COLUMNS, {})
    assert template.columns == ("text", "my col") and not template.whole_row
    assert compile_template("{{ row }}", COLUMNS, {}).whole_row


def test_an_expression_without_the_row_is_evaluated_once():
    calls = []
    template = compile_template(
        "{{ now() }} {{ row.text }}", COLUMNS, {"now": lambda: calls.append(1) or "noon"}
    )
    assert [template.render([each]).parts[0].text for each in "ab"] == ["noon a", "noon b"]
    assert calls == [1]


def test_other_names_keep_the_values_that_they_have_before_the_run():
    names = {"limit": 2}
    template = compile_template("{{ row.text[:limit] }}", COLUMNS, names)
    names["limit"] = 1
    assert template.render(["abc"]).parts == (Text("ab"),)


@pytest.mark.parametrize(
    ("source", "message", "remedy"),
    [
        ("{{ row.txet }}", "There is no column 'txet'. Columns: 'text'", "rename"),
        ("{{ row['nope'] }}", "There is no column 'nope'", "rename"),
        ("{{ text }} {{ row.size }}", "there is a column of this name", "row.text"),
        ("{{ row.class }}", "'class' is a keyword of Python", 'row["class"]'),
        ("{{ limt }} {{ row.text }}", "name 'limt' is not defined", "`limit`"),
        ("{{ row.text", "is not closed", "literal braces"),
        ("{{ 1 + }}", "is not a Python expression", "literal braces"),
        ("{{ await row.text }}", "is not possible in a prompt for rows: 'await'", "variable"),
        ("{{ (yield row.text) }}", "is not possible in a prompt for rows", "variable"),
        ("{{ [row for row in 'ab'] }}", "the name row is used for something else", "another name"),
        ("{{ (lambda row: 1)(2) }}", "the name row is used for something else", "another name"),
        ("{{ None }} {{ row.text }}", "{{ None }} is None", "Insert a value"),
        ("{{ 1 / 0 }} {{ row.text }}", "ZeroDivisionError", "Fix"),
    ],
)
def test_mistakes_are_refused_before_the_run(source, message, remedy):
    with pytest.raises(PromptError, match=re.escape(message)) as caught:
        compile_template(source, COLUMNS, {"limit": 3})
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("levels", range(100, 1000, 100))
def test_an_expression_with_many_levels_is_compiled_or_refused(levels):
    source = "{{ " + "1 + " * levels + "row.size }}"
    try:
        assert text(source) == str(levels + 1)
    except PromptError as error:
        assert (levels > 100 and "levels" in error.message) or "recursion" in error.message


def test_a_function_of_python_is_used_also_if_a_column_has_its_name():
    assert text("{{ len(row.text) }}", columns=("text", "len"), values=("abc", 1)) == "3"


def test_a_column_that_occurs_twice_cannot_be_used():
    with pytest.raises(PromptError, match="2 columns 'a'"):
        compile_template("{{ row.a }}", ("a", "a"), {})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ row }}", "is a whole row"),
        ("{{ 1 / (row.count - 9) }}", "ZeroDivisionError"),
        ("{{ row.text.nope }}", "has no attribute 'nope'"),
        ("{{ row[unknown] }}", "There is no column 'gone'"),
        ("{{ Path(row.text) }}", "is a path, and the file of a path in a row is not sent"),
        ("{{ [Path(row.text)] }}", "is a path"),
    ],
)
def test_a_value_that_cannot_be_sent_is_an_error_of_its_row(source, message):
    with pytest.raises(PromptError, match=message):
        rendered(source, namespace={"Path": Path, "unknown": "gone"})


def test_values_of_numpy_and_lists_are_text():
    assert (
        text("{{ row.a }} {{ row.b }}", columns=("a", "b"), values=(np.int64(3), np.array(["x", "y"])))
        == "3 ['x', 'y']"
    )


def test_media_in_a_column_are_sent():
    png = b"\x89PNG\r\n\x1a\n" + bytes(40)
    assert rendered("Look: {{ row.a }}", columns=("a",), values=(Blob("image/png", png),)) == (
        Text("Look: "),
        Blob("image/png", png),
    )


def test_a_row_that_is_a_single_value():
    template = compile_template("Say {{ row.upper() }} {{ row }}", None, {})
    assert template.whole_row and template.render(["hi"]).parts == (Text("Say HI hi"),)


# -- files

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(30)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(PNG)
    (tmp_path / "in" / "note.txt").write_text("secret")
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "secret.png")
    return tmp_path / "in"


def image(path, folder, source="{{ image(row.p) }}"):
    return rendered(source, columns=("p",), values=(path,), images=ImageFolder(folder))


def test_a_file_in_the_folder_is_sent(folder):
    for path in ("a.png", str(folder / "a.png"), folder / "a.png", "../in/a.png"):
        (part,) = image(path, folder)
        assert isinstance(part, LocalFile) and part.mime_type == "image/png" and len(part.digest) == 64


@pytest.mark.parametrize("path", ["../secret.png", "link.png", "/etc/passwd", "~/.ssh/id_rsa", "a\0b.png"])
def test_a_file_outside_the_folder_is_not_sent(folder, path):
    with pytest.raises(PromptError):
        image(path, folder)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("note.txt", "is not a picture"),
        ("b.png", "does not exist"),
        (7, "needs a path"),
        ("", "needs a path"),
    ],
)
def test_a_file_that_is_not_media_is_an_error(folder, path, message):
    with pytest.raises(PromptError, match=message):
        image(path, folder)


def test_files_need_a_folder(folder):
    with pytest.raises(OptionError, match="needs the folder") as caught:
        compile_template("{{ image(row.p) }}", ("p",), {})
    assert "folder=" in caught.value.remedy
    with pytest.raises(OptionError, match="is not a folder"):
        ImageFolder(folder / "nope")


def test_an_unchanged_file_is_read_once(folder):
    images, path = ImageFolder(folder), folder / "a.png"
    os.utime(path, ns=(10**18, 10**18))
    first = images.read("a.png")
    assert [*images.digests.values()] == [first.digest]
    images.digests[next(iter(images.digests))] = b"k" * 32
    assert images.read("a.png").digest == b"k" * 32
    path.write_bytes(PNG + b"more")
    changed = images.read("a.png").digest
    assert changed not in (b"k" * 32, first.digest)
    path.write_bytes(PNG + b"less")  # so soon that the time of change may be the same
    assert images.read("a.png").digest != changed
