"""Secrets in the body of a request, such as the headers of an MCP server that the model's server calls.

The request, its recording, the journal and everything that is shown contain a placeholder. The transport replaces it while the
body is sent. Where the server repeats a secret, it is masked as the key is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from .secret import Secret

__all__ = ["hide_in_body", "revealed_pieces", "secrets_in", "size_of_secrets"]

_COST = 2**12  # of scrypt, about 10 ms
_sent: dict[bytes, bytes] = {}  # the JSON text of each secret, by its placeholder
_masked: dict[bytes, tuple[Secret, ...]] = {}  # what is masked in responses, by the same


def hide_in_body(secret: str, label: str, parts: Iterable[str] = ()) -> str:
    """The placeholder for a secret.

    The same secret has the same placeholder in every process, so that a recording answers the same request. It cannot be
    guessed: a text of a stranger that contains it would be replaced as well.

    Args:
        secret: the secret.
        label: what it is, in letters, digits and spaces, for people who see the placeholder.
        parts: the secret parts of it, such as the token in ``Bearer TOKEN``; a server may repeat one alone.
    """
    from hashlib import scrypt  # noqa: PLC0415 - for few requests

    digest = scrypt(secret.encode("utf-8", "replace"), salt=label.encode(), n=_COST, r=8, p=1, dklen=12)
    placeholder = f"<{label} {digest.hex()}>"
    _sent[placeholder.encode()] = json.dumps(secret, ensure_ascii=False).encode("utf-8", "replace")[1:-1]
    _masked[placeholder.encode()] = (
        Secret(secret),
        *(Secret(part) for part in parts if part in secret and part != secret),
    )
    return placeholder


def secrets_in(body: bytes) -> list[Secret]:
    """The secrets that replace the placeholders of a body, to mask them in the response."""
    return [each for name, found in _masked.items() if name in body for each in found if each.maskable]


def size_of_secrets(body: bytes) -> int:
    """How many bytes longer a body is when it is sent."""
    return sum(body.count(name) * (len(text) - len(name)) for name, text in _sent.items())


def revealed_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a body as they are sent. No placeholder is spread over two pieces, because media are pieces by themselves."""
    for piece in pieces:
        revealed = piece
        for name, text in _sent.items():
            revealed = revealed.replace(name, text)
        yield revealed
