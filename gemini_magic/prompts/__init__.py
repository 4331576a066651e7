"""Builds requests from prompts, Python objects and options. No IPython, no network."""

from __future__ import annotations

from .objects import part_from_object, text_from_object
from .request import build_request, parts_of_prompt

__all__ = ["build_request", "part_from_object", "parts_of_prompt", "text_from_object"]
