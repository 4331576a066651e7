"""The request of an exchange as a curl command.

The inspector's ``export.js`` writes the same command (a test compares the two).
"""

from __future__ import annotations

import re
from typing import Final

from ..backends import backend
from ..errors import RecordingError
from ..ledger import REDACTED, Exchange, Ledger, asking_exchange, clean_headers, clean_url
from ..media import body_size, expand_media, references_in, summarize_references

__all__ = ["curl_of", "last_curl"]

_MAX_ARGUMENT: Final = 30_000  # characters of a body in one argument; Linux allows 128 kB
_CURL_HEADERS: Final = {
    "host",
    "content-length",
    "user-agent",
    "connection",
    "accept-encoding",
}  # set by curl
_REPLACE: Final = "# Replace each [type, size, sha256] by the base64 text of that file: base64 -w0 FILE"
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_HEADER_NAME: Final = re.compile(
    r"[A-Za-z0-9_-]{1,100}"
)  # curl reads headers from a file if it begins with @
_HTTP_URL: Final = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Characters that a terminal obeys or does not show. export.js has the same set.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
)


def last_curl(ledger: Ledger) -> str:
    """Return the curl command of the last request of a ledger; a variable stands in place of the key.

    A request that this process sent has the variable of the key that was sent. A request from a file or the journal has a
    variable only if its URL belongs to the backend.

    Raises:
        RecordingError: the request is not known, or its URL is not an http or https URL.
    """
    sent = [each for each in ledger.exchanges if each.url and each.method]
    if not sent:
        raise RecordingError(
            "The request of this response is not known.",
            remedy="Load a .jsonl recording: it contains the request as well.",
        )
    asking = asking_exchange(sent)
    key = asking.key
    auth = backend(ledger.backend).auth
    if (
        key is None
        and auth is not None
        and ledger.source in ("recording", "journal", "store")
        and auth.owns(asking.url)
    ):
        key = (auth.header, auth.prefix, auth.env[0])
    command = curl_of(asking, key)
    if command is None:
        raise RecordingError(
            "The URL of this response's request is not an http or https URL.",
            remedy="Check where the recording comes from.",
        )
    return command


def curl_of(exchange: Exchange, key: tuple[str, str, str] | None) -> str | None:
    """Return the POSIX shell command that sends the request of an exchange and streams the answer (``-N``).

    The exchange may come from a file that someone else wrote. Every value is quoted for the shell, and no value can be an
    option or the name of a file for curl: the URL follows ``--url``, ``-g`` turns off curl's patterns in URLs, a method
    or the name of a header that is not valid is left out. Characters that a terminal obeys or hides are removed; in the
    body they become JSON escapes. Headers that may hold a credential are left out.

    Args:
        exchange: the exchange.
        key: the header that carries the key, the text before the key, and the variable that holds it; None for no key.
            The caller checks that the key belongs to the host of the URL.

    Returns:
        The command; None if the URL is not an http or https URL.
    """
    url = _printable(clean_url(_printable(exchange.url).strip()))
    if not _HTTP_URL.fullmatch(url):
        return None
    method = exchange.method if _METHOD.fullmatch(exchange.method) else "POST"
    lines = [f"curl -sS -N -g -X {method} --url {_quoted(url)}"]
    lines += [
        f"-H {_quoted(_printable(f'{name}: {value}'))}"
        for name, value in clean_headers(exchange.headers).items()
        if name not in _CURL_HEADERS and not value.startswith(REDACTED) and _HEADER_NAME.fullmatch(name)
    ]
    if key is not None and _VARIABLE.fullmatch(key[2]):
        header, prefix, variable = key
        lines.append(f'-H "{header}: {prefix}${variable}"')
    body, complete = _body(exchange)
    body = body.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "  ")
    body = _UNPRINTABLE.sub(_json_escape, body)
    if not complete:
        lines[0] = f"{_REPLACE}\n{lines[0]}"
    if len(body) <= _MAX_ARGUMENT:
        return " \\\n  ".join([*lines, *([f"--data-raw {_quoted(body)}"] if body else [])])
    delimiter = "JSON"
    while f"\n{delimiter}\n" in f"\n{body}\n":
        delimiter += "_"
    return " \\\n  ".join([*lines, f"--data-binary @- <<'{delimiter}'"]) + f"\n{body}\n{delimiter}"


def _body(exchange: Exchange) -> tuple[str, bool]:
    """The body of the command, and whether it is complete: large media are described instead of copied."""
    size = body_size(exchange.body, references_in(exchange.body, exchange.media))
    if size <= _MAX_ARGUMENT and all(each.data is not None for each in exchange.media.values()):
        return b"".join(expand_media(exchange.body, exchange.media)).decode("utf-8", "replace"), True
    text = exchange.body.decode("utf-8", "replace")
    return summarize_references(text, exchange.media), not exchange.media


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("", text).replace("\n", "")


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _quoted(text: str) -> str:
    """One word of a POSIX shell command, in single quotes."""
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"
