"""Keys: a string type that does not show the key, masking of a key in data, and the header that carries it.

``credentials`` finds keys, and ``transport`` sends them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, Self

from ..backends import Auth, HttpRequest, may_send_key
from ..errors import GeminiMagicError

__all__ = ["Key", "Mask", "Secret", "add_key", "strip_traceback"]

_MASK = "<key>"
_MIN_LENGTH = 12  # characters; no service issues shorter keys
_PLAIN = re.compile(r"[A-Za-z0-9]+")


# A member that holds a piece of an answer, up to the end of its string or of the data.
_TEXT = re.compile(rb'"(?:text|content|delta|thinking)"\s*:\s*"((?:[^"\\]|\\.)*+)("?)', re.DOTALL)
_UNFINISHED = re.compile(
    rb'"(?:[a-z]{0,8}|[a-z]{1,8}"\s*:?\s*|[a-z]{1,8}"\s*:\s*"(?:[^"\\]|\\.)*+\\?)\Z', re.DOTALL
)
_RECOGNIZED = 5  # characters of a key at the end of a text that are held until the next text
_MOST_HELD = 65536  # bytes
_DEPTH = 8


def _end_of_text(key: bytes) -> re.Pattern[bytes]:
    """A pattern that finds the end of a string that ends with the beginning of a key, and with some other ends."""
    pattern = rb'[^"\\\s]{0,%d}' % max(0, len(key) - _DEPTH - 1) if len(key) > _DEPTH else b""
    for at in range(min(_DEPTH, len(key)) - 1, 0, -1):
        pattern = b"(?:%b%b)?" % (re.escape(key[at : at + 1]), pattern)
    return re.compile(re.escape(key[:1]) + pattern + b'"')


def _spellings(character: str) -> bytes:
    """A pattern for one character of a key: a letter or digit as it is, a punctuation character also escaped."""
    if _PLAIN.fullmatch(character):
        return b"(?-i:%b)" % character.encode()
    code = ord(character)
    return rb"(?:\\?%b|\\u%04x|%%%02x|&#(?:%d|x%x);)" % (
        re.escape(character).encode("utf-8", "replace"),
        code,
        code,
        code,
        code,
    )


class Secret(str):
    """A key that is not shown by ``repr``, ``str``, formatting, pickles or copies.

    Only :meth:`reveal` returns the plain text.
    """

    __slots__ = ("_needle", "_pattern", "_plain", "text_end")
    _plain: str
    _needle: bytes
    _pattern: re.Pattern[bytes]
    text_end: re.Pattern[bytes]
    """Finds the end of a string that ends with the beginning of the key, and with some other ends."""

    def __new__(cls, plain: str) -> Self:  # noqa: D102 - as the class says
        secret = super().__new__(cls, _MASK)
        secret._plain = plain
        secret._needle = max(_PLAIN.findall(plain), key=len, default="").encode()
        secret._pattern = re.compile(b"".join(map(_spellings, plain)), re.IGNORECASE)
        secret.text_end = _end_of_text(plain.encode("utf-8", "replace"))
        return secret

    def reveal(self) -> str:
        """The key itself."""
        return self._plain

    def mask(self, data: bytes) -> bytes:
        """The data with every occurrence of the key masked, because a server may repeat what it was sent.

        Characters that JSON, URLs or HTML escape are found escaped as well.
        """
        if not self.maskable or self._needle not in data:
            return data
        return self._pattern.sub(_MASK.encode(), data)

    def mask_text(self, text: str) -> str:
        """The same for text."""
        return self.mask(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    @property
    def maskable(self) -> bool:
        """Whether the key is long enough to be masked: a short one would be found in ordinary words."""
        return len(self._plain) >= _MIN_LENGTH

    def partial_match(self, data: bytes) -> int:
        """How many bytes at the end of the data may be the beginning of the key."""
        plain = self._plain.encode()
        tail = data[-len(plain) + 1 :]
        at = tail.find(plain[:1])
        while at >= 0:
            if plain.startswith(tail[at:]):
                return len(tail) - at
            at = tail.find(plain[:1], at + 1)
        return 0

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (_MASK,)


class Mask:
    """Masks a key in data that arrives in pieces, also if it is spread over the texts of several events.

    Bytes that may be the beginning of the key are held until the next piece. Of a key that several texts contain, the
    first four characters may be passed on before the key is recognized.

    Args:
        secret: the key.
    """

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self._held = b""
        self._key = secret.reveal().encode("utf-8", "replace")
        self._text_end = secret.text_end
        self._passed = 0  # characters of the key at the end of a text that was passed on

    def feed(self, data: bytes) -> bytes:
        """Mask the next piece. Returns the bytes that are certain."""
        if not self._secret.maskable:
            return data
        data = self._secret.mask(self._held + data if self._held else data)
        split = None
        if self._passed or self._text_end.search(data):
            data, split = self._mask_texts(data)
        keep = len(data) - self._secret.partial_match(data)
        keep = keep if split is None else min(keep, split)
        self._held = data[keep:]
        return data[:keep] if self._held else data

    def flush(self) -> bytes:
        """End of input: returns the bytes that were held, which were not the key."""
        held, self._held, self._passed = self._held, b"", 0
        return held

    def _mask_texts(self, data: bytes) -> tuple[bytes, int | None]:
        """Mask a key whose characters are in several texts.

        Returns:
            The data, and the position from which it must be held because the next texts may continue the key; None if
            none of it may be the beginning of a key.
        """
        key, masked, at = self._key, bytearray(), 0
        found: list[
            tuple[int, int]
        ] = []  # where the characters of the key are, after those that were passed on
        matched, passed, position, hold = self._passed, self._passed, 0, None
        while True:
            if not matched:
                begin = self._text_end.search(data, position)
                if begin is None:
                    break
                position = begin.start() + 1
                if not key.startswith(characters := begin[0][:-1]):
                    continue
                matched, position, hold = len(characters), begin.end(), begin.start()
                found = [(begin.start(), begin.end() - 1)]
            text = _TEXT.search(data, position)
            if text is None:
                break
            (start, end), rest = text.span(1), key[matched:]
            if data.startswith(rest, start):
                found.append((start, start + len(rest)))
                for place, (first, last) in enumerate(found):
                    masked += data[at:first] + (_MASK.encode() if not place else b"")
                    at = last
                matched, passed, position, found, hold = 0, 0, at, [], None
            elif text[2] and rest.startswith(text[1]):  # an empty text as well
                hold = text.start() if hold is None else hold
                found += [(start, end)] if text[1] else []
                matched, position = matched + len(text[1]), text.end()
            elif not text[2] and rest.startswith(text[1]):
                hold = text.start() if hold is None else hold
                break  # the rest of this text has not arrived
            else:
                matched, passed, found, hold = 0, 0, [], None
        self._passed = passed
        if not matched:
            return bytes(masked) + data[at:], None
        shift = len(masked) - at  # by which masking has moved the rest
        data = bytes(masked) + data[at:]
        if matched >= _RECOGNIZED and hold is not None:
            start = hold + shift
            if len(data) - start <= _MOST_HELD:
                return data, start
            self._passed = 0
            return data, None
        self._passed = matched
        unfinished = _UNFINISHED.search(data, max(0, position + shift))
        return data, len(data) if unfinished is None else unfinished.start()


class Key(NamedTuple):
    """A key and where it was found.

    Attributes:
        value: the key.
        source: a phrase for where it was found.
        headers: headers that are sent with it, such as the project that is billed.
        forget: called when the server rejects the key, so that it is looked up again next time.
        file: the ``.env`` file that holds it; empty for another source.
    """

    value: Secret
    source: str
    headers: tuple[tuple[str, str], ...] = ()
    forget: Callable[[], None] | None = None
    file: str = ""


def add_key(
    http: HttpRequest, auth: Auth | None, key: Key | None, key_env: str | None
) -> tuple[HttpRequest, tuple[str, str] | None]:
    """Add the headers that go with a key to a request, and make the header that carries the key.

    Args:
        http: the request.
        auth: how the key is sent.
        key: the key.
        key_env: the environment variable that the user named for this address.

    Returns:
        The request, and the name and value of the key's header, in clear. The unchanged request and None when there
        is no key, or when the key does not belong to the request's URL.
    """
    if auth is None or key is None or not may_send_key(auth, http.url, key_env):
        return http, None
    header = (auth.header, auth.prefix + key.value.reveal())
    return http._replace(headers=(*http.headers, *key.headers)), header


def strip_traceback(error: GeminiMagicError) -> GeminiMagicError:
    """Remove the frames that an error passed through: they hold the request's headers, and with them the key."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error
