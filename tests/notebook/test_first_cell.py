"""The first cell of a real kernel: its request is sent before the libraries of the view are imported."""

import json

import pytest
from fake_server import FakeServer, finish, gate, text
from kernel import KernelSession

pytestmark = pytest.mark.kernel

# On a slow machine the kernel would be idle for long enough to import the libraries before the cell.
WITHOUT_WARM_UP = "from gemini_magic.notebook import warm_up\nwarm_up._IDLE = 1000"
# Modules that the request of a text does not need.
RARE = (
    "client.started_interactions client.stored_answer client.uploaded_files credentials.masking interactions.server"
    " ledger.item_table ledger.round_table"
    " notebook.blocked_view notebook.commands.code notebook.commands.context notebook.commands.journal"
    " notebook.confirming notebook.stored_answers prompts.objects prompts.tables schema.gemini_dialect schema.problems schema.short_form timing"
)
# Records the phase of the request at the import of each library. A large _MOMENT makes the order visible.
WATCH = (
    f"""
rare = ["gemini_magic." + name for name in "{RARE}".split()]
"""
    """
import json, sys
from gemini_magic.views import select_view
sys.modules[select_view.__module__]._MOMENT = 30.0
loaded = [name for name in ("httpx", "ipywidgets", "markdown_it", "nh3", "pandas", "gemini_magic.schema.schema") if name in sys.modules]
seen, early = {}, set()
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("ipywidgets", "markdown_it", "nh3"):
            if not seen:
                early.update(name for name in rare if name in sys.modules)
            seen.setdefault(name, get_ipython().user_ns["_gemini"].ledger.phase)
sys.meta_path.insert(0, Watch())
"""
)


def test_the_request_is_sent_before_the_view_and_rare_modules_are_imported(tmp_path):
    folders = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with FakeServer() as server, KernelSession(env=folders, cwd=tmp_path) as kernel:
        server.script(gate("go"), text("Hello"), finish())
        assert kernel.execute(WITHOUT_WARM_UP).status == "ok"
        assert kernel.execute("%load_ext gemini_magic").status == "ok"
        assert kernel.execute(WATCH).status == "ok"
        run = kernel.begin(f"%%gemini -m m --base-url {server.base_url}\nhi")
        server.open("go")
        run = kernel.finish(run)
        assert run.status == "ok", run.error
        command = "print(json.dumps([loaded, seen, sorted(early)]))"
        loaded, seen, early = json.loads(kernel.execute(command).stdout)
    assert loaded == []
    assert early == []
    assert set(seen) == {"ipywidgets", "markdown_it", "nh3"}
    assert not set(seen.values()) & {"preparing", "connecting"}, seen
