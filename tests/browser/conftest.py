"""One JupyterLab, one Chromium and one fake server for the run; a fresh page, and no kernel left, for each test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fake_server import FakeServer
from lab import Lab, Notebook, launch
from playwright.sync_api import sync_playwright
from surroundings import CANARY, ORIGINAL_ENVIRON, clean_environment, find_chromium

_INTRODUCE_JOURNAL = """
from gemini_magic.journal.database import Database
from gemini_magic.journaling import journal
Database(journal().path).set_metadata("introduced", "long ago")
"""


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory):
    """Where pictures go: $GEMINI_MAGIC_SCREENSHOTS, else a temporary folder."""
    chosen = ORIGINAL_ENVIRON.get("GEMINI_MAGIC_SCREENSHOTS")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def _server():
    with FakeServer() as server:
        yield server


@pytest.fixture
def server(_server):
    """The fake server that the kernels use; its list of requests is empty at the start of each test."""
    _server.forget_all()
    return _server


@pytest.fixture(scope="session")
def lab(tmp_path_factory, _server):
    """A running JupyterLab; `%%gemini -m slow` in its notebooks asks the fake server's model "slow"."""
    config = f"c.GeminiMagics.base_url = {_server.base_url!r}\nc.GeminiMagics.key_env = 'FAKE_SERVER_KEY'"
    environment = {"FAKE_SERVER_KEY": CANARY}
    with Lab(tmp_path_factory.mktemp("lab"), environment=environment, kernel_config=config) as running:
        # The message that introduces the journal is tested in tests/notebook/test_kernel_journal.py.
        subprocess.run([sys.executable, "-c", _INTRODUCE_JOURNAL], env=running.environment, check=True)
        yield running


@pytest.fixture(scope="session")
def _playwright():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def _context(tmp_path_factory, _playwright):
    home = tmp_path_factory.mktemp("chromium")
    environment = clean_environment(ORIGINAL_ENVIRON, home)
    context = launch(_playwright, find_chromium(), home / "profile", env=environment)
    yield context
    context.close()


@pytest.fixture
def notebook(lab, _context):
    """A page for one notebook; `notebook.open(lab.write(name, sources))` shows it."""
    page = _context.new_page()
    yield Notebook(lab, page)
    page.close()
    lab.shut_down_kernels()
