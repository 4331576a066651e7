"""For every test: a clean environment, temporary user folders, and a network restricted to loopback."""

from __future__ import annotations

import gc
import itertools
import os
import signal
from collections import Counter
from functools import cache

import pytest
from fake_server import FakeServer
from growth import summary_lines
from hypothesis import HealthCheck, settings
from interactions_server import InteractionsServer
from surroundings import (
    ORIGINAL_ENVIRON,
    TESTS,
    clean_environment,
    find_chromium,
    forbid_network,
    missing_for_browser,
    missing_for_corpus,
    missing_for_spec,
    user_folders,
    versions,
)
from upload_server import UploadServer

# The time that an example takes depends on the load of the machine.
settings.register_profile("any load", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any load")

_numbers = itertools.count(1)
# How long a test with this marker takes on average, in seconds; other tests take much less.
_SECONDS = {"browser": 3.0, "kernel": 0.8, "cluster": 0.8}
_OPTIONAL = {
    # marker and folder: (why the tests cannot run, the variable that makes this an error)
    "browser": (missing_for_browser(), "GEMINI_MAGIC_REQUIRE_BROWSER"),
    "corpus": (missing_for_corpus(), "GEMINI_MAGIC_REQUIRE_CORPUS"),
    "spec": (missing_for_spec(), "GEMINI_MAGIC_REQUIRE_SPEC"),
}
_FOUND = {
    "browser": f"chromium at {find_chromium()}",
    "corpus": "../shared/corpus",
    "spec": "examples of the Markdown specifications in $GEMINI_MAGIC_SPEC",
}


def _availability(name):
    missing, _ = _OPTIONAL[name]
    if missing:
        return f"{name}: {missing}; {name} tests are not collected"
    return f"{name}: {_FOUND[name]}"


def pytest_addoption(parser):
    parser.addoption(
        "--long",
        action="store_true",
        help="test 100,000 random documents of Markdown instead of 4,000, and every combination where a sample is tested otherwise",
    )


def pytest_configure():
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # a shell starts background jobs so, and children inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, (missing, variable) in _OPTIONAL.items():
        if missing and ORIGINAL_ENVIRON.get(variable) == "1":
            raise pytest.UsageError(f"{variable}=1, but {name} tests cannot run: {missing}")


def pytest_report_header():
    libraries = versions("ipython", "ipykernel", "ipywidgets", "jupyterlab", "notebook", "httpx")
    return [libraries, *map(_availability, _OPTIONAL)]


def pytest_ignore_collect(collection_path):
    for name, (missing, _) in _OPTIONAL.items():
        if missing and TESTS / name in (collection_path, *collection_path.parents):
            return True
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    unstable = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if unstable:  # workers must collect the same tests
        raise pytest.UsageError(f"The name of a test contains an address of memory: {unstable[0]}")
    unavailable = {name for name, (missing, _) in _OPTIONAL.items() if missing}
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in unavailable)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    items[:] = _ordered([item for item in items if item not in set(left_out)])


def _ordered(items):
    """The tests with those of the files first that take long, so that no worker ends much later than another.

    Browser tests run last: Playwright's sync API keeps an event loop in this thread, after which asyncio.run() fails.
    """
    costs = Counter()
    for item in items:
        weights = [weight for name, weight in _SECONDS.items() if item.get_closest_marker(name)]
        costs[item.path] += max(weights, default=0.05)
    return sorted(items, key=lambda item: (item.get_closest_marker("browser") is not None, -costs[item.path]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `-n`, each worker takes whole files in the order above, because the tests of a file share kernels and servers.

    Browser tests of a file without fixtures for the whole file are taken one by one, because they take long.
    """
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - the hook is called only if xdist is installed

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return nodeid if _is_divisible(config.rootpath / file) else file

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@cache
def _is_divisible(file):
    return TESTS / "browser" in file.parents and 'scope="module"' not in file.read_text("utf-8")


def pytest_terminal_summary(terminalreporter):
    for name, (missing, _) in _OPTIONAL.items():
        if missing:
            terminalreporter.write_line(_availability(name), yellow=True)
    outcomes = [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]
    for line in summary_lines(outcomes):
        terminalreporter.write_line(line)


def pytest_collection_finish():
    """Exclude the objects of the collection from garbage collection.

    IPython collects garbage at the end of each shell; with the thousands of collected tests that takes longer than most tests.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_network():
    undo = forbid_network()
    yield
    undo()


@pytest.fixture(scope="session", autouse=True)
def _no_keys(tmp_path_factory):
    homes = tmp_path_factory.mktemp("homes")
    clean = clean_environment(ORIGINAL_ENVIRON, homes / "shared")
    (homes / "shared").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(clean) - {"PYTEST_CURRENT_TEST", "PYTEST_VERSION"}:
            patch.delenv(name)
        for name, value in clean.items():
            patch.setenv(name, value)
        yield homes


@pytest.fixture(autouse=True)
def _own_home(_no_keys, monkeypatch):
    home = _no_keys / str(next(_numbers))
    home.mkdir()
    for name, folder in user_folders(home).items():
        monkeypatch.setenv(name, folder)


@pytest.fixture
def upload_server():
    """A running `UploadServer`, new for the test."""
    with UploadServer() as server:
        yield server


@pytest.fixture
def fake_server():
    """A running `FakeServer`, new for the test."""
    with FakeServer() as server:
        yield server


@pytest.fixture
def interactions_server():
    """A running `InteractionsServer`, new for the test."""
    with InteractionsServer() as server:
        yield server
