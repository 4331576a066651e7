"""The script that runs the cases of `wire_cases` with several clients: its columns, its page, and its check."""

from dataclasses import replace

import pytest
from surroundings import CHECKOUT
from wire_cases import CASES


@pytest.fixture(scope="module")
def peers():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(CHECKOUT / "benchmarks")
        import wire_peers  # noqa: PLC0415 - the folder of a script, on the path for this module only

        yield wire_peers


@pytest.fixture
def few(peers, monkeypatch):
    """Four quick cases; the second has so short a limit that the client counts as hanging."""
    chosen = {
        case.name: case for case in CASES if case.name in ("lf", "silent-default", "cr-live", "error-event")
    }
    hanging = replace(chosen["silent-default"], limit=0.5)
    cases = [chosen["lf"], hanging, chosen["cr-live"], chosen["error-event"]]
    monkeypatch.setattr(peers, "CASES", cases)
    return cases


def test_a_client_that_hangs_is_killed_and_the_page_shows_it(peers, few, tmp_path, monkeypatch, capsys):
    column = peers.run(peers.OURS)
    verdicts = {
        "lf": "right",
        "silent-default": "hangs (over 0.5 s)",
        "cr-live": "right",
        "error-event": "right",
    }
    assert column.cells == verdicts
    assert list(column.errors) == ["error-event"]
    assert column.errors["error-event"].startswith("ServiceError: 503 UNAVAILABLE: The model is overloaded.")
    assert list(column.versions) == ["gemini_magic"]

    missing = peers.Column("google-genai", cells=dict.fromkeys(verdicts, "not installed"))
    page = peers.page([column, missing])
    assert peers.first_column(page) == {case.description: verdicts[case.name] for case in few}
    assert f"| {few[0].description} | the whole answer | right | not installed |" in page
    assert "Right, of 4: gemini_magic 3, google-genai 0." in page

    monkeypatch.setattr(peers, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(peers, "run", lambda client: column)
    peers.PAGE.write_text(page, "utf-8")
    assert peers.main(["--check"]) == 0
    assert capsys.readouterr().out == "3 of 4 right; the page agrees\n"
    peers.PAGE.write_text(page.replace("hangs (over 0.5 s)", "right"), "utf-8")
    assert peers.main(["--check"]) == 1
    assert capsys.readouterr().out == (
        f"{few[1].description}: 'right' on the page, 'hangs (over 0.5 s)' in this run\n"
        "3 of 4 right; the page differs\n"
    )


def test_without_google_genai_the_page_is_written_only_on_request(peers, few, tmp_path, monkeypatch, capsys):
    cells = dict.fromkeys((case.name for case in few), "right")
    monkeypatch.setattr(peers, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(peers, "installed", list)
    monkeypatch.setattr(peers, "run", lambda client: peers.Column(client, {client: "1"}, cells))
    assert peers.main([]) == 0
    assert "| right | not installed |" in capsys.readouterr().out
    assert not peers.PAGE.exists()
    assert peers.main(["--write"]) == 0
    assert peers.first_column(peers.PAGE.read_text("utf-8")) == {case.description: "right" for case in few}
