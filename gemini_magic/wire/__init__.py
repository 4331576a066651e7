"""Turns the bytes of a response body into JSON texts and reports anomalies; reads and writes Go's httprr traces.

This package has no sockets and no clocks, and does not interpret the JSON.
"""

from . import httprr
from .anomalies import Anomaly, Item
from .httprr import TraceExchange
from .reader import Reader
from .sse import SseEvent, SseReader

__all__ = ["Anomaly", "Item", "Reader", "SseEvent", "SseReader", "TraceExchange", "httprr"]
