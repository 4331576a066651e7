"""In a real kernel: uploads with a progress bar that can be stopped and interrupted."""

from __future__ import annotations

import re

import pytest
from calibration import assert_soon
from client_stage import until
from kernel import user_kernel, widgets
from surroundings import CANARY

pytestmark = pytest.mark.kernel
FILE = """
import hashlib, os, pathlib
from gemini_magic.content import LocalFile
path = pathlib.Path("clip.mp4").absolute()
path.write_bytes(os.urandom(12_000_000))
clip = LocalFile(str(path), "video/mp4", 12_000_000, hashlib.sha256(path.read_bytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with user_kernel(tmp_path_factory.mktemp("kernel"), env={"FAKE_KEY": CANARY}) as session:
        yield session


@pytest.fixture
def cell(kernel, upload_server):
    """The beginning of a cell whose file is new."""
    assert kernel.execute(FILE).status == "ok"
    return f"-o r --inline-limit 1 --base-url {upload_server.base_url} --key-env FAKE_KEY"


@pytest.mark.parametrize("display", ["live", "html", "text"])
def test_the_progress_is_shown(kernel, upload_server, cell, display):
    upload_server.fail("upload", slow=3_000_000)
    upload_server.states = ["PROCESSING", "ACTIVE"]
    run = kernel.execute(f"%%gemini --display {display} {cell}\nWhat is in {{{{ clip }}}}?")
    assert run.status == "ok", run.error
    shown = str(run.messages)
    shares = [int(each) for each in re.findall(r"uploading clip\.mp4 [━─]{20} (\d+) % of 12\.0 MB", shown)]
    assert shares
    assert shares == sorted(shares)
    if display != "text":
        assert len(set(shares)) >= 2
    assert re.search(r"the server is processing clip\.mp4, \d s", shown)
    assert kernel.value("r.text") == "I see it."
    assert not any(secret in shown or CANARY in shown for secret in upload_server.secrets())
    again = kernel.execute(f"%%gemini --display {display} {cell}\nAnd {{{{ clip }}}}?")
    assert "uploading" not in str(again.messages)
    assert upload_server.kinds().count("start") == 1


@pytest.mark.parametrize("display", ["live", "text"])
@pytest.mark.parametrize("moment", ["upload", "processing"])
def test_the_toolbars_interrupt_stops_it(kernel, upload_server, cell, display, moment):
    if moment == "upload":
        upload_server.fail("upload", slow=500_000)
    else:
        upload_server.states = ["PROCESSING"]
    run = kernel.begin(f"%%gemini --display {display} {cell}\nWhat is in {{{{ clip }}}}?")
    within = "uploading" if moment == "upload" else "is processing"
    kernel.wait_for(run, {"live": "comm_msg", "text": "stream"}[display], within=within)
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert run.error["ename"] == "Interrupted"
    assert kernel.value("r.status") == "interrupted"
    assert "generate" not in upload_server.kinds()


def test_the_stop_button_stops_it(kernel, upload_server, cell):
    upload_server.fail("upload", slow=500_000)
    run = kernel.begin(f"%%gemini --display live {cell}\nWhat is in {{{{ clip }}}}?")
    kernel.wait_for(run, "comm_msg", within="uploading")
    (button,) = widgets(run, "ButtonModel")
    then = kernel.click(button)
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert kernel.value("r.status") == "interrupted"


def test_a_background_upload_is_stopped_by_another_cell(kernel, upload_server, cell):
    upload_server.fail("upload", slow=500_000)
    run = kernel.begin(f"%%gemini --background {cell}\nWhat is in {{{{ clip }}}}?")
    kernel.finish(run)
    assert kernel.execute("%gemini stop").status == "ok"
    assert kernel.value("r.wait(60).status") == "interrupted"
    assert "generate" not in upload_server.kinds()


def test_tokens_are_counted_with_the_uploaded_file(kernel, upload_server, cell):
    run = kernel.execute(f"%%gemini --count {cell}\nWhat is in {{{{ clip }}}}?")
    assert run.status == "ok", run.error
    assert kernel.value("r.total") == 1234
    assert upload_server.kinds() == ["start", "upload", "upload", "count"]
    upload_server.fail("upload", slow=500_000)
    assert kernel.execute(FILE).status == "ok"
    again = kernel.begin(f"%%gemini --count {cell}\nWhat is in {{{{ clip }}}}?")
    kernel.wait_for(again, "display_data", within="uploading clip.mp4 ")
    until(lambda: upload_server.kinds().count("upload") == 3)
    then = kernel.interrupt()
    kernel.finish(again)
    assert_soon(again.reply.time - then, 0.5)
    assert again.status == "error"
    assert again.shown[-1] == {"text/plain": "", "text/html": ""}


def test_the_dry_run_sends_nothing(kernel, upload_server, cell):
    run = kernel.execute(f"%%gemini --dry-run {cell}\nWhat is in {{{{ clip }}}}?")
    assert run.status == "ok", run.error
    uri = kernel.value("r.body['contents'][0]['parts'][1]['fileData']['fileUri']")
    assert uri == f"sha256:{kernel.value('clip.digest')}"
    assert upload_server.requests == []
