"""Completions: options, values, commands, names in an expression; none in the text of a prompt."""

from dataclasses import dataclass

import pytest
from fake_server import Script, status
from IPython.core.completer import provisionalcompleter
from kernel import KernelSession

from gemini_magic.notebook import load, unload
from gemini_magic.notebook.matcher import Place, place_of


@dataclass
class Person:
    name: str


class Thing:
    head, heap = 1, 2


@pytest.fixture
def tab(cells, tmp_path, monkeypatch):
    """The completions at the end of a cell, and the texts that they replace."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.jsonl").write_text("")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "old runs").mkdir()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "one.jsonl").write_text("")
    monkeypatch.setenv("GEMINI_API_KEY", "x")
    cells("%%gemini -q -o answer --chat tom -m echo-9\nhi")
    cells("def weather(city: str): 'Weather.'\n")
    cells.names |= {
        "skyline": 1,
        "thing": Thing(),
        "_hidden": 1,
        "data": {"key": 1},
        "Person": Person,
        "Thing": Thing,
    }

    def tab(code):
        with provisionalcompleter():
            found = list(cells.shell.Completer.completions(code, len(code)))
        return [each.text for each in found], {code[each.start : each.end] for each in found}

    return tab


@pytest.mark.parametrize(
    ("code", "text", "description"),
    [
        ("%%gemini --temp", "--temperature", "sampling temperature"),
        ("%%gemini --no-sea", "--no-search", "turn off --search"),
        ("%%gemini --no-stre", "--no-stream", "request the whole answer at once, for models that do not st…"),
        ("%gemini res", "resume", None),
        ("%gemini config tempera", "temperature", "sampling temperature"),
        ("%gemini help --temp", "--temperature", "sampling temperature"),
        ("%gemini journal sea", "search", None),
        ("%%gemini\n{{ sky", "skyline", "int"),
        ("%%gemini --display ", "live", "value"),
        ("%%gemini -a sky", "skyline", "int"),
    ],
)
def test_completions_have_a_description(tab, cells, code, text, description):
    with provisionalcompleter():
        found = {each.text: each.type for each in cells.shell.Completer.completions(code, len(code))}
    assert not {" ", "-"} & set("".join(found.values()))  # JupyterLab would break the line there
    found = {text: kind.replace("\u00a0", " ").replace("\u2011", "-") for text, kind in found.items()}
    if description is None:
        assert found[text] not in ("magic", "instance")
        assert 10 < len(found[text]) <= 60
    else:
        assert found[text] == description


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("%%gemini --mo", ["--model"]),
        ("%%gemini --max_t", ["--max-tokens", "--max-total"]),
        ("%%gemini --no-j", ["--no-journal"]),
        ("%%gemini --no-", ["--no-stream", "--no-search", "--no-code-execution"]),
        ("  %%gemini --displ", ["--display"]),
        ("answer %%gemini --displ", []),
        ("%%gemini -m x --mo", []),
        ("%%gemini --stop a --sto", ["--stop"]),
        ("%%gemini --display ", ["auto", "live", "html", "text"]),
        ("%%gemini --display=t", ["text"]),
        ("%%gemini --model ech", ["echo-9"]),
        ("%%gemini ech", ["echo-9"]),
        ("%%gemini --thinking m", ["minimal", "medium"]),
        ("%%gemini --agent anti", ["antigravity-preview-09-2026"]),
        ("%%gemini --backend v", ["vertex", "vertex-interactions"]),
        ("%%gemini --backend au", ["auto"]),
        ("%%gemini --backend vertex --auth go", ["google"]),
        ("%%gemini --chat ", ["tom"]),
        ("%%gemini -o ", ["answer"]),
        ("%%gemini --key-env ", ["EXAMPLE_KEY", "GEMINI_API_KEY"]),
        ("%%gemini --replay ", ["builtin:tour", "old.jsonl", "runs/"]),
        ("%%gemini --replay runs/", ["runs/one.jsonl"]),
        ("%%gemini --to no", ["notes.txt"]),
        ("%%gemini --temperature ", []),
        ("%%gemini --system 'hello sk", []),
        ("%%gemini --system {{ sk", ["skyline"]),
        ("%gemini jo", ["journal"]),
        ("x = %gemini las", ["last"]),
        ("1 + 1\n%gemini journal se", ["search"]),
        ("%gemini journal export ol", ["old.jsonl"]),
        ("%gemini journal forget ", ["all"]),
        ("%gemini events ", ["answer"]),
        ("%gemini events answer ", []),
        ("%gemini code ", ["answer"]),
        ("%gemini stop ", ["answer"]),
        ("%gemini diff answer an", ["answer"]),
        ("%gemini reset tom ", []),
        ("%gemini reset ", ["tom"]),
        ("%gemini help --displ", ["--display"]),
        ("%gemini help opt", ["options"]),
        ("%gemini config disp", ["display"]),
        ("%gemini config display=l", ["live"]),
        ("%gemini config quiet=", ["True", "False"]),
        ("%gemini config nothing=", []),
        ("%gemini models ech", ["echo-9"]),
        ("%gemini resume --displ", ["--display"]),
        ("%gemini last ", []),
        ("%%gemini -T we", ["weather"]),
        ("%%gemini --tool sk", []),
        ("%%gemini -T weather --tool-choice ", ["auto", "any", "none", "weather"]),
        ("%%gemini --tool-ch", ["--tool-choice"]),
        ("%%gemini --schema ", ["Person", "list[", "runs/"]),
        ("%%gemini --schema-multi Pe", ["Person"]),
        ("%%gemini --sch", ["--schema", "--schema-multi"]),
        ("%%gemini -a no", ["notes.txt"]),
        ("%%gemini -a ru", ["runs/"]),
        ("%%gemini -a runs/", ["runs/one.jsonl"]),
        ("%%gemini -a notes.txt --attach=sk", ["skyline"]),
        ("%%gemini -a thi", ["thing"]),
        ("%%gemini\nWhy is the sk", []),
        ("%%gemini\nimport os\nos.pa", []),
        ("%%gemini\n{{ thing }} sk", []),
        ("%%gemini\n\\{{ sk", []),
        ("%%gemini\nthe {{ sk", ["skyline"]),
        ("%%gemini\n{{ thing.he", ["thing.head", "thing.heap"]),
        ("%%gemini\n{{ str(sk", ["skyline"]),
        ("%%gemini\n{{ sorte", ["sorted"]),
        ("%%gemini\n{{ _hid", ["_hidden"]),
        ("%%gemini --compare ech", ["echo-9"]),
        ("%%gemini --compare a-1,ech", ["a-1,echo-9"]),
        ("%%gemini --compare echo-9,ech", []),
        ("%%gemini --sweep temp", ["temperature="]),
        ("%%gemini --sweep thinking=o", ["thinking=off", "thinking=on"]),
        ("%%gemini --sweep thinking=off,lo", ["thinking=off,low"]),
        ("%%gemini --sweep safety=l", ["safety=low"]),
    ],
)
def test_the_completions_at_a_place(tab, monkeypatch, code, texts):
    monkeypatch.setenv("EXAMPLE_KEY", "x")
    found, replaced = tab(code)
    assert found[: len(texts) or None] == texts
    if not code.endswith("--no-"):
        assert len(found) == len(texts)
    assert len(replaced) == bool(texts)
    assert all(code.endswith(fragment) for fragment in replaced)


def test_an_empty_word_has_all_completions_of_its_place(tab):
    options = tab("%%gemini ")[0]
    assert options[0] == "echo-9"
    assert {"--model", "-m", "--journal", "--display"} <= set(options)
    assert tab("%gemini ")[0][:4] == ["state", "help", "last", "show"]
    names = tab("%%gemini\n{{ ")[0]
    assert names[0] == "answer"
    assert {"skyline", "thing", "data"} <= set(names)
    assert not {"_hidden", "get_ipython", "sorted"} & set(names)


def test_other_code_is_left_to_ipython(tab):
    assert "skyline" in tab("skyl")[0]
    assert "%%gemini" in tab("%%gem")[0]
    assert "key" in str(tab("%%gemini\n{{ data['")[0])


def test_models_are_completed_after_they_were_listed(tab, cells, fake_server):
    fake_server.route("/v1beta/models", _models("gemini-2.5-pro", "gemini-3-flash"))
    address = f"--backend gemini --base-url {fake_server.base_url}"
    assert tab(f"%%gemini {address} -m gemini-2")[0] == []
    cells(f"%gemini models {address}")
    assert tab(f"%%gemini {address} -m gemini-2")[0] == ["gemini-2.5-pro"]
    assert len(fake_server.requests) == 1


def _models(*names):
    return Script([status(200, {}, {"models": [{"name": f"models/{name}"} for name in names]})])


def test_completion_works_with_an_unreadable_configuration(tab, tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.gemini_magic]\nnonsense = 1")
    assert tab("%%gemini --mo")[0] == ["--model"]
    assert tab("%%gemini --model ech")[0] == ["echo-9"]
    assert tab("%%gemini --auth x-")[0] == ["x-goog-api-key", "x-api-key"]


@pytest.mark.parametrize(
    ("cell", "line", "column", "place"),
    [
        ("x = 1", 0, 3, None),
        ("%%gemini", 0, 8, None),
        ("%%geminix a", 0, 11, None),
        ("%%gemini -m x\nhello", 0, 12, Place("options", " -m ")),
        ("\n\n%%gemini -m x\nhello", 2, 12, Place("options", " -m ")),
        ("%%gemini\nhel\nlo", 2, 1, Place("prompt", "hel\nl")),
        ("%%gemini\n{{ a\n+ b }} c", 2, 2, Place("expression", " a\n+ ")),
        ("%%gemini --rows df\n{{ row.", 1, 7, Place("expression", " row.", " --rows df")),
        ("%%gemini\n{{ a\n+ b }} c", 2, 8, Place("prompt", "{{ a\n+ b }} c"[:13])),
        ("%%time\n%gemini x", 1, 9, Place("command", "x")),
    ],
)
def test_the_place_of_the_cursor(cell, line, column, place):
    assert place_of(cell, line, column) == place


def test_unloading_removes_the_matcher(shell):
    before = list(shell.Completer.custom_matchers)
    load(shell)
    load(shell)
    assert len(shell.Completer.custom_matchers) == len(before) + 1
    unload(shell)
    assert shell.Completer.custom_matchers == before


@pytest.mark.kernel
def test_completion_in_a_kernel_before_the_first_request(tmp_path):
    with KernelSession(env={"HOME": str(tmp_path)}, cwd=tmp_path) as kernel:
        kernel.execute("%load_ext gemini_magic\nskyline = 1")
        reply = kernel.complete("%%gemini --displ")
        assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["--display"], 9, 16)
        assert kernel.complete("%%gemini\nWhy is the sk")["matches"] == []
        assert kernel.complete("%%gemini\n{{ sk")["matches"] == ["skyline"]
        assert kernel.complete("%gemini jour")["matches"] == ["journal"]
        assert kernel.complete("%%gemini --model=gemini-f")["matches"] == ["gemini-flash-latest"]


# ------------------------------------------------------------------------------ --rows


class Table:
    """Has columns, as frames have."""

    columns = ("text", "my col", "class", "ticket_id")


@pytest.mark.parametrize(
    ("code", "texts", "replaced"),
    [
        ("%%gemini --rows ", ["tickets"], ""),
        ("%%gemini --rows tickets --id t", ["text", "ticket_id"], "t"),
        ("%%gemini --rows tickets --id ", ["text", "my col", "class", "ticket_id", "position"], ""),
        ("%%gemini --rows tickets --in-doubt ", ["stop", "skip", "again"], ""),
        ("%%gemini --rows tickets --store ", ["a.rows.sqlite"], ""),
        ("%%gemini --rows tickets --sta", ["--stall-timeout", "--stale"], "--sta"),
        ("%%gemini --sta", ["--stall-timeout"], "--sta"),  # without --rows it has no meaning
        ("%%gemini --ro", ["--rows"], "--ro"),
        ("%%gemini --rows tickets --id ticket_id\n{{ row.t", ["row.text", "row.ticket_id"], "row.t"),
        ("%%gemini --rows=tickets\nOne: {{ row.text }}\n{{ row.", ["row.text", "row.ticket_id"], "row."),
        ('%%gemini --rows tickets\n{{ row["m', ['my col"]'], "m"),
        ("%%gemini --rows tickets\n{{ row['", ["text']", "my col']", "class']", "ticket_id']"], ""),
    ],
)
def test_data_and_columns_are_completed(tab, cells, code, texts, replaced, tmp_path):
    (tmp_path / "a.rows.sqlite").touch()
    cells.names["tickets"] = Table()
    found, places = tab(code)
    assert [text for text in found if not text.endswith("/")] == texts
    assert places in ({replaced}, set())


def test_columns_of_unknown_data_are_not_completed(tab, cells):
    class Strange:
        @property
        def columns(self):
            raise ValueError("not now")

    cells.names |= {"strange": Strange(), "numbers": [1, 2]}
    for name in ("strange", "numbers", "missing"):
        assert tab(f"%%gemini --rows {name} --id ")[0] == ["position"]
        tab(f"%%gemini --rows {name}\n{{{{ row.")
