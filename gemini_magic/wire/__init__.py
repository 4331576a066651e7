"""Bytes of a body in, JSON texts out, with everything odd about them; and Go's httprr traces.

This room has no socket and no clock, and does not know what the JSON means.
"""

from . import httprr
from .anomalies import Anomaly, Item
from .httprr import TraceExchange
from .reader import Reader
from .sse import SseEvent, SseReader

__all__ = ["Anomaly", "Item", "Reader", "SseEvent", "SseReader", "TraceExchange", "httprr"]
