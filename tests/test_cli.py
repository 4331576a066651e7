"""The command line: demo, doctor, enable and trust, run as a user runs them."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from importlib.metadata import version
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from client_stage import until
from projects import write_project

from gemini_magic import cli, demo
from gemini_magic.config import resolve
from gemini_magic.project_files import trusted_files

TOUR = [
    "01-first-cell.ipynb",
    "02-inspect.ipynb",
    "03-record-replay-compare.ipynb",
    "04-send-anything.ipynb",
    "05-what-came-back.ipynb",
    "06-typed-answers.ipynb",
    "07-tools.ipynb",
    "08-a-thousand-rows.ipynb",
    "09-compare.ipynb",
    "10-steps-agents-resuming.ipynb",
]


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "gemini_magic", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        timeout=110,
    )


def test_demo_check_runs_the_tour_and_serves_it(tmp_path):
    """The recordings are played ten times as fast; `tests/notebooks` looks at the outputs of the notebooks."""
    (tmp_path / "profile_default").mkdir()
    (tmp_path / "profile_default" / "ipython_kernel_config.py").write_text("c.GeminiMagics.speed = 10\n")
    done = run("demo", "--check", IPYTHONDIR=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    for name in TOUR:
        assert f"ok: {name} ran offline" in done.stdout
    assert f"ok: JupyterLab {version('jupyterlab')} serves the notebooks." in done.stdout
    first, _, others = done.stdout.partition("01-first-cell.ipynb ran")
    assert (first.count("complete, "), first.count("truncated, ")) == (3, 1)
    assert (others.count("complete, "), others.count("error, ")) == (27, 1)


def test_demo_copies_the_tour_without_overwriting_it(tmp_path):
    folder = tmp_path / "tour"
    notebook = demo.copy_tour(folder)
    assert sorted(path.name for path in folder.iterdir()) == TOUR
    assert json.loads(notebook.read_text("utf-8"))["cells"]
    notebook.write_text("mine")
    assert demo.copy_tour(folder).read_text() == "mine"


def test_doctor_reports_what_is_missing_with_a_remedy():
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    assert f"ok    ipykernel {version('ipykernel')}" in done.stdout
    assert "ok    ipywidgets" in done.stdout
    assert "note  no API key: only recordings can be shown\n" in done.stdout
    assert "GEMINI_API_KEY" in done.stdout


def test_doctor_reports_an_ipykernel_that_loses_messages(monkeypatch, capsys):
    installed = cli.version
    monkeypatch.setattr(cli, "version", lambda name: "7.3.0" if name == "ipykernel" else installed(name))
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "ok    ipykernel 7.3.0\n" in printed
    assert "note  ipykernel 7.3.0 is older than 7.4\n      pip install -U ipykernel" in printed


def test_doctor_names_a_dotenv_file_that_cannot_be_read(tmp_path, monkeypatch, capsys):
    (tmp_path / ".env").write_bytes(b"\xff\xfe broken")
    monkeypatch.chdir(tmp_path)
    cli.main(["doctor"])
    assert f"{tmp_path / '.env'} could not be read (not valid UTF-16)" in capsys.readouterr().out


def test_doctor_reports_the_source_of_a_key_but_not_the_key():
    done = run("doctor", GEMINI_API_KEY="canary-key-5f1e")
    assert "ok    API key from environment variable GEMINI_API_KEY" in done.stdout
    assert "canary" not in done.stdout + done.stderr


def test_a_missing_or_old_package_is_reported(monkeypatch):
    assert cli._package("no-such-package-at-all", "1.0", remedy="get it") == cli.Finding(
        ok=False, text="no-such-package-at-all is not installed", remedy="get it"
    )
    monkeypatch.setattr(cli, "version", lambda _: "6.31.0")
    assert not cli._package("ipykernel", "7.0", remedy="upgrade", required=False).ok
    assert cli._package("ipykernel", "6.30", remedy="upgrade").ok


def test_an_old_package_and_a_missing_extension_have_a_text_and_a_remedy(monkeypatch):
    monkeypatch.setattr(cli, "version", lambda _: "6.31.0")
    assert cli._package("ipykernel", "7.0", remedy="upgrade").text == "ipykernel 6.31.0 is older than 7.0"
    found = cli._extension("no-such-extension", "An extension", "install it")
    assert (found.ok, found.text) == (False, "An extension was not found in this environment")


def test_demo_prints_what_it_opens(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo.os, "execv", lambda *_: None)
    monkeypatch.setattr(demo.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0))
    assert cli.main(["demo", str(tmp_path), "--no-browser"]) == 0
    opening, address, stop = capsys.readouterr().out.splitlines()
    assert opening.startswith(f"Opening {tmp_path / TOUR[0]} in JupyterLab. Its answers are recordings")
    assert address == f"Open the address printed below; it leads to {TOUR[0]}."
    assert stop == "To stop JupyterLab, press Ctrl+C."


def listens(port):
    """Whether a connection to a port of this machine is accepted."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_the_address_that_demo_prints_opens_the_tour(tmp_path):
    folder = tmp_path / "with a space"
    with (
        socket.create_server(("127.0.0.1", 0)) as other,  # JupyterLab takes another port if one is in use
        subprocess.Popen(
            [sys.executable, "-m", "gemini_magic", "demo", str(folder), "--no-browser"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "JUPYTER_PORT": str(other.getsockname()[1])},
        ) as server,
    ):
        found = (re.search(r"http://127\.0\.0\.1:\S+\?token=\w+", line) for line in server.stderr)
        addresses = [next(each[0] for each in found if each) for _ in range(2)]
        address = addresses[1]  # printed once more when the server is about to listen
        try:
            assert f"/lab/tree/{TOUR[0]}?token=" in address
            until(lambda: listens(urlsplit(address).port), every=0.05)
            with urllib.request.urlopen(address, timeout=60) as page:
                assert f'"treePath": "{TOUR[0]}"' in page.read().decode()
        finally:
            server.terminate()


def test_demo_check_tries_another_port_when_one_was_taken_meanwhile(tmp_path, monkeypatch):
    free_port = demo._free_port
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = iter([other.getsockname()[1], free_port()])
        monkeypatch.setattr(demo, "_free_port", lambda: next(ports))
        assert demo._serves(demo.copy_tour(tmp_path))
    assert list(ports) == []


def test_enable_loads_the_extension_in_every_session_until_enable_off(tmp_path):
    code = "print(bool(get_ipython().find_cell_magic('gemini')))"

    def session():
        return subprocess.run(
            [sys.executable, "-m", "IPython", "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "IPYTHONDIR": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            timeout=60,
        ).stdout

    assert session().strip() == "False"
    done = run("enable", IPYTHONDIR=str(tmp_path))
    assert done.returncode == 0
    assert "New IPython sessions load gemini_magic automatically" in done.stdout
    assert "To undo this, run `gemini-magic enable --off`." in done.stdout
    assert session().strip() == "True"
    done = run("enable", "--off", IPYTHONDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "gemini_magic is no longer loaded automatically.\n")
    assert session().strip() == "False"


def test_without_jupyterlab_demo_prints_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setattr(demo, "find_spec", lambda _: None)
    assert cli.main(["demo", "--check"]) == 1
    problem, remedy = capsys.readouterr().err.splitlines()
    assert problem == "JupyterLab is not installed in this environment."
    assert 'pip install "gemini-magic[lab]"' in remedy


def test_an_unknown_command_is_refused():
    with pytest.raises(SystemExit):
        cli.main(["dance"])


def test_trust_remembers_the_settings_of_a_project_and_can_be_undone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = write_project(tmp_path, 'base_url = "https://llm.example.org"\nhttp_hosts = ["llm.example.org"]')
    assert cli.main(["trust"]) == 0
    assert capsys.readouterr().out.startswith("No project is trusted.")
    for where in (".", "pyproject.toml", str(path)):
        assert cli.main(["trust", where]) == 0
        shown = capsys.readouterr().out
        assert f"Trusted {path}, as long as it has these settings:\n" in shown
        assert "  base_url = 'https://llm.example.org'\n" in shown
        assert (
            "  http_hosts = ['llm.example.org'] (ignored: only your own configuration may set it)\n" in shown
        )
        assert resolve()[0].base_url == "https://llm.example.org"
        assert cli.main(["trust"]) == 0
        assert capsys.readouterr().out == f"{path}\n"
        assert cli.main(["trust", "--remove", where]) == 0
        assert capsys.readouterr().out == f"{path} is no longer trusted.\n"
        assert resolve()[0].base_url is None
    cli.main(["trust", "."])
    write_project(tmp_path, 'base_url = "https://other.example.org"')
    capsys.readouterr()
    cli.main(["trust"])
    assert capsys.readouterr().out == f"{path} (changed since, so no longer trusted)\n"
    path.unlink()
    cli.main(["trust"])
    assert capsys.readouterr().out == f"{path} (missing)\n"
    assert cli.main(["trust", "--remove", str(path)]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--remove"], "--remove requires a path."),
        (["nowhere"], "is not an existing pyproject.toml."),
        (["other.toml"], "is not an existing pyproject.toml."),
        (["empty"], "has no settings for gemini_magic."),
        (["--remove", "empty"], "was not trusted."),
    ],
)
def test_trust_explains_what_it_cannot_do(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.toml").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "pyproject.toml").write_text("[project]\n")
    assert cli.main(["trust", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_trust_shows_the_servers_of_a_project_and_asks(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".mcp.json"
    path.write_text(
        json.dumps({"mcpServers": {"fs": {"command": "npx", "args": ["-y", "fs"], "env": {"T": "canary"}}}})
    )
    assert cli.main(["trust", "."]) == 1
    shown = capsys.readouterr()
    assert shown.out == f"{path} has these MCP servers:\n  fs  runs npx -y fs\n      environment: T\n"
    assert (
        f"Nothing was trusted, because there is no terminal to ask you.\nTo trust exactly these servers: gemini-magic trust --yes {path}"
        in shown.err
    )
    assert trusted_files() == []
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert cli.main(["trust", str(path)]) == 1
    assert trusted_files() == []
    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert cli.main(["trust", "."]) == 0
    assert (
        f"Trusted the MCP servers of {path}.\nTo undo this, run `gemini-magic trust --remove {path}`."
        in capsys.readouterr().out
    )
    cli.main(["trust"])
    assert capsys.readouterr().out == f"{path}\n"
    path.write_text(json.dumps({"mcpServers": {"fs": {"command": "evil"}}}))
    cli.main(["trust"])
    assert capsys.readouterr().out == f"{path} (changed since, so no longer trusted)\n"
    assert cli.main(["trust", "--yes", str(path)]) == 0
    assert cli.main(["trust", "--remove", "."]) == 0
    assert trusted_files() == []


def test_trust_takes_settings_and_servers_of_one_folder(tmp_path, capsys):
    settings = write_project(tmp_path, 'base_url = "https://llm.example.org"')
    (tmp_path / ".vscode").mkdir()
    servers = tmp_path / ".vscode" / "mcp.json"
    servers.write_text(json.dumps({"servers": {"web": {"url": "https://example.org/mcp"}}}))
    assert cli.main(["trust", "--yes", str(tmp_path)]) == 0
    assert "web  connects to https://example.org/mcp\n" in capsys.readouterr().out
    assert [each.path for each in trusted_files()] == sorted(map(str, (settings, servers)))


def test_trust_refuses_a_file_whose_servers_cannot_be_read(tmp_path, capsys):
    for text, message in (("{", "cannot be read"), ("{}", "has no MCP servers.")):
        (tmp_path / ".mcp.json").write_text(text)
        assert cli.main(["trust", "--yes", str(tmp_path)]) == 1
        assert message in capsys.readouterr().err
    assert trusted_files() == []


def test_doctor_names_settings_of_a_project_that_are_ignored(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = write_project(tmp_path, 'base_url = "https://llm.example.org"\nkey_env = "K"')
    assert cli.main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert f"note  ignored in {path}: base_url, key_env\n" in shown
    assert f"gemini-magic trust {path}\n" in shown
