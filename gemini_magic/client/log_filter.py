"""Keeps keys out of what other libraries log: httpcore logs the headers of answers, and a server may repeat a key.

It changes no level and no handler, and looks only at what is logged on a thread that has sent a key.
"""

from __future__ import annotations

import logging
import threading

__all__ = ["mask_in_logs"]

_MASK = "<key>"


class _Carried(threading.local):
    value = ""


_carried = _Carried()  # the header that this thread has just sent, in clear


class _Filter(logging.Filter):
    """Masks the key in a record's words."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _carried.value:
            words = record.getMessage()
            if _carried.value in words:
                record.msg, record.args = words.replace(_carried.value, _MASK), ()
        return True


for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy", "httpcore.socks"):
    logging.getLogger(_name).addFilter(_Filter())


def mask_in_logs(key: tuple[str, str] | None) -> None:
    """From now on, until its next request, this thread has sent a key.

    Args:
        key: the header that carries it, in clear; None when there is none.
    """
    _carried.value = "" if key is None else key[1].rpartition(" ")[2]
