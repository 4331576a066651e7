"""Bytes of a body in, JSON texts out, with everything odd about them; and Go's httprr traces.

This room has no socket and no clock, and does not know what the JSON means.
"""

from . import httprr
from .httprr import TraceExchange
from .oddity import Item, Oddity
from .reader import Reader
from .sse import SseEvent, SseReader

__all__ = ["Item", "Oddity", "Reader", "SseEvent", "SseReader", "TraceExchange", "httprr"]
