"""Turns the bytes of a response body into JSON texts and reports anomalies; reads and writes Go's httprr traces.

This package has no sockets and no clocks, and does not interpret the JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .anomalies import Anomaly, Item
from .reader import Reader
from .sse import SseEvent, SseReader

if TYPE_CHECKING:
    from . import httprr  # Python imports it when it is first used

__all__ = ["Anomaly", "Item", "Reader", "SseEvent", "SseReader", "httprr"]
