"""Images that are cut or damaged are errors before anything is sent."""

import io
from pathlib import PurePath

import numpy as np
import pytest
from PIL import Image

from gemini_magic.errors import PromptError
from gemini_magic.media import MediaSource, media_parts, read_files, sniff
from gemini_magic.media.damage import damage_of

PIXELS = Image.fromarray(np.random.default_rng(3).integers(0, 255, (60, 80, 3), "uint8"))


def saved(form, **more):
    target = io.BytesIO()
    PIXELS.save(target, form, **more)
    return target.getvalue()


def with_thumbnail():
    """A JPEG image that contains another one in its EXIF data."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = saved("JPEG")  # a maker note
    return saved("JPEG", exif=exif)


IMAGES = {
    "png": saved("PNG"),
    "jpeg": saved("JPEG"),
    "progressive": saved("JPEG", progressive=True),
    "thumbnail": with_thumbnail(),
    "webp": saved("WEBP"),
    "lossless": saved("WEBP", lossless=True),
}


@pytest.mark.parametrize("data", IMAGES.values(), ids=IMAGES)
def test_an_image_is_whole_and_each_beginning_of_it_is_not(data):
    kind = sniff(data).mime_type
    assert damage_of(data, kind) is None
    assert damage_of(data + b"trailer", kind) is None
    for length in {*range(20, len(data) - 1, 97), len(data) - 2}:
        assert damage_of(data[:length], kind) == "it ends too early"


def test_changed_pixels_of_a_png_image_are_noticed():
    data = bytearray(IMAGES["png"])
    data[len(data) // 2] ^= 1
    assert damage_of(bytes(data), "image/png") == "the checksum of its data is wrong"


def test_damaged_bytes_and_files_are_errors_with_a_remedy(tmp_path):
    cut = IMAGES["jpeg"][:-20]
    with pytest.raises(PromptError, match=r"^photo is a damaged JPEG image: it ends too early\.") as caught:
        media_parts(cut, MediaSource("photo", []))
    assert caught.value.remedy == "Save or download it again."
    path = tmp_path / "a.png"
    path.write_bytes(IMAGES["png"][:-20])
    for limit in (1_000_000, 10):  # inside the request, and uploaded
        with pytest.raises(PromptError, match=r"a\.png is a damaged PNG image: it ends too early\."):
            read_files(media_parts(PurePath(path), MediaSource("x", [])), limit)


def test_any_bytes_are_checked_without_an_error():
    random = np.random.default_rng(4)
    for kind, data in IMAGES.items():
        for _ in range(50):
            changed = bytearray(data)
            for at in random.integers(0, len(data), 8):
                changed[at] ^= int(random.integers(1, 255))
            damage_of(bytes(changed), sniff(data).mime_type)
        damage_of(b"", kind)
