"""Masks keys in the log records of httpx and httpcore: they log response headers, and a server may repeat a key there.

No level and no handler is changed. Only records of a thread that has sent a key are searched.
"""

from __future__ import annotations

import logging
import threading

from ..printable import visible

__all__ = ["mask_in_logs"]

_MASK = "<key>"


class _SentKey(threading.local):
    value = ""


_sent_key = _SentKey()  # the key of this thread's last request, in clear


class _Filter(logging.Filter):
    """Masks the key in a record's message, and removes control characters that a server sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        shown = visible(message.replace(_sent_key.value, _MASK) if _sent_key.value else message)
        if shown != message:
            record.msg, record.args = shown, ()
        return True


for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy", "httpcore.socks"):
    logging.getLogger(_name).addFilter(_Filter())


def mask_in_logs(key: tuple[str, str] | None) -> None:
    """Mask a key in what this thread logs from now on, until its next request.

    Args:
        key: name and value of the header that carries it, in clear; None when no key is sent.
    """
    _sent_key.value = "" if key is None else key[1].rpartition(" ")[2]
