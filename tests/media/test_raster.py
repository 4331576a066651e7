"""The format and the size of an image are read from its bytes."""

from __future__ import annotations

import pytest
from attack_media import gif, jpeg, webp
from media_samples import SVG, png

from gemini_magic.media import RasterImage, read_raster


@pytest.mark.parametrize(
    ("data", "name", "size"),
    [
        (png(640, 480), "PNG", (640, 480)),
        (gif(1, 1, (30, 20)), "GIF", (30, 20)),
        (jpeg(7, 8), "JPEG", (7, 8)),
        (webp(9, 10), "WebP", (9, 10)),
    ],
)
def test_an_image_has_its_format_and_size(data, name, size):
    assert read_raster(data) == RasterImage(name, f"image/{name.lower()}", *size)


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG", SVG, b"GIF89a", b"RIFF1234WEBP", b"\xff\xd8\xff", png(0, 5)]
)
def test_other_and_damaged_data_have_none(data):
    assert read_raster(data) is None
