"""Images: what is drawn by default and by configuration, what never is, and what one costs while it is typed."""

from __future__ import annotations

import random
import re

import pytest
from attack_media import ALLOWED, address, gif, jpeg, pictures, png, webp
from html_audit import audit, audit_allowing, text_of
from markdown_check import check
from markdown_cost import parsed_characters, pieces_of, sent

from gemini_magic.errors import OptionError
from gemini_magic.markdown import DATA_ONLY, Images, Renderer, render
from gemini_magic.markdown.sanitize import sanitize_html

NONE = Images.parse("none")
SOME = Images.parse(",".join(ALLOWED))
GOOD = address(png())


@pytest.mark.parametrize(
    ("data", "kind", "size"),
    [
        (png(3, 2), "png", (3, 2)),
        (gif(5, 4), "gif", (5, 4)),
        (gif(1, 1, (30, 20)), "gif", (30, 20)),
        (jpeg(7, 8), "jpeg", (7, 8)),
        (webp(9, 10), "webp", (9, 10)),
    ],
)
def test_small_images_inside_an_answer_are_drawn(data, kind, size):
    html = render(f"See ![a *cat*]({address(data, kind)}).")
    width, height = size
    assert (
        f'alt="a *cat*" width="{width}" height="{height}" loading="lazy" referrerpolicy="no-referrer"' in html
    )
    assert audit(html) == []
    kept = render(f"![a cat]({address(data, kind)})", images=NONE)
    assert "<img" not in kept
    assert text_of(kept) == f"image: a cat ({kind}, 1 kB)\n"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (png(4097, 1), "png"),
        (png(4000, 4000), "png"),
        (png(0, 1), "png"),
        (png(more=b"x" * 300_000), "png"),
        (png(), "gif"),
        (png()[:20], "png"),
        (gif(1, 1, (65_535, 65_535)), "gif"),
        (gif()[:13] + bytes(9), "gif"),
        (jpeg(65_500, 65_500), "jpeg"),
        (jpeg()[:20], "jpeg"),
        (webp(16_384, 1), "webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg+xml"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "png"),
        (b"", "png"),
    ],
)
def test_others_are_only_spoken_of(data, kind):
    html = render(f"![it]({address(data, kind)})", images=SOME)
    assert "<img" not in html
    assert text_of(html).startswith(f"image: it ({kind}, ")


def test_images_elsewhere_are_drawn_only_from_hosts_that_are_named():
    text = "![a](https://pics.example/a.png) ![b](https://x.y.cdn.example/b.png?q=1) ![c][r]\n\n[r]: https://PICS.example/c"
    assert "<img" not in render(text)
    html = render(text, images=SOME)
    assert re.findall('src="([^"]*)"', html) == [
        "https://pics.example/a.png",
        "https://x.y.cdn.example/b.png?q=1",
        "https://PICS.example/c",
    ]
    assert html.count('loading="lazy" referrerpolicy="no-referrer"') == 3
    assert audit_allowing(html, ALLOWED) == []
    assert '<a href="https://example.org"' in render(
        "[![a](https://pics.example/a)](https://example.org)", images=SOME
    )


def test_attacks_by_addresses_fetch_nothing_but_from_hosts_that_are_named():
    for text in pictures():
        for images in (DATA_ONLY, NONE, SOME):
            assert audit_allowing(render(text, images=images), ALLOWED if images is SOME else ()) == [], text


def test_the_sanitiser_judges_addresses_again():
    for images, kept in ((DATA_ONLY, 1), (SOME, 2), (NONE, 0)):
        html = sanitize_html(
            f'<img src="{GOOD}"><img src="https://pics.example/a" onerror="f()"><img src="x">', images
        )
        assert html.count("src=") == kept
        assert "onerror" not in html
    assert "href" not in sanitize_html(f'<a href="{GOOD}">x</a>')


@pytest.mark.parametrize(
    ("words", "images"),
    [
        ("data", DATA_ONLY),
        ("", DATA_ONLY),
        ("none", Images(data=False)),
        ("Img.Example.org", Images(hosts=("img.example.org",))),
        ("data, a.org ,*.b.co.uk", Images(hosts=("a.org", "*.b.co.uk"))),
    ],
)
def test_what_can_be_said(words, images):
    assert Images.parse(words) == images


@pytest.mark.parametrize(
    "words",
    [
        "*",
        "*.org",
        "none,a.org",
        "localhost",
        "a.org:443",
        "https://a.org",
        "a.org/x",
        "u@a.org",
        "*.*.org",
        "a.*.org",
        "127.0.0.1",
        "[::1]",
        "ä.org",
        "a..org",
        "-a.org",
        "all",
    ],
)
def test_what_is_no_host_is_said_with_a_remedy(words):
    with pytest.raises(OptionError, match="is not a host") as caught:
        Images.parse(words)
    assert "xn--" in caught.value.remedy


@pytest.mark.parametrize("end", ["\n\nand so on. " * 30, " and so it goes. " * 60, ""])
def test_a_large_image_costs_no_more_than_its_length(monkeypatch, end):
    text = f"Here it is: ![a chart]({address(png(20, 20, random.Random(1).randbytes(150_000)))}){end}"
    assert parsed_characters(monkeypatch, text, heal=True) < 8 * len(text)
    renderer = Renderer(heal=True)
    assert sent(renderer, pieces_of(text)) < 8 * len(text)
    renderer.close()
    assert renderer.html == render(text)
    assert "<img" in renderer.html


def test_an_image_being_typed_is_not_seen_before_it_is_whole():
    for text in (f"a ![b]({GOOD}) c", f"- a ![b]({GOOD})\n- c", f"| ![b]({GOOD}) |\n|---|\n| ![b]({GOOD}) |"):
        renderer = Renderer(heal=True)
        for letter in text:
            renderer.feed(letter)
            assert "iVBOR" not in text_of(renderer.html)
        assert check(text, text)
        assert check(text, text, heal=True)


def test_frames_draw_the_images_that_are_allowed():
    image = "![a](https://pics.example/a.png)"
    for text in (
        f"- {image}\n" * 5,
        "| a |\n|---|\n" + f"| {image} |\n" * 5,
        f"Words {image} and more. " * 40,
    ):
        renderer, typed = Renderer(images=SOME), ""
        for piece in pieces_of(text):
            typed += piece
            renderer.feed(piece)
            assert renderer.html == render(typed, images=SOME)
        renderer.close()
        assert renderer.html == render(text, images=SOME)
        assert renderer.html.count("<img") == text.count("![")
