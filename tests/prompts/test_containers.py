"""Lists, dicts and other containers in a prompt: their items are converted, and none is sent as its address in memory."""

import io
from collections import deque, namedtuple

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import gemini_magic
from gemini_magic.content import Blob, Text
from gemini_magic.errors import PromptError
from gemini_magic.ledger import CodeRun
from gemini_magic.prompts import parts_from_object, parts_of_prompt

mpl.use("Agg")
from matplotlib import pyplot as plt

IMAGE = Image.new("RGB", (20, 20))
TABLE = pd.DataFrame({"a": [1]})
TABLE_TEXT = "| a |\n| --- |\n| 1 |"


class Drawn:
    """An object with a picture, of which the prompt knows only the display method."""

    def _repr_png_(self):
        target = io.BytesIO()
        IMAGE.save(target, "PNG")
        return target.getvalue()


def sent(value, name="x"):
    """The texts and the types of media in a prompt for a value."""
    return short(parts_from_object(value, name=name).parts)


def short(parts):
    return [part.text if isinstance(part, Text) else part.mime_type for part in parts]


Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - a class of the user


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["x", IMAGE], ["x", "image/png"]),
        ([TABLE, IMAGE], [TABLE_TEXT, "image/png"]),
        ([TABLE, TABLE], [f"{TABLE_TEXT}\n\n{TABLE_TEXT}"]),
        (("look", IMAGE, "and", Drawn()), ["look", "image/png", "and", "image/png"]),
        ([Drawn(), Drawn()], ["image/png", "image/png"]),
        (["Compare", [IMAGE, "and", Drawn()]], ["Compare", "image/png", "and", "image/png"]),
        ({"k": IMAGE}, ["k:", "image/png"]),
        (
            {"k": IMAGE, "n": 3, "t": "a\nb", "d": TABLE},
            ["k:", "image/png", f"n: 3\n\nt:\n\na\nb\n\nd:\n\n{TABLE_TEXT}"],
        ),
        ({"k": ["a", {"m": IMAGE}]}, ["k:\n\na\n\nm:", "image/png"]),
        ({"k": IMAGE}.values(), ["image/png"]),
        (deque([1, IMAGE]), ["1", "image/png"]),
        (Pair(1, IMAGE), ["left: 1\n\nright:", "image/png"]),
        ([b"abc", IMAGE], ["abc", "image/png"]),
        ([io.StringIO("words"), IMAGE], ["words", "image/png"]),
    ],
)
def test_the_items_of_a_container_with_an_object_are_converted_in_their_order(value, expected):
    assert sent(value) == expected


@pytest.mark.parametrize(
    "value", [[1, "b"], {"a": 1}, [b"abc", 1], [b"\0\1"], [int, len], [ValueError("x")], [], [None], [[[1]]]]
)
def test_a_container_of_plain_values_is_its_str(value):
    assert sent(value) == [str(value)]


def test_a_prompt_in_pieces_takes_nested_lists():
    parts = parts_of_prompt(["Compare", [IMAGE, "and", Drawn()]]).parts
    assert short(parts) == ["Compare", "image/png", "and", "image/png"]


def test_answers_and_functions_in_a_list_are_their_text_and_source():
    answer = gemini_magic.ask("hello", backend="echo")
    assert sent([answer, answer]) == ["hello\n\nhello"]
    assert sent({"first": answer}) == ["first: hello"]
    assert sent([sent])[0].startswith("def sent(value")


def test_what_is_drawn_in_one_figure_is_one_picture():
    figure, axes = plt.subplots(1, 2)
    axes[0].plot([1, 2])
    assert sent({"left": axes[0], "right": axes[1]}) == ["image/png"]
    assert sent([axes[0], axes[1]]) == ["image/png"]
    assert sent(("look", figure)) == ["look", "image/png"]
    plt.close(figure)


@pytest.mark.parametrize(("value", "name"), [([1, object()], "x[1]"), ({"a": [object()]}, "x['a'][0]")])
def test_an_item_that_shows_only_its_type_is_an_error_that_names_it(value, name):
    with pytest.raises(PromptError) as caught:
        sent(value)
    assert caught.value.message.startswith(f"{name} would be sent as <object object at 0x")


def test_an_address_within_the_text_of_an_object_is_reported():
    holder = type("Holder", (), {"__str__": lambda self: f"Holder of {object()}"})
    (notice,) = parts_from_object(holder(), name="h").notices
    assert notice.startswith("The request contains <object object at 0x")
    assert notice.endswith("> in h, which shows only the type of an object.")


def test_pictures_in_the_cells_of_a_table_are_reported():
    (notice,) = parts_from_object(pd.DataFrame({"a": [IMAGE]}), name="df").notices
    assert notice.startswith("The request contains <PIL.Image.Image image mode=RGB size=20x20 at 0x")
    assert notice.endswith("> in df, which shows only the type of an object.")


def test_an_error_about_an_item_names_it():
    with pytest.raises(PromptError, match=r"^x\['a'\] is empty"):
        sent({"a": io.BytesIO(), "b": IMAGE})


def test_a_container_that_contains_itself_is_an_error():
    endless = [IMAGE]
    endless.append(endless)
    with pytest.raises(PromptError, match=r"^x\[1\] contains itself\."):
        sent(endless)
    lost = []
    lost += [lost, [lost], object()]
    with pytest.raises(PromptError, match=r"^x\[2\] would be sent as"):
        sent(lost)
    numbers = [1]
    numbers.append(numbers)
    assert sent(numbers) == ["[1, [...]]"]


def test_more_media_than_a_request_takes_are_an_error():
    with pytest.raises(PromptError, match=r"^x contains more than 3,600 media"):
        parts_from_object([Drawn()] + [Drawn._repr_png_(None)] * 3600, name="x")


def test_values_that_a_library_leaves_out_of_a_list_are_reported():
    assert parts_from_object([np.arange(3)]).notices == ()
    (notice,) = parts_from_object([np.arange(10_000)], name="values").notices
    assert notice.startswith("The request contains values as numpy prints it")


def test_code_that_the_server_ran_is_its_source_its_output_and_its_pictures():
    run = CodeRun(0, "print('```')\n", "PYTHON", "OUTCOME_OK", "```\n", (Blob("image/png", b"x"),), done=True)
    text = "````python\nprint('```')\n````\n\nOutput:\n\n````\n```\n````"
    assert parts_from_object(run).parts == (Text(text), Blob("image/png", b"x"))
    assert sent([run, run]) == [text, "image/png", text, "image/png"]
