"""The command that asks the same as a recorded request: for a shell, with the key as a variable.

It sees requests as they are kept, which never hold a key; it sends nothing.
"""

from __future__ import annotations

import shlex

from .exchange import Exchange

__all__ = ["KEY", "curl"]

KEY = "GEMINI_API_KEY"

_LEFT_OUT = ("accept-encoding", "connection", "content-length", "host", "user-agent")


def curl(exchange: Exchange, *, header: str | None, prefix: str = "", variable: str = KEY) -> str:
    """The command, for a POSIX shell.

    Args:
        exchange: what was asked.
        header: the header in which the key travels; None where none is sent.
        prefix: what stands before the key, such as ``Bearer ``.
        variable: the environment variable that holds the key.
    """
    words = ["curl --no-buffer"]
    if exchange.method != "POST" or not exchange.body:
        words.append(f"--request {shlex.quote(exchange.method)}")
    words.append(shlex.quote(exchange.url))
    kept = [(name, value) for name, value in exchange.headers if name.lower() not in _LEFT_OUT]
    words += [
        f"--header {shlex.quote(f'{name}: {value}')}"
        for name, value in kept
        if header is None or name.lower() != header
    ]
    if header is not None:
        words.append(f'--header "{header}: {prefix}${variable}"')
    if exchange.body:
        words.append(f"--data-raw {shlex.quote(exchange.body.decode('utf-8', 'replace'))}")
    return " \\\n  ".join(words)
