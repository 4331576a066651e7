"""Fixtures: a stage that replaces the front end."""

from view_fixtures import clock, stage

__all__ = ["clock", "stage"]
