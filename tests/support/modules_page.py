"""A page of Chromium that imports the JavaScript modules of the labextension, without JupyterLab."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Route

import gemini_magic

FOLDER = Path(gemini_magic.__file__).parent / "labextension"
ORIGIN = "https://modules.test"


def modules_page(context: BrowserContext, *, policy: str = "") -> Page:
    """Open an empty page that can import `/inspector/record.js` and the other modules.

    Args:
        context: the browser context.
        policy: a Content-Security-Policy of the page.
    """
    page = context.new_page()
    headers = {"content-security-policy": policy} if policy else {}

    def serve(route: Route) -> None:
        path = FOLDER / route.request.url.removeprefix(ORIGIN).lstrip("/").partition("?")[0]
        if path.is_file():
            kind = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path)[0]
            route.fulfill(body=path.read_bytes(), content_type=kind or "text/plain", headers=headers)
        else:
            route.fulfill(body="<!doctype html><body>", content_type="text/html", headers=headers)

    page.route(f"{ORIGIN}/**", serve)
    page.goto(f"{ORIGIN}/")
    return page


def call(page: Page, module: str, code: str, argument: Any = None) -> Any:
    """Run code with the exports of a module as ``m`` and an argument as ``a``; returns its value."""
    return page.evaluate(f"async (a) => {{ const m = await import('/{module}'); {code} }}", argument)
