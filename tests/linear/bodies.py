"""Adversarial response bodies: floods of events, parts, fields, notes, numbers and brackets.

Each function returns the bytes of a body of about ``n`` bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BODIES"]

END = b'data: {"candidates":[{"finishReason":"STOP"}]}\n\n'


def _body(unit: bytes, *, begin: bytes = b"", end: bytes = b"") -> Callable[[int], bytes]:
    return lambda n: begin + unit * max(1, n // len(unit)) + end


def _event(content: str) -> bytes:
    return f"data: {content}\n\n".encode()


def _events(content: str) -> Callable[[int], bytes]:
    """The same event again and again; ``{k}`` in it is its number."""
    if "{k}" not in content:
        return _body(_event(content), end=END)
    return lambda n: (
        b"".join(_event(content.replace("{k}", str(k))) for k in range(n // (len(content) + 8))) + END
    )


def _candidate(fields: str) -> str:
    return '{"candidates":[{' + fields + "}]}"


def _parts(part: str) -> str:
    return _candidate('"content":{"parts":[' + part + "]}")


def _inside(begin: str, unit: str, end: str) -> Callable[[int], bytes]:
    """One event in which ``unit`` is repeated, with commas between."""
    return lambda n: _event(begin + ",".join([unit] * max(1, n // (len(unit) + 1))) + end) + END


def _calls(n: int) -> bytes:
    """One call whose arguments arrive in pieces of one character."""
    piece = '{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"x","willContinue":true}],"willContinue":true}}'
    first = '{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.a","stringValue":"x","willContinue":true}],"willContinue":true}}'
    return _event(_parts(first)) + _event(_parts(piece)) * (n // len(piece)) + END


BODIES = {
    # framing
    "text and a brace": _body(b"x\n{\n"),
    "text and an open object": _body(b"data: {\n\n"),
    "lines of text": _body(b"x\n"),
    "lines of braces": _body(b"{\n"),
    "closing braces": _body(b"}\n"),
    "objects without data": _body(b"{}\n"),
    "empty objects": _events("{}"),
    "empty arrays": _events("[]"),
    "numbers": _events("1"),
    "plain text": _events("x"),
    "broken JSON": _events('{"a":'),
    "blank lines": _body(b"\n", begin=b"data: {}\n"),
    "comments": _body(b": a\n"),
    "empty data": _body(b"data:\n\n"),
    "fields": _body(b"id: 1\nevent: a\nretry: 1\n"),
    "events of many types": lambda n: b"".join(b"event: a%d\ndata: {}\n\n" % k for k in range(n // 24)),
    "done markers": _body(b"data: [DONE]\n\n"),
    "carriage returns": _body(b"\r", begin=b"data: {}\n"),
    "byte order marks": _body(b"\xef\xbb\xbfdata: {}\n\n"),
    "bytes that are not UTF-8": _body(b"\xff", begin=b'data: {"a":"', end=b'"}\n\n'),
    "control characters in a string": _body(b"\x01", begin=b'data: {"a":"', end=b'"}\n\n'),
    "line feeds in strings": _body(b'data: {"a":"\n\nx"}\n\n'),
    "open strings": _body(b'data: {"a":"\n\n'),
    "quotation marks": _body(b'"\n'),
    "array of objects": _body(b"{},\n", begin=b"[", end=b"{}]"),
    "array of numbers": _body(b"1,\n", begin=b"[", end=b"1]"),
    "array of broken objects": _body(b"{a},\n", begin=b"[", end=b"{}]"),
    "open arrays": _body(b"["),
    "open objects": _body(b'{"a":'),
    "one line of brackets": lambda n: b"data: " + b"[" * (n // 2) + b"]" * (n // 2) + b"\n\n",
    # content
    "text in short chunks": _events(_parts('{"text":"word {k} "}')),
    "text in chunks of one kilobyte": _events(_parts('{"text":"' + "some words " * 90 + '"}')),
    "thoughts": _events(_parts('{"text":"a","thought":true}')),
    "text and thoughts in turn": _events(_parts('{"text":"a","thought":true},{"text":"b"}')),
    "texts with signatures": _events(_parts('{"text":"a","thoughtSignature":"c2ln"}')),
    "half characters": _events(_parts('{"text":"\\ud83d"},{"text":"\\ude00"}')),
    "function calls": _events(_parts('{"functionCall":{"name":"f{k}","args":{"a":1}}}')),
    "a call in pieces": _calls,
    "pictures": _events(_parts('{"inlineData":{"mimeType":"image/png","data":"aGVsbG8="}}')),
    "broken pictures": _events(_parts('{"inlineData":{"mimeType":"image/png","data":"*"}}')),
    "empty parts": _events(_parts("{}")),
    "empty parts in one event": _inside('{"candidates":[{"content":{"parts":[', "{}", "]}}]}"),
    "unknown parts": _events(_parts('{"unknown{k}":1}')),
    "unknown parts in one event": _inside('{"candidates":[{"content":{"parts":[', '{"zz":1}', "]}}]}"),
    "parts of wrong types": _inside('{"candidates":[{"content":{"parts":[', "1", "]}}]}"),
    "texts in one event": _inside('{"candidates":[{"content":{"parts":[', '{"text":"ab"}', "]}}]}"),
    "candidates": _events('{"candidates":[{"index":{k},"content":{"parts":[{"text":"a"}]}}]}'),
    "candidates in one event": _inside('{"candidates":[', '{"content":{"parts":[{"text":"a"}]}}', "]}"),
    "candidates without an index": _inside('{"candidates":[', "{}", "]}"),
    "one high index": _events('{"candidates":[{"index":2147483647,"content":{"parts":[{"text":"a"}]}}]}'),
    "finish reasons": _events(_candidate('"finishReason":"STOP","index":{k}')),
    "unknown finish reasons": _events(_candidate('"finishReason":"R{k}"')),
    "text after each finish reason": _events(
        _candidate('"finishReason":"STOP","content":{"parts":[{"text":"a"}]}')
    ),
    "usage reports": _events('{"usageMetadata":{"totalTokenCount":{k}}}'),
    "token details": _inside(
        '{"usageMetadata":{"totalTokenCount":1,"promptTokensDetails":[',
        '{"modality":"TEXT","tokenCount":1}',
        "]}}",
    ),
    "citations": _events(_candidate('"citationMetadata":{"citationSources":[{"uri":"https://a.b/{k}"}]}')),
    "citations in one event": _inside(
        '{"candidates":[{"citationMetadata":{"citationSources":[', '{"uri":"u"}', "]}}]}"
    ),
    "grounding": _events(
        _candidate('"groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a.b/{k}"}}]}')
    ),
    "grounding with supports": _events(
        _candidate(
            '"groundingMetadata":{"groundingChunks":[{"web":{"uri":"u{k}"}}],'
            '"groundingSupports":[{"groundingChunkIndices":[0]}]}'
        )
    ),
    "passages of one text": _inside(
        '{"candidates":[{"content":{"parts":[{"text":"' + "a word and " * 300 + '"}]},"groundingMetadata":'
        '{"groundingChunks":[{"web":{"uri":"https://a.b/"}}],"groundingSupports":[',
        '{"segment":{"startIndex":6,"endIndex":9,"text":"an"},"groundingChunkIndices":[0]}',
        "]}}]}",
    ),
    "safety ratings in one event": _inside('{"candidates":[{"safetyRatings":[', '{"category":"A"}', "]}]}"),
    "log probabilities": _events(
        _candidate(
            '"content":{"parts":[{"text":"ab"}]},"logprobsResult":{"chosenCandidates":[{"token":"x{k}","logProbability":-1}]}'
        )
    ),
    "log probabilities in one event": _inside(
        '{"candidates":[{"logprobsResult":{"chosenCandidates":[', '{"token":"a","logProbability":-1}', "]}}]}"
    ),
    "transcripts": _events(_parts('{"audioTranscription":{"text":"ab","speakerLabel":"{k}"}}')),
    "pages that could not be read": _events(
        _candidate(
            '"urlContextMetadata":{"urlMetadata":[{"retrievedUrl":"https://a.b/{k}",'
            '"urlRetrievalStatus":"URL_RETRIEVAL_STATUS_ERROR"}]}'
        )
    ),
    "safety ratings": _inside(
        '{"candidates":[{"safetyRatings":[', '{"category":"HARM_CATEGORY_X","probability":"LOW"}', "]}]}"
    ),
    "errors": _events('{"error":{"code":{k},"message":"no"}}'),
    "unknown fields": _events('{"field{k}":1,"modelVersion":"m"}'),
    "unknown fields in one event": lambda n: (
        _event('{"modelVersion":"m",' + ",".join(f'"f{k}":1' for k in range(n // 10)) + "}") + END
    ),
    "one key many times": _inside('{"modelVersion":"m",', '"a":1', "}"),
    "keys that occur twice": lambda n: _event(
        "{" + ",".join(f'"k{k % (n // 16 or 1)}":1' for k in range(n // 8)) + "}"
    ),
    "model names": _events('{"modelVersion":"m{k}"}'),
    "snake case": _events('{"candidates":[{"finish_reason":"STOP","content":{"parts":[{"text":"a"}]}}]}'),
    "a long number": lambda n: _event('{"usageMetadata":{"totalTokenCount":' + "9" * n + "}}"),
    "long numbers": _events(
        '{"candidates":[{"index":' + "9" * 5000 + ',"content":{"parts":[{"text":"a"}]}}]}'
    ),
    "a number with a long exponent": lambda n: _event('{"a":1e' + "9" * n + "}"),
    "counts of wrong types": _events('{"usageMetadata":{"totalTokenCount":"{k}x"}}'),
    "deep arguments": lambda n: _event(
        _parts('{"functionCall":{"name":"f","args":{"a":' + "[" * (n // 2) + "]" * (n // 2) + "}}}")
    ),
    "deep arguments again and again": _events(
        _parts('{"functionCall":{"name":"f","args":{"a":' + "[" * 900 + "]" * 900 + "}}}")
    ),
    "escapes": _inside('{"candidates":[{"content":{"parts":[', '{"text":"\\u00e9\\n\\"\\\\"}', "]}}]}"),
}
