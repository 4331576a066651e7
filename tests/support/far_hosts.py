"""Remote hosts simulated on this machine: a proxy that answers for them over TLS, with temporary certificates.

    with FarHosts(server, tmp_path) as far:      # server: a FakeServer that receives all requests
        monkeypatch.setenv("HTTPS_PROXY", far.proxy)
        monkeypatch.setenv("SSL_CERT_FILE", far.authority)
        ...                                      # https://any.host/ reaches the server; far.hosts lists the hosts

Tests use it to check that a key is sent only to its own host, and only over HTTPS. It imports nothing from
gemini_magic.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import threading
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)
NAMES = [
    "*.googleapis.com",
    "*.rep.googleapis.com",
    "*.us.rep.googleapis.com",
    "*.llmadaptive.uk",
    "stranger.example",
]


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for all :data:`NAMES`; return its file, and the file that also has its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far hosts")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - _DAY, now + _DAY
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in NAMES]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    authority, both = folder / "authority.pem", folder / "far.pem"
    authority.write_bytes(public)
    both.write_bytes(public + private)
    return authority, both


class FarHosts:
    """The proxy, a context manager.

    Attributes:
        proxy: The URL of the proxy, for ``HTTPS_PROXY``.
        authority: The certificate file to trust, for ``SSL_CERT_FILE``.
        hosts: The requested hosts, in order.
    """

    def __init__(self, server: Any, folder: Path) -> None:
        authority, both = _certificate(folder)
        self.authority = str(authority)
        self.hosts: list[str] = []
        self._server = server
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(both)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.proxy = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, name="far-hosts", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), name="far-host", daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError), sock:
            head = b""
            while b"\r\n\r\n" not in head:
                more = sock.recv(4096)
                if not more:
                    return
                head += more
            self.hosts.append(head.split()[1].decode().rpartition(":")[0])
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with (
                self._tls.wrap_socket(sock, server_side=True) as near,
                socket.create_connection(("127.0.0.1", self._server.port)) as far,
            ):
                back = threading.Thread(target=_copy, args=(far, near), name="far-back", daemon=True)
                back.start()
                _copy(near, far)
                back.join(timeout=2)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            socket.socket.shutdown(one, socket.SHUT_RDWR)
