"""Media: what bytes are, and objects and files as parts of a prompt. No network, and no library is imported for it."""

from __future__ import annotations

from .raster import RasterImage, read_raster
from .sniff import HEAD_SIZE, MediaFormat, sniff
from .sound import PcmFormat, pcm_format, wav_bytes, wav_duration, wav_header

__all__ = [
    "HEAD_SIZE",
    "MediaFormat",
    "PcmFormat",
    "RasterImage",
    "pcm_format",
    "read_raster",
    "sniff",
    "wav_bytes",
    "wav_duration",
    "wav_header",
]
