"""Converts objects to media parts: figures, pictures, sound, video, bytes and files.

Types are recognised by the names of their classes, so that none of their libraries is imported here. An object of another
type is media if its display methods return a PNG or JPEG image.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any, Final, TypeAlias

from ..content import File, MediaSettings, Part, Text
from .addresses import address_part, youtube_address
from .figures import altair_blob, figure_blob, figure_of, plotly_blob
from .files import bytes_part, file_part
from .pictures import array_blob, drawn_blob, is_picture, picture_blob
from .signatures import HEAD_SIZE, sniff
from .source import MediaSource, class_names, reason_of
from .streams import stream_parts

__all__ = ["is_drawing", "is_media", "media_parts"]

_Converter: TypeAlias = Callable[[Any, MediaSource], "list[Part] | None"]


def media_parts(value: object, source: MediaSource) -> list[Part] | None:
    """The parts for an object that is media; None for any other object, which is sent as text.

    Args:
        value: the object. A list or tuple is media if all its items are.
        source: its name, and the list for notices.

    Raises:
        PromptError: it is media but cannot be read, drawn or sent.
    """
    convert = _converter(value)
    return _shown_parts(value, source) if convert is None else convert(value, source)


def _converter(value: object, depth: int = 0) -> _Converter | None:
    """The function that converts an object of a known type; None if there is none.

    Args:
        value: the object.
        depth: the number of lists in which it is nested.
    """
    if value is None or isinstance(value, str | int | float | complex | set):
        return None
    if isinstance(value, dict):  # the axes of plt.subplot_mosaic
        return _drawing_in_values if is_drawing(value) else None
    if isinstance(value, bytes | bytearray | memoryview):
        return _of_bytes
    if isinstance(value, io.IOBase):
        return stream_parts
    if isinstance(value, PurePath):
        return file_part
    kinds = class_names(value)
    if ("numpy", "ndarray") in kinds:
        return _array_converter(value)
    if ("matplotlib", "Container") in kinds or isinstance(value, list | tuple):
        return _sequence_converter(value, depth)  # type: ignore[arg-type] # a Container of matplotlib is a tuple
    return next((_CONVERTERS[kind] for kind in _CONVERTERS if kind in kinds), None)


def _array_converter(value: Any) -> _Converter | None:
    if value.dtype.kind == "O":  # the axes of plt.subplots
        is_plot = 0 < value.size <= _MOST_ITEMS and all(_is_artist(each) for each in value.flat)
        return _single(figure_blob) if is_plot else None
    return _single(array_blob) if is_picture(value) else None


_DEEPEST: Final = 2  # lists in lists of media
_MOST_ITEMS: Final = 3600  # images in one request (ai.google.dev, "Image understanding")


def _sequence_converter(value: Sequence[object], depth: int) -> _Converter | None:
    """The converter of a sequence in which everything is media; what is drawn in one figure is that figure."""
    if not 0 < len(value) <= _MOST_ITEMS or depth > _DEEPEST:
        return None
    if is_drawing(value):
        return _single(figure_blob)
    converters: list[_Converter] = []
    for each in value:
        if (found := _converter(each, depth + 1)) is None:
            return None
        converters.append(found)

    def convert(values: Sequence[object], source: MediaSource) -> list[Part]:
        parts: list[Part] = []
        for number, (item, each) in enumerate(zip(values, converters, strict=True)):
            own = source._replace(name=f"{source.name}[{number}]")
            parts += each(item, own) or [Text(str(item))]
        return parts

    return convert


def is_drawing(values: Sequence[object] | dict[Any, object]) -> bool:
    """Whether everything in a list or among the values of a dict is drawn in one figure of matplotlib."""
    items = list(values.values()) if isinstance(values, dict) else values
    return (
        0 < len(items) <= _MOST_ITEMS and all(map(_is_artist, items)) and figure_of(list(items)) is not None
    )


def _drawing_in_values(values: dict[Any, object], source: MediaSource) -> list[Part]:
    return [figure_blob(list(values.values()), source)]


def is_media(value: object) -> bool:
    """Whether :func:`media_parts` may find more in an object than its ``repr`` shows; nothing is drawn or read.

    Args:
        value: the object, which is not a list. Of bytes, only those of media count.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return sniff(bytes(value[:HEAD_SIZE]), size=len(value)).use in ("send", "convert")
    if _is_ours_or_builtin(type(value)):
        return False
    return _converter(value) is not None or any(hasattr(type(value), name) for name in _METHODS)


def _is_artist(value: object) -> bool:
    kinds = class_names(value)
    return bool(kinds & {("matplotlib", "Artist"), ("matplotlib", "Container")})


def _single(convert: Callable[[Any, MediaSource], Part]) -> _Converter:
    return lambda value, source: [convert(value, source)]


def _of_bytes(data: bytes | bytearray | memoryview, source: MediaSource) -> list[Part]:
    return [bytes_part(bytes(data), source)]


# -- objects of IPython and ipywidgets


def _ipython_media(value: Any, source: MediaSource) -> list[Part]:
    """The content of an Image, Audio or Video: its data, its file, or the address from which the server fetches it."""
    data = value.data
    if isinstance(data, str) and data:  # base64, or an address for a video
        data = _base64(data)
    if isinstance(data, bytes) and data:
        return _of_bytes(data, source)
    if name := getattr(value, "filename", None):
        return file_part(PurePath(name), source)
    if address := getattr(value, "url", None) or value.data:
        return [address_part(str(address), source)]
    raise source.problem("contains no data.", "Create it again, or insert the path of its file as a Path.")


def _youtube(value: Any, source: MediaSource) -> list[Part]:  # noqa: ARG001 - a converter
    start, end = (_number(value.params.get(name)) for name in ("start", "end"))
    settings = None if start is end is None else MediaSettings(start=start, end=end)
    return [File(youtube_address(str(value.id)), "video/mp4", media=settings)]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _text_display(value: Any, source: MediaSource) -> list[Part] | None:
    """The text of an HTML, Markdown, Latex or SVG object."""
    if not isinstance(value.data, str):
        return None
    if type(value).__name__ == "SVG":
        source.notices.append(
            f"The request contains {source.name} as its source text, because the API takes no SVG images."
        )
    return [Text(value.data)]


def _widget(value: Any, source: MediaSource) -> list[Part]:
    return _of_bytes(bytes(value.value), source)


# -- objects whose text is more than their picture


def _graph_source(value: Any, source: MediaSource) -> list[Part] | None:  # noqa: ARG001 - a converter
    text = getattr(value, "source", None)
    return [Text(text)] if isinstance(text, str) else None


def _formula(value: Any, source: MediaSource) -> list[Part] | None:  # noqa: ARG001 - a converter
    latex = value._repr_latex_() if hasattr(value, "_repr_latex_") else None
    return [Text(latex if isinstance(latex, str) else str(value))]


def _http_content(value: Any, source: MediaSource) -> list[Part]:
    """The content of a response to a request that the user sent with an HTTP library."""
    return _of_bytes(value.content, source)


def _bokeh(value: Any, source: MediaSource) -> list[Part] | None:
    raise source.problem(
        f"is a {type(value).__name__} of bokeh, which has no picture outside a browser.",
        "Save it with bokeh.io.export_png(...), and insert the path of the file as a Path.",
    )


_CONVERTERS: Final[dict[tuple[str, str], _Converter]] = {
    ("matplotlib", "Artist"): _single(figure_blob),
    ("seaborn", "Grid"): _single(figure_blob),
    ("plotly", "BaseFigure"): _single(plotly_blob),
    ("altair", "TopLevelMixin"): _single(altair_blob),
    ("PIL", "Image"): _single(picture_blob),
    ("IPython", "YouTubeVideo"): _youtube,
    ("IPython", "Image"): _ipython_media,
    ("IPython", "Audio"): _ipython_media,
    ("IPython", "Video"): _ipython_media,
    ("IPython", "TextDisplayObject"): _text_display,
    ("IPython", "SVG"): _text_display,
    ("ipywidgets", "Image"): _widget,
    ("ipywidgets", "Audio"): _widget,
    ("ipywidgets", "Video"): _widget,
    ("sympy", "Printable"): _formula,
    ("graphviz", "Source"): _graph_source,
    ("graphviz", "Dot"): _graph_source,
    ("bokeh", "Model"): _bokeh,
    ("requests", "Response"): _http_content,
    ("httpx", "Response"): _http_content,
    ("tempfile", "_TemporaryFileWrapper"): stream_parts,
}


# -- objects with display methods

_METHODS: Final = ("_repr_png_", "_repr_jpeg_", "_repr_mimebundle_")


def _shown_parts(value: object, source: MediaSource) -> list[Part] | None:
    """The picture that an object's display methods return; None without one.

    Raises:
        PromptError: a method that returns a picture failed, and no other one returns it.
    """
    kind = type(value)
    if _is_ours_or_builtin(kind):
        return None
    failure: Exception | None = None
    for name in _METHODS:
        method = getattr(kind, name, None)
        if method is None:
            continue
        try:
            shown = (
                method(value) if name != "_repr_mimebundle_" else method(value, include=None, exclude=None)
            )
        except Exception as error:  # noqa: BLE001 - the user's object; another method may succeed
            failure = error if name != "_repr_mimebundle_" else failure
            continue
        if data := _image_of(shown):
            return [drawn_blob(data, source)]
    if failure is not None:
        raise source.problem(
            f"cannot be drawn: {reason_of(failure)}.", f"str({source.name}) inserts its text."
        ) from failure
    return None


def _is_ours_or_builtin(kind: type) -> bool:
    return kind.__module__ in ("builtins", "gemini_magic") or kind.__module__.startswith("gemini_magic.")


def _image_of(shown: object) -> bytes | None:
    """The image in the value of a display method: bytes, base64, a bundle with one of them, or a tuple with metadata."""
    if isinstance(shown, tuple):
        shown = shown[0] if shown else None
    if isinstance(shown, dict):
        shown = shown.get("image/png") or shown.get("image/jpeg")
    data = _base64(shown) if isinstance(shown, str) else shown
    if not isinstance(data, bytes):
        return None
    found = sniff(data)
    return data if found.use == "send" and found.family == "image" else None


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
