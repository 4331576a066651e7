"""Decisions: questions about one input that the API answers with probabilities. Experimental."""

from __future__ import annotations

from .answers import Decision, Decisions
from .call import decide

__all__ = ["Decision", "Decisions", "decide"]
