"""Helpers of the tests of row runs: rows, a run against a fake server, and its results."""

from __future__ import annotations

from fake_server import Step, google_error, status

import gemini_magic as gm
from gemini_magic.api import resolved_options
from gemini_magic.row_runs import RowArguments, start_rows

TEMPLATE = "Classify: {{ row.text }}"


def table(count, first=0):
    """Rows with an id and a text."""
    return [{"id": f"T-{number}", "text": f"text {number}"} for number in range(first, first + count)]


def ask_rows(server, data, template=TEMPLATE, **arguments):
    """Run to the end against `server`; `arguments` are those of `gm.rows`."""
    given = {"id": "id", "model": "m", "key_env": "TEST_KEY", "show": False, "base_url": server.base_url}
    return gm.rows(template, data, **(given | arguments))


def start_asking(server, data, template=TEMPLATE, *, options=None, **arguments):
    """Start a run against `server` and return at once; `arguments` are fields of `RowArguments`."""
    given = {
        "model": "m",
        "key_env": "TEST_KEY",
        "base_url": getattr(server, "base_url", server),
        **(options or {}),
    }
    return start_rows(template, data, RowArguments(**({"id": "id"} | arguments)), resolved_options(given)[0])


def results(run):
    """All results of a run."""
    return [row for batch in run.results() for row in batch]


def statuses(run):
    return [row.status for row in results(run)]


def refused(code, name, message="no", details=()) -> Step:
    """A step that refuses the request."""
    return status(code, body=google_error(code, message, name, *details))


def asked_texts(server):
    """The prompts that the server has received, in order."""
    return [request.body["contents"][-1]["parts"][0]["text"] for request in list(server.requests)]
