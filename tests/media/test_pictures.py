"""Thumbnails, and PNG files written without a library."""

import io

import numpy as np
import pytest
from PIL import Image

from gemini_magic.media import thumbnail
from gemini_magic.media.pictures import png_of_pixels


def saved(image, form, **options):
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


@pytest.mark.parametrize(
    ("form", "mode", "kind"),
    [
        ("PNG", "RGB", "JPEG"),
        ("PNG", "RGBA", "PNG"),
        ("JPEG", "L", "JPEG"),
        ("WEBP", "RGB", "JPEG"),
        ("GIF", "P", "JPEG"),
    ],
)
def test_a_thumbnail_has_the_longest_side_and_keeps_transparency(form, mode, kind):
    found = Image.open(io.BytesIO(thumbnail(saved(Image.new(mode, (800, 400), 9), form), 96)))
    assert (found.size, found.format) == ((96, 48), kind)


def test_a_thumbnail_is_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.new("RGB", (800, 400)), "JPEG", exif=exif)
    assert Image.open(io.BytesIO(thumbnail(data, 96))).size == (48, 96)


def test_what_is_no_small_image_has_no_thumbnail():
    huge = bytearray(png_of_pixels(1, 1, 1, b"x"))
    huge[16:24] = (60_000).to_bytes(4, "big") * 2
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
    for data in (bytes(huge), postscript, b"", b"\x89PNG\r\n\x1a\n", saved(Image.new("L", (9, 9)), "TIFF")):
        assert thumbnail(data, 96) is None


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_pixels_become_a_png_file(channels, mode):
    pixels = np.random.default_rng(1).integers(0, 256, 30 * 20 * channels, "uint8").tobytes()
    found = Image.open(io.BytesIO(png_of_pixels(30, 20, channels, pixels)))
    assert (found.size, found.mode, found.tobytes()) == ((30, 20), mode, pixels)
