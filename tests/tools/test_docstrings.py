"""Docstrings in the styles of Google, NumPy and reST."""

from __future__ import annotations

import pytest

from gemini_magic.tools.docstrings import parse_docstring

GOOGLE = """Weather of a city.

    Asks a station: the nearest one.

    Args:
        city (str, optional): The city:
            with its country.
        *days: How many.
        unit: Either
            C or F.

    Returns:
        The temperature.

    Raises:
        ValueError: never.
    """
NUMPY = """Weather of a city.

    Parameters
    ----------
    city : str, default "x"
        The city.

        More.
    lat, lon : float
        The place.
    bare
        Without a type.

    Returns
    -------
    float
        The temperature.
    """
REST = """Weather of a city.

    :param str city: The city,
        with its country; a :class:`~geo.City` or ``str``
    :param days: how
    many
    :type days: int
    :keyword unit: C or F
    :return: The temperature.
    :rtype: float

    After the fields.
    """


def test_the_style_of_google():
    found = parse_docstring(GOOGLE)
    assert found.text == "Weather of a city.\n\nAsks a station: the nearest one."
    assert found.returns == "The temperature."
    assert found.parameters == {
        "city": "The city: with its country.",
        "days": "How many.",
        "unit": "Either C or F.",
    }


def test_the_style_of_numpy():
    found = parse_docstring(NUMPY)
    assert (found.text, found.returns) == ("Weather of a city.", "float The temperature.")
    assert found.parameters == {
        "city": "The city. More.",
        "lat": "The place.",
        "lon": "The place.",
        "bare": "Without a type.",
    }


def test_the_style_of_rest():
    found = parse_docstring(REST)
    assert (found.text, found.returns) == ("Weather of a city.\n\nAfter the fields.", "The temperature.")
    assert found.parameters == {
        "city": "The city, with its country; a `geo.City` or `str`",
        "days": "how many",
        "unit": "C or F",
    }


@pytest.mark.parametrize(
    ("docstring", "text", "names"),
    [
        (None, "", []),
        ("", "", []),
        ("One line: with a colon.", "One line: with a colon.", []),
        (
            "Text.\n\nNote: this stays, as it is a sentence.",
            "Text.\n\nNote: this stays, as it is a sentence.",
            [],
        ),
        ("Text.\n\nArgs: a and b.", "Text.\n\nArgs: a and b.", []),
        ("Text.\n\nArgs:\n    none of them is described", "Text.", []),
        ("Text.\n\nArgs:\n    a: One.\n\nAfter.", "Text.\n\nAfter.", ["a"]),
        ("Text.\n\nArgs:\n    **more: One.\n    *rest: Two.", "Text.", ["more", "rest"]),
        ("Text.\n\nParameters:\n  a (dict[str, (int, int)]): One.", "Text.", ["a"]),
        ("Text.\n\n@param a: One.", "Text.", ["a"]),
        ("Text.\n\nExamples:\n    >>> f(a: 1)\n\nArgs:\n    b: Two.", "Text.", ["b"]),
    ],
)
def test_what_is_a_section_and_what_is_text(docstring, text, names):
    found = parse_docstring(docstring)
    assert (found.text, list(found.parameters)) == (text, names)


def test_a_huge_docstring_is_read_in_linear_time():
    found = parse_docstring("Text.\n\nArgs:\n" + "".join(f"    a{n}: {'x ' * 50}\n" for n in range(2000)))
    assert len(found.parameters) == 2000
