"""An HTTP exchange as the command that asks the same; the key is a variable of the shell, never the key."""

from __future__ import annotations

from shlex import quote
from typing import Final

from .exchange import Exchange

__all__ = ["curl_of"]

_ARGUMENT: Final = 30_000  # characters of a body on the command line; systems take 128 kB in one argument
_OURS: Final = {
    "host",
    "content-length",
    "user-agent",
    "connection",
    "accept-encoding",
}  # curl writes its own


def curl_of(exchange: Exchange, key: tuple[str, str, str] | None) -> str:
    """The command for a POSIX shell; it streams to the terminal (``-N``).

    Args:
        exchange: what was sent.
        key: the header that carries the key, what stands before it, and the variable; None for no key.
    """
    lines = [f"curl -sS -N -X {exchange.method} {quote(exchange.url)}"]
    lines += [
        f"-H {quote(f'{name}: {value}')}" for name, value in exchange.headers if name.lower() not in _OURS
    ]
    if key is not None:
        header, before, variable = key
        lines.append(f'-H "{header}: {before}${variable}"')
    body = exchange.body.decode("utf-8", "replace")
    if len(body) <= _ARGUMENT:
        return " \\\n  ".join([*lines, *([f"--data-raw {quote(body)}"] if body else [])])
    mark = "JSON"
    while f"\n{mark}\n" in f"\n{body}\n":
        mark += "_"
    return " \\\n  ".join([*lines, f"--data-binary @- <<'{mark}'"]) + f"\n{body}\n{mark}"
