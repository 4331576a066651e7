"""Masks secrets in the log records of httpx and httpcore: they log response headers.

A server may repeat a key there, and it sends the address of an upload, with which anyone could write into the upload.

No level and no handler is changed. Only records of a thread that has sent a key are searched.
"""

from __future__ import annotations

import logging
import re
import threading

from ..text import visible

__all__ = ["mask_in_logs"]

_MASK = "<key>"
_UPLOAD = re.compile(
    r"""(upload_id=|upload-(?:control-)?url'?, b?'|uploader-uploadid'?, b?')[^&'"\s]+""", re.IGNORECASE
)


class _SentKey(threading.local):
    value = ""


_sent_key = _SentKey()  # the key of this thread's last request, in clear


class _Filter(logging.Filter):
    """Masks the key in a record's message, and removes control characters that a server sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        shown = visible(message.replace(_sent_key.value, _MASK) if _sent_key.value else message)
        if "upload" in shown.lower():
            shown = _UPLOAD.sub(r"\1<redacted>", shown)
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
