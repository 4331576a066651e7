"""How the bytes of a response are compressed.

Short answers consist mostly of the names of JSON fields and headers, which are the same in every answer of an API. A preset
dictionary (RFC 1950, 2.2) holds them, so each answer is compressed by itself and can be removed by itself.
"""

from __future__ import annotations

import zlib
from typing import Final

__all__ = ["CODEC", "MAX_BODY", "compressed", "decompressed"]

CODEC: Final = 2
"""The codec of new rows: 0 is plain, 1 zlib, 2 zlib with the dictionary of this module."""
_LEVEL = 1  # higher levels take more time than they save space
# With the default window and memory, each call takes several times as long: the system clears fresh pages for it.
_WINDOW, _MEMORY = 14, 7
MAX_BODY: Final = 1 << 28
"""Bytes that the stored responses of a request may expand to."""

# Never changed, because stored rows need it; another dictionary gets another codec. What is most frequent comes last.
_DICTIONARY: Final = (
    b'"error": {"code": 429, "message": "Resource has been exhausted (e.g. check quota).", "status": "RESOURCE_EXHAUSTED"'
    b'"UNAVAILABLE""INTERNAL""INVALID_ARGUMENT","details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo",'
    b'"retryDelay": "type.googleapis.com/google.rpc.QuotaFailure","violations": [{"quotaMetric": "quotaId": "quotaValue": '
    b'"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://","title": "groundingSupports": [{"segment": '
    b'{"startIndex": ,"endIndex": ,"text": "groundingChunkIndices": [0],"webSearchQueries": ["citationMetadata": '
    b'"safetyRatings": [{"category": "HARM_CATEGORY_HATE_SPEECH","probability": "NEGLIGIBLE"},{"category": '
    b'"HARM_CATEGORY_DANGEROUS_CONTENT"},{"category": "HARM_CATEGORY_HARASSMENT","probability": "NEGLIGIBLE"},'
    b'{"category": "HARM_CATEGORY_SEXUALLY_EXPLICIT","probability": "NEGLIGIBLE"}]'
    b'"functionCall": {"name": "","args": {"thoughtSignature": "thought": true,"executableCode": {"language": "PYTHON",'
    b'{"id":"chatcmpl-","object":"chat.completion.chunk","created":17,"model":"","choices":[{"index":0,"delta":'
    b'{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":'
    b',"completion_tokens":,"total_tokens":}}data: [DONE]\n\n'
    b'[200,"OK","HTTP/1.1",[["content-type","text/event-stream"],["content-type","application/json; charset=UTF-8"],'
    b'["content-disposition","attachment"],["vary","Origin"],["vary","X-Origin"],["vary","Referer"],'
    b'["transfer-encoding","chunked"],["date","Mon, 01 Dec 2026 00:00:00 GMT"],["server","scaffolding on HTTPServer2"],'
    b'["x-xss-protection","0"],["x-frame-options","SAMEORIGIN"],["x-content-type-options","nosniff"],'
    b'["server-timing","gfet4t7; dur="],["x-gemini-service-tier","standard"],'
    b'["alt-svc","h3=\\":443\\"; ma=2592000,h3-29=\\":443\\"; ma=2592000"],["connection","keep-alive"]],null]'
    b'data: {"candidates": [{"content": {"parts": [{"text": ""}],"role": "model"},"finishReason": "MAX_TOKENS","index": 0,'
    b'"avgLogprobs": -0.}],"usageMetadata": {"promptTokenCount": ,"candidatesTokenCount": ,"totalTokenCount": ,'
    b'"cachedContentTokenCount": ,"promptTokensDetails": [{"modality": "TEXT","tokenCount": }],'
    b'"candidatesTokensDetails": [{"modality": "TEXT","tokenCount": }],"thoughtsTokenCount": ,"serviceTier": "standard"},'
    b'"modelVersion": "gemini-2.5-flash","createTime": "2026-12-01T00:00:00.000000Z","responseId": ""}\r\n\r\n'
    b'data: {"candidates": [{"content": {"parts": [{"text": ""}],"role": "model"},"finishReason": "STOP","index": 0}],'
    b'"usageMetadata": {"promptTokenCount": 10,"candidatesTokenCount": 10,"totalTokenCount": 20,"promptTokensDetails": '
    b'[{"modality": "TEXT","tokenCount": 10}],"thoughtsTokenCount": 100},"modelVersion": "gemini-2.5-flash",'
    b'"responseId": ""}\r\n\r\n'
)


def compressed(data: bytes) -> bytes:
    """Return bytes in the form of :data:`CODEC`; empty bytes stay empty."""
    if not data:
        return b""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zdict=_DICTIONARY)
    return packer.compress(data) + packer.flush()


def decompressed(data: bytes, codec: int, most: int = MAX_BODY) -> bytes:
    """Return the bytes that were compressed.

    Args:
        data: the stored bytes.
        codec: the codec of the row.
        most: bytes that they may expand to.

    Raises:
        ValueError: they are damaged, too large, or have a codec of a newer version.
    """
    if not data:
        return data
    if most <= 0 or (codec == 0 and len(data) > most):
        raise ValueError("it is too large")
    if codec == 0:
        return data
    if codec not in (1, CODEC):
        raise ValueError("a newer version of gemini_magic has compressed it")
    unpacker = zlib.decompressobj(zdict=_DICTIONARY) if codec == CODEC else zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, most)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not unpacker.eof:
        raise ValueError("it is cut, or too large")
    return plain
