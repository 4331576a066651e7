"""Encodes pictures of Pillow and arrays of NumPy as PNG or JPEG, with a notice about everything that is changed.

Pictures and arrays are used by their methods; NumPy is never imported. Pillow is imported only to convert a file of a
type that the API does not take, or an array that would be large as PNG.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from ..content import Blob
from ..errors import PromptError
from .raster import read_raster
from .signatures import MediaFormat, sniff
from .source import MediaSource, readable_size, reason_of

__all__ = [
    "array_blob",
    "converted_blob",
    "drawn_blob",
    "is_picture",
    "note_large_png",
    "picture_blob",
    "png_of_pixels",
    "thumbnail",
]

_LARGE: Final = 1_000_000  # pixels above which a picture without transparency is sent as JPEG
_JPEG_SIDE: Final = 65_500  # pixels; the format's limit
_JPEG_SIZE: Final = 3_000_000  # bytes above which the quality or the size is reduced
# The steps until a JPEG image is small enough: a divisor of its sides, and the quality.
_STEPS: Final = ((1, 90), (1, 75), (2, 90), (2, 75), (4, 75))
_INVERTED: Final = list(range(255, -1, -1))  # of each byte
_SMALLEST: Final = 16  # pixels of a side; a smaller array is numbers
_SMALLEST_REAL: Final = 64  # the same for one channel of real numbers
_BYTE: Final = 255
_CHANNELS: Final = (1, 3, 4)
_ARRAY_MODES: Final = {1: "L", 3: "RGB", 4: "RGBA"}
_CACHED: Final = 100_000  # values that are converted at once
_HALF: Final = 0.5  # added before a number loses its fraction
_ORIENTATION: Final = 0x0112  # the EXIF tag
# The transpositions (Pillow's numbers of them) that undo an EXIF orientation.
_UPRIGHT: Final = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
_MODES: Final = {  # what each mode that PNG does not know becomes
    "PA": "RGBA",
    "La": "LA",
    "RGBa": "RGBA",
    **dict.fromkeys(("CMYK", "YCbCr", "LAB", "HSV", "RGBX"), "RGB"),
}
# Pillow's readers of the types that are converted. Without them, it would try all, some of which run other programs.
_READERS: Final = {
    "image/gif": ["GIF"],
    "image/bmp": ["BMP"],
    "image/tiff": ["TIFF"],
    "image/avif": ["AVIF"],
    "image/x-icon": ["ICO"],
    "image/jp2": ["JPEG2000"],
}
_MOST_SHRUNK: Final = 50_000_000  # pixels of an image that gets a thumbnail; it is decoded whole
_PNG_MODES: Final = ("1", "L", "LA", "P", "RGB", "RGBA")


def picture_blob(image: Any, source: MediaSource) -> Blob:
    """The media part of a picture of Pillow, upright, without its EXIF data.

    Above one megapixel it is a JPEG image below 3 MB, unless it has only two colors; otherwise PNG.

    Raises:
        PromptError: it is empty, or it cannot be read or encoded.
    """
    if not (image.width and image.height):
        raise source.problem("is an image without pixels.", "Insert an image with a width and a height.")
    try:
        frames = getattr(image, "n_frames", 1)
        shown = image.tell() + 1 if frames > 1 else 1
        image = _plain(_upright(image), source)
        blob = _encoded(image, source)
    except PromptError:
        raise
    except Exception as error:  # Pillow raises many types
        raise source.problem(
            f"is an image that cannot be read: {reason_of(error)}.",
            "Open or create the image again.",
        ) from error
    if frames > 1:
        source.notices.append(
            f"The request contains frame {shown} of the {frames:,} frames of {source.name}."
        )
    return blob


def _upright(image: Any) -> Any:
    """The picture as its EXIF orientation says that it is to be seen."""
    turned = _UPRIGHT.get(image.getexif().get(_ORIENTATION))
    return image if turned is None else image.transpose(turned)


def _plain(image: Any, source: MediaSource) -> Any:
    """The picture in a mode that PNG has."""
    mode = image.mode
    if mode in _PNG_MODES:
        return image
    if mode in ("I", "F") or mode.startswith("I;16"):
        return _scaled(image, source)
    source.notices.append(
        f"The request contains {source.name} converted from {mode} to {_MODES.get(mode, 'RGB')}."
    )
    return image.convert(_MODES.get(mode, "RGB"))


def _scaled(image: Any, source: MediaSource) -> Any:
    """A gray picture of large or real numbers, scaled from its own range to 8 bits."""
    if image.mode.startswith("I;16"):
        image = image.convert("I")
    low, high = image.getextrema()
    if not high - low < float("inf"):  # also for a value that is not a number
        raise source.problem("has pixels that are not finite numbers.", "Replace NaN and infinity first.")
    scale = _BYTE / (high - low) if high > low else 0.0
    source.notices.append(
        f"The request contains {source.name} with its values scaled from {low:g}…{high:g} to 0…255."
    )
    return image.convert("F").point(lambda value: value * scale + -low * scale).convert("L")


def _encoded(image: Any, source: MediaSource) -> Blob:
    size = image.size
    if size[0] * size[1] <= _LARGE or max(size) > _JPEG_SIDE or image.mode == "1":
        return Blob("image/png", _saved(image, "PNG"))
    image, on_white = _opaque(image)
    data = b""
    for factor, quality in _STEPS:
        smaller = image if factor == 1 else image.reduce(factor)
        data = _saved(smaller, "JPEG", quality=quality)
        if len(data) <= _JPEG_SIZE:
            break
    shown = f"{smaller.width:,} × {smaller.height:,}"
    whole = "" if smaller.size == size else f" of {size[0]:,} × {size[1]:,}"
    white = ", with white in place of its transparency" if on_white else ""
    source.notices.append(
        f"The request contains {source.name} as a JPEG image{white}: {shown}{whole}, {readable_size(len(data))}."
    )
    return Blob("image/jpeg", data)


def _opaque(image: Any) -> tuple[Any, bool]:
    """The picture in a mode that JPEG has, and whether white replaces something transparent in it."""
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image, False
    if image.mode == "P" and "transparency" not in image.info:
        return image.convert("RGB"), False
    if image.mode not in ("LA", "RGBA"):
        image = image.convert("RGBA")
    mode, alpha = image.mode[:-1], image.getchannel("A")
    if alpha.getextrema() == (_BYTE, _BYTE):
        return image.convert(mode), False
    opaque = image.convert(mode)
    opaque.paste(_BYTE if mode == "L" else (_BYTE,) * 3, mask=alpha.point(_INVERTED))
    return opaque, True


def _saved(image: Any, form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


# -- arrays


def is_picture(array: Any) -> bool:
    """Whether an array of NumPy is meant as a picture: by its type, shape and, for real numbers, its values.

    A small array is numbers. So is an array with one channel that has neither bytes nor values of brightness.
    :func:`array_blob` reports arrays that are nearly pictures.
    """
    kind, shape = array.dtype.kind, array.shape
    if kind not in "buif" or len(shape) not in (2, 3, 4) or 0 in shape:
        return False
    if len(shape) == 2:  # noqa: PLR2004 - height and width
        if kind == "f":
            return min(shape) >= _SMALLEST_REAL and _range(array) is not None
        return min(shape) >= _SMALLEST and (kind == "b" or array.dtype.name in ("uint8", "uint16"))
    return _has_picture_shape(shape) or _channels_first(shape) or _is_batch(shape)


def _has_picture_shape(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[2] in _CHANNELS and min(shape[:2]) >= _SMALLEST  # noqa: PLR2004


def _channels_first(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] in (3, 4) and min(shape[1:]) >= _SMALLEST  # noqa: PLR2004


def _is_batch(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and (_has_picture_shape(shape[1:]) or _channels_first(shape[1:]))  # noqa: PLR2004


def _range(array: Any) -> float | None:
    """The brightness of white in an array of numbers: 1 or 255; None if it holds other numbers, or NaN."""
    low, high = float(array.min()), float(array.max())
    if not low >= 0:
        return None
    return 1.0 if array.dtype.kind == "f" and high <= 1 else _BYTE if high <= _BYTE else None


def array_blob(array: Any, source: MediaSource) -> Blob:
    """The media part of an array of which :func:`is_picture` is true: height × width, or × channels.

    Raises:
        PromptError: the axes are in another order, it holds several pictures, or its values are not those of a picture.
    """
    shape = " × ".join(map(str, array.shape))
    if _is_batch(array.shape):
        raise source.problem(
            f"is an array of {shape}, which is several pictures.",
            f"Insert one of them, such as {source.name}[0].",
        )
    if len(array.shape) == 3 and not _has_picture_shape(array.shape):  # noqa: PLR2004
        raise source.problem(
            f"is an array of {shape}, with the channels first.",
            f"np.moveaxis({source.name}, 0, -1) makes it a picture; str({source.name}) sends its numbers.",
        )
    height, width = array.shape[:2]
    channels = 1 if len(array.shape) == 2 else array.shape[2]  # noqa: PLR2004
    pixels = _bytes_of(array, source)
    if width * height > _LARGE and find_spec("PIL") is not None:
        from PIL import Image  # noqa: PLC0415 - only for a large array

        return picture_blob(Image.frombytes(_ARRAY_MODES[channels], (width, height), pixels), source)
    source.notices.append(
        f"The request contains {source.name} as a picture of {width:,} × {height:,} pixels."
    )
    return Blob("image/png", png_of_pixels(width, height, channels, pixels))


def _bytes_of(array: Any, source: MediaSource) -> bytes:
    """The values as bytes, row by row."""
    name, kind = array.dtype.name, array.dtype.kind
    if name == "uint8":
        return bytes(array.tobytes())
    if kind == "b":
        return bytes((array.astype("uint8") * _BYTE).tobytes())
    if name == "uint16":
        return bytes((array >> 8).astype("uint8").tobytes())
    white = _range(array)
    if white is None:
        low, high = float(array.min()), float(array.max())
        found = "NaN" if low != low else f"values from {low:g} to {high:g}"  # noqa: PLR0124 - true for NaN
        raise source.problem(
            f"is an array in the shape of a picture with {found}.",
            f"Scale it to 0…1 or 0…255; str({source.name}) sends its numbers.",
        )
    # In pieces that stay in the processor's cache, which takes a quarter of the time.
    rows = max(1, _CACHED // array[0].size)
    pieces = (array[start : start + rows] for start in range(0, len(array), rows))
    return b"".join((piece * (_BYTE / white) + _HALF).astype("uint8").tobytes() for piece in pieces)


def png_of_pixels(width: int, height: int, channels: int, pixels: bytes) -> bytes:
    """A PNG file of 8-bit pixels, row by row from the top.

    Args:
        width: in pixels.
        height: in pixels.
        channels: 1 is gray, 3 is RGB, 4 is RGB with transparency.
        pixels: their bytes, ``width * height * channels`` of them.
    """
    stride = width * channels
    rows = b"".join(
        part
        for start in range(0, stride * height, stride)
        for part in (b"\0", pixels[start : start + stride])
    )
    color = {1: 0, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 4)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


# -- files


def converted_blob(data: bytes, found: MediaFormat, source: MediaSource) -> Blob:
    """The media part of an image file of a type that the API does not take, as PNG or JPEG.

    Raises:
        PromptError: Pillow is not installed, or it cannot read the file.
    """
    if find_spec("PIL") is None:
        raise source.problem(
            f"is a {found.name}, which the API does not take.",
            "Install Pillow, which converts it (%pip install pillow), or save it as PNG.",
        )
    from PIL import Image  # noqa: PLC0415 - only for a file of another type

    try:
        image = Image.open(io.BytesIO(data), formats=_READERS[found.mime_type])
    except Exception as error:  # Pillow raises many types
        raise source.problem(
            f"is a {found.name} that cannot be read: {reason_of(error)}.", "Save it as PNG."
        ) from error
    before = len(source.notices)
    blob = picture_blob(image, source)
    if len(source.notices) == before or blob.mime_type == "image/png":
        source.notices.insert(
            before, f"The request contains {source.name}, a {found.name}, converted to PNG."
        )
    return blob


def note_large_png(size: int, found: MediaFormat, source: MediaSource) -> None:
    """Report a file or bytes that are a large PNG image, which are sent as they are.

    Args:
        size: in bytes.
        found: what the content is.
        source: the name, and the list for notices.
    """
    if found.mime_type == "image/png" and size > _JPEG_SIZE:
        source.notices.append(
            f"The request contains {source.name} unchanged, a PNG image of {readable_size(size)}; "
            "opened with PIL.Image.open, it is sent as a JPEG image below 3 MB."
        )


def drawn_blob(data: bytes, source: MediaSource) -> Blob:
    """The media part of an image that was drawn for the prompt; a large PNG image becomes JPEG if Pillow is installed."""
    kind = sniff(data).mime_type
    if kind != "image/png" or len(data) <= _JPEG_SIZE or find_spec("PIL") is None:
        return Blob(kind, data)
    from PIL import Image  # noqa: PLC0415 - only for a large image

    try:
        return picture_blob(Image.open(io.BytesIO(data), formats=["PNG"]), source)
    except PromptError:  # the server may read it
        return Blob(kind, data)


def thumbnail(data: bytes, side: int, *, load: bool = False, most: int = _MOST_SHRUNK) -> bytes | None:
    """A small JPEG or PNG of an image file; None without Pillow, if it cannot read the file, or if the image is huge.

    Args:
        data: the file.
        side: the longest side, in pixels.
        load: whether Pillow is imported if it is installed; otherwise it is used only if it is loaded.
        most: pixels of the largest image, which is decoded whole.
    """
    raster = read_raster(data)
    if raster is None or raster.width * raster.height > most:
        return None
    if load and find_spec("PIL") is not None:
        import_module("PIL.Image")
    image_module = sys.modules.get("PIL.Image")
    if image_module is None:
        return None
    try:
        image = image_module.open(io.BytesIO(data), formats=[raster.name.upper()])
        image.draft("RGB", (side, side))
        image.thumbnail((side, side))
        image = _upright(image)
        has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
        return (
            _saved(image.convert("RGBA"), "PNG")
            if has_alpha
            else _saved(image.convert("RGB"), "JPEG", quality=80)
        )
    except Exception:  # noqa: BLE001 - a preview without its picture
        return None
