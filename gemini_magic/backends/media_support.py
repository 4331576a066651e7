"""Which media the models of Google take, where that is documented; checked before a request is sent.

Reference: ai.google.dev, the pages of the models, "Speech generation", "Image generation", "Image understanding" and "Gemma".
A model that is not listed here is not checked: the server decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

from .. import media
from ..content import Blob, File, LocalFile, Part, Request
from ..errors import PromptError
from ..text import one_line

__all__ = ["check_cloud_storage", "check_media", "check_media_of_model"]

_Media: TypeAlias = Blob | File | LocalFile


class _Models(NamedTuple):
    """Models that do not take every type of media.

    Attributes:
        names: their names.
        families: the families of MIME types that they take.
        takes: the same in words.
    """

    names: re.Pattern[str]
    families: tuple[str, ...]
    takes: str


_LIMITED: Final = (
    _Models(
        re.compile(r"gemma-3-(?:270m|1b)\b.*|(?:code)?gemma-(?:1\.1-|2-)?(?:2|7|9|27)b\b.*"), (), "only text"
    ),
    _Models(re.compile(r"gemma-3-(?:4b|12b|27b)\b.*"), ("image",), "only text and images"),
    _Models(re.compile(r"gemini-.*-tts\b.*"), (), "only text"),
    _Models(re.compile(r"gemini-.*-image\b.*"), ("image", "application", "text"), "no audio and no video"),
)
# Types of images that generateContent refuses. A local file of them is converted.
_REFUSED: Final = {
    "image/gif": "GIF images",
    "image/bmp": "BMP images",
    "image/tiff": "TIFF images",
    "image/avif": "AVIF images",
    "image/svg+xml": "SVG images",
}


def check_media(request: Request) -> None:
    """Check that the model and ``generateContent`` take the media of a request.

    Raises:
        PromptError: one of them does not.
    """
    for part in _media_of(request):
        if isinstance(part, File) and (refused := _REFUSED.get(_type_of(part))):
            raise PromptError(
                f"{one_line(part.uri)}: the API takes no {refused}.",
                remedy="Download the file and attach it; other images are converted, and an SVG image is sent as text.",
            )
    check_media_of_model(request)


def check_media_of_model(request: Request) -> None:
    """Check that the model takes the media of a request, in whichever protocol.

    Raises:
        PromptError: it does not.
    """
    found = list(_media_of(request))
    if not found:
        return
    name = request.model.removeprefix("models/")
    for models in _LIMITED:
        if not models.names.fullmatch(name):
            continue
        refused_parts = [part for part in found if _family(part) not in (*models.families, "")]
        if refused_parts:
            raise PromptError(
                f"The model {one_line(name)} takes {models.takes}, and the prompt contains "
                f"{media.summarize_media(refused_parts)}.",
                remedy="Choose another model with -m, such as gemini-flash-latest.",
            )


def check_cloud_storage(request: Request) -> None:
    """Check that a request names no object of Cloud Storage, which the Gemini API does not read.

    Raises:
        PromptError: it does.
    """
    for part in _media_of(request):
        if isinstance(part, File) and part.uri[:5].lower() == "gs://":
            raise PromptError(
                f"{one_line(part.uri)} is an address of Cloud Storage, which the Gemini API does not read.",
                remedy="Use --backend vertex, or attach a local file or an https address.",
            )


def _media_of(request: Request) -> Iterable[_Media]:
    """The media of the user: those of answers are sent back as they came."""
    parts: Iterable[Part] = (part for turn in request.turns if turn.role == "user" for part in turn.parts)
    return (part for part in parts if isinstance(part, _Media))


def _type_of(part: _Media) -> str:
    return (part.mime_type or "").partition(";")[0].strip().lower()


def _family(part: _Media) -> str:
    return _type_of(part).partition("/")[0]
