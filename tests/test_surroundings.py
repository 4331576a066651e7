"""The clean environment and the restricted network of the tests work."""

import os
import socket
from pathlib import Path

import pytest
from surroundings import NetworkForbiddenError, clean_environment, find_chromium, is_local


def test_connections_to_other_machines_are_refused():
    with socket.socket() as sock:
        for call in (sock.connect, sock.connect_ex):
            with pytest.raises(NetworkForbiddenError, match=r"192\.0\.2\.1"):
                call(("192.0.2.1", 80))
    with pytest.raises(NetworkForbiddenError, match="example"):
        socket.create_connection(("example.invalid", 80), 1)


def test_loopback_connections_are_allowed():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), 1),
    ):
        pass
    assert all(map(is_local, [("localhost", 1), ("127.0.0.2", 1), ("::1", 1, 0, 0), "/run/socket"]))
    assert not any(map(is_local, [("8.8.8.8", 53), ("localhost.example.com", 1), ("2001:db8::1", 1, 0, 0)]))


def test_keys_and_proxies_are_removed_and_user_folders_are_temporary(tmp_path):
    environ = {
        "GEMINI_API_KEY": "a",
        "google_api_key": "b",
        "https_proxy": "c",
        "JUPYTER_PATH": "d",
        "PATH": "/bin",
    }
    clean = clean_environment(environ, tmp_path)
    assert set(clean) & set(environ) == {"PATH"}
    assert Path.home() == Path(os.environ["HOME"])
    assert Path.home().is_relative_to(tmp_path.parent)
    assert list(Path.home().iterdir()) == []
    assert not [name for name in os.environ if name.startswith(("GEMINI_", "GOOGLE_"))]


def test_a_browser_that_is_set_by_path_must_exist(tmp_path):
    chosen = tmp_path / "my-chromium"
    assert find_chromium({"GEMINI_MAGIC_CHROMIUM": str(chosen), "PATH": os.environ["PATH"]}) is None
    chosen.write_text("#!/bin/sh\n")
    chosen.chmod(0o755)
    assert find_chromium({"GEMINI_MAGIC_CHROMIUM": str(chosen), "PATH": ""}) == str(chosen)
    assert find_chromium({"PATH": str(tmp_path)}) is None
