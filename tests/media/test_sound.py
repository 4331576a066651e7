"""Raw samples become WAV files."""

from __future__ import annotations

import io
import wave

import pytest
from media_samples import tone

from gemini_magic.media import PcmFormat, pcm_format, wav_bytes, wav_duration


@pytest.mark.parametrize(
    ("mime_type", "expected"),
    [
        ("audio/L16;codec=pcm;rate=24000", PcmFormat(24000)),
        ("audio/l16; rate=16000; channels=2", PcmFormat(16000, 2)),
        ("AUDIO/PCM;RATE=8000", PcmFormat(8000)),
        ("audio/L24;rate=48000", PcmFormat(48000, 1, 3)),
        ("audio/L16", PcmFormat(24000)),
        ("audio/L16;rate=0", None),
        ("audio/L16;rate=9999999999", None),
        ("audio/L16;rate=fast", None),
        ("audio/L16;channels=0", None),
        ("audio/wav", None),
        ("audio/mpeg;rate=24000", None),
        ("", None),
    ],
)
def test_the_format_of_raw_samples_is_in_the_mime_type(mime_type, expected):
    assert pcm_format(mime_type) == expected


def test_pieces_become_one_wav_file_that_other_readers_read():
    samples = tone(0.5, 16_000)
    data = wav_bytes(PcmFormat(16_000), [samples[:999], samples[999:], b"x"])
    with wave.open(io.BytesIO(data)) as read:
        assert (read.getframerate(), read.getnchannels(), read.getsampwidth()) == (16_000, 1, 2)
        assert read.readframes(read.getnframes()) == samples
    assert wav_duration(data) == 0.5


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF0000WAVEdata\xff\xff\xff\xff", b"ID3" * 20])
def test_a_file_that_is_no_wav_has_no_known_duration(data):
    assert wav_duration(data) is None
