"""Audio that arrives as raw samples: its format from a MIME type, and the WAV file that players understand.

Gemini sends speech as pieces of ``audio/L16;codec=pcm;rate=24000``. The samples are little-endian, although RFC 2586 defines
L16 as big-endian (measured on a recorded answer).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = ["PcmFormat", "pcm_format", "wav_bytes", "wav_duration", "wav_header"]

_PCM: Final = re.compile(r"audio/(?:x-)?(?:l(?P<bits>8|16|24|32)|pcm|raw)", re.IGNORECASE)
_RATES: Final = range(1_000, 768_001)  # samples a second
_CHANNELS: Final = range(1, 33)
_DEFAULT_RATE: Final = 24_000  # of Gemini's speech models
_HEADER: Final = 44  # bytes of a WAV header
_MAX_WAV: Final = 2**32 - 1 - _HEADER  # bytes of samples; the sizes in the header have 32 bits


class PcmFormat(NamedTuple):
    """The format of raw samples.

    Attributes:
        rate: samples a second.
        channels: how many channels are interleaved.
        width: bytes of a sample.
    """

    rate: int
    channels: int = 1
    width: int = 2

    @property
    def byte_rate(self) -> int:
        """Bytes a second."""
        return self.rate * self.channels * self.width


def pcm_format(mime_type: str) -> PcmFormat | None:
    """Return the format of raw samples of a MIME type; None for any other type, or if a parameter is out of range.

    Args:
        mime_type: such as ``audio/L16;codec=pcm;rate=24000``, in upper or lower case.
    """
    kind, *rest = (piece.strip() for piece in mime_type[:200].split(";"))
    found = _PCM.fullmatch(kind)
    if found is None:
        return None
    values = {
        name.strip().lower(): value.strip() for name, _, value in (piece.partition("=") for piece in rest)
    }
    try:
        rate, channels = int(values.get("rate", _DEFAULT_RATE)), int(values.get("channels", 1))
    except ValueError:
        return None
    if rate not in _RATES or channels not in _CHANNELS:
        return None
    return PcmFormat(rate, channels, int(found["bits"] or 16) // 8)


def wav_header(form: PcmFormat, size: int) -> bytes:
    """Return the header of a WAV file of raw samples.

    Args:
        form: the format of the samples.
        size: bytes of the samples; at most 4 GB are named in the header.
    """
    size = min(size, _MAX_WAV)
    frame = form.channels * form.width
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", size + _HEADER - 8, b"WAVE", b"fmt ", 16, 1),
        *(form.channels, form.rate, form.byte_rate, frame, form.width * 8),
        *(b"data", size),
    )


def wav_bytes(form: PcmFormat, pieces: Iterable[bytes]) -> bytes:
    """Return a WAV file of raw samples, which are joined once. An incomplete sample at the very end is dropped."""
    samples = b"".join(pieces)
    whole = len(samples) - len(samples) % (form.channels * form.width)
    return wav_header(form, whole) + samples[:whole]


def wav_duration(data: bytes) -> float | None:
    """Return the duration of a WAV file in seconds; None if its header cannot be read."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    at, byte_rate = 12, 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"fmt " and size >= 16:  # noqa: PLR2004 - its fields up to the byte rate
            byte_rate = int.from_bytes(data[at + 16 : at + 20], "little")
        elif name == b"data":
            size = min(size, len(data) - at - 8)  # a streaming writer does not know the size
            return size / byte_rate if byte_rate else None
        at += 8 + size + size % 2
    return None
