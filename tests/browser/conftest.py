"""One JupyterLab, one Chromium and one fake server for the run; no notebook and no kernel is left for the next test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fake_server import FakeServer
from lab import Lab, Notebook, launch
from playwright.sync_api import sync_playwright
from surroundings import CANARY, ORIGINAL_ENVIRON, clean_environment, find_chromium

_PASSED = pytest.StashKey()
_INTRODUCE_JOURNAL = """
from gemini_magic.journal.database import Database
from gemini_magic.journaling import journal
Database(journal().path).set_metadata("introduced", "long ago")
"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    return report


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


@pytest.fixture(scope="session")
def _shared_pages(_context):
    """The page that the tests share, in a list that is empty if the next test needs a new one."""
    pages = []
    yield pages
    for page in pages:
        page.close()


@pytest.fixture
def notebook(request, lab, _context, _shared_pages):
    """A page for one notebook; `notebook.open(lab.write(name, sources))` shows it.

    The next test opens its notebook in the same page, unless this one fails, leaves JupyterLab, or has the marker `own_page`: a test
    has it that replaces functions of the page.
    """
    own = request.node.get_closest_marker("own_page") is not None
    notebook = Notebook(lab, _context.new_page() if own or not _shared_pages else _shared_pages.pop())
    yield notebook
    if not own and request.node.stash.get(_PASSED, False) and notebook.leave():
        _shared_pages.append(notebook.page)
    else:
        notebook.page.close()
    lab.shut_down_kernels()
