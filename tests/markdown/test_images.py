"""Images: which are shown by default and with ``--images``, which never are, and what an unfinished one costs."""

from __future__ import annotations

import random
import re

import pytest
from attack_media import ALLOWED, data_url, gif, jpeg, pictures, png, webp
from html_audit import audit, audit_allowing, text_of
from markdown_check import check
from markdown_cost import html_length, parsed_characters, pieces_of

from gemini_magic.errors import OptionError
from gemini_magic.markdown import DATA_ONLY, Images, Renderer, render
from gemini_magic.markdown.sanitize import sanitize_html

NO_IMAGES = Images.parse("none")
SOME_HOSTS = Images.parse(",".join(ALLOWED))
DATA_URL = data_url(png())


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
def test_small_images_inside_an_answer_are_shown(data, kind, size):
    html = render(f"See ![a *cat*]({data_url(data, kind)}).")
    width, height = size
    assert (
        f'alt="a *cat*" width="{width}" height="{height}" loading="lazy" referrerpolicy="no-referrer"' in html
    )
    assert audit(html) == []
    placeholder = render(f"![a cat]({data_url(data, kind)})", images=NO_IMAGES)
    assert "<img" not in placeholder
    assert text_of(placeholder) == f"image: a cat ({kind}, 1 kB)\n"


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
def test_other_data_images_become_placeholders(data, kind):
    html = render(f"![it]({data_url(data, kind)})", images=SOME_HOSTS)
    assert "<img" not in html
    assert text_of(html).startswith(f"image: it ({kind}, ")


def test_remote_images_are_shown_only_from_allowed_hosts():
    text = "![a](https://pics.example/a.png) ![b](https://x.y.cdn.example/b.png?q=1) ![c][r]\n\n[r]: https://PICS.example/c"
    assert "<img" not in render(text)
    html = render(text, images=SOME_HOSTS)
    assert re.findall('src="([^"]*)"', html) == [
        "https://pics.example/a.png",
        "https://x.y.cdn.example/b.png?q=1",
        "https://PICS.example/c",
    ]
    assert html.count('loading="lazy" referrerpolicy="no-referrer"') == 3
    assert audit_allowing(html, ALLOWED) == []
    assert '<a href="https://example.org"' in render(
        "[![a](https://pics.example/a)](https://example.org)", images=SOME_HOSTS
    )


def test_attacks_through_urls_fetch_only_from_allowed_hosts():
    for text in pictures():
        for images in (DATA_ONLY, NO_IMAGES, SOME_HOSTS):
            assert (
                audit_allowing(render(text, images=images), ALLOWED if images is SOME_HOSTS else ()) == []
            ), text


def test_the_sanitizer_checks_image_urls_again():
    for images, kept in ((DATA_ONLY, 1), (SOME_HOSTS, 2), (NO_IMAGES, 0)):
        html = sanitize_html(
            f'<img src="{DATA_URL}"><img src="https://pics.example/a" onerror="f()"><img src="x">', images
        )
        assert html.count("src=") == kept
        assert "onerror" not in html
    assert "href" not in sanitize_html(f'<a href="{DATA_URL}">x</a>')


@pytest.mark.parametrize(
    ("value", "images"),
    [
        ("data", DATA_ONLY),
        ("", DATA_ONLY),
        ("none", Images(data=False)),
        ("Img.Example.org", Images(hosts=("img.example.org",))),
        ("data, a.org ,*.b.co.uk", Images(hosts=("a.org", "*.b.co.uk"))),
    ],
)
def test_valid_values_of_the_images_option(value, images):
    assert Images.parse(value) == images


@pytest.mark.parametrize(
    "value",
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
def test_an_invalid_host_raises_an_error_with_a_remedy(value):
    with pytest.raises(OptionError, match="is not a host") as caught:
        Images.parse(value)
    assert "xn--" in caught.value.remedy


@pytest.mark.parametrize("end", ["\n\nand so on. " * 30, " and so it goes. " * 60, ""])
def test_the_cost_of_a_large_image_is_linear_in_its_length(monkeypatch, end):
    text = f"Here it is: ![a chart]({data_url(png(20, 20, random.Random(1).randbytes(150_000)))}){end}"
    assert parsed_characters(monkeypatch, text, heal=True) < 8 * len(text)
    renderer = Renderer(heal=True)
    assert html_length(renderer, pieces_of(text)) < 8 * len(text)
    renderer.close()
    assert renderer.html == render(text)
    assert "<img" in renderer.html


def test_an_incomplete_data_image_is_not_shown():
    for text in (
        f"a ![b]({DATA_URL}) c",
        f"- a ![b]({DATA_URL})\n- c",
        f"| ![b]({DATA_URL}) |\n|---|\n| ![b]({DATA_URL}) |",
    ):
        renderer = Renderer(heal=True)
        for char in text:
            renderer.feed(char)
            assert "iVBOR" not in text_of(renderer.html)
        assert check(text, text)
        assert check(text, text, heal=True)


def test_open_blocks_show_allowed_images():
    image = "![a](https://pics.example/a.png)"
    for text in (
        f"- {image}\n" * 5,
        "| a |\n|---|\n" + f"| {image} |\n" * 5,
        f"Words {image} and more. " * 40,
    ):
        renderer, so_far = Renderer(images=SOME_HOSTS), ""
        for piece in pieces_of(text):
            so_far += piece
            renderer.feed(piece)
            assert renderer.html == render(so_far, images=SOME_HOSTS)
        renderer.close()
        assert renderer.html == render(text, images=SOME_HOSTS)
        assert renderer.html.count("<img") == text.count("![")
