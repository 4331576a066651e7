"""Parts, turns and requests: values that are equal when their content is equal.

The backends translate them from and to the wire.
"""

from __future__ import annotations

from .call_pieces import CallPieces
from .declarations import FunctionDeclaration, RemoteServer, ToolChoice
from .joining import PartJoiner, join_parts
from .parts import (
    Blob,
    Call,
    CallResult,
    Code,
    CodeResult,
    File,
    LocalFile,
    MediaSettings,
    Opaque,
    Part,
    ResultMedia,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Transcript,
    encodable,
    kind_of,
)
from .request import Request, RequestSettings, Thinking, Turn, deep_merge
from .transcripts import TranscriptWriter, spoken_text

__all__ = [
    "Blob",
    "Call",
    "CallPieces",
    "CallResult",
    "Code",
    "CodeResult",
    "File",
    "FunctionDeclaration",
    "LocalFile",
    "MediaSettings",
    "Opaque",
    "Part",
    "PartJoiner",
    "RemoteServer",
    "Request",
    "RequestSettings",
    "ResultMedia",
    "Text",
    "Thinking",
    "Thought",
    "ToolCall",
    "ToolChoice",
    "ToolResult",
    "Transcript",
    "TranscriptWriter",
    "Turn",
    "deep_merge",
    "encodable",
    "join_parts",
    "kind_of",
    "spoken_text",
]
