"""A certificate for localhost that tests trust; its private key is public and protects nothing.

Made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost
-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:TRUE
-addext keyUsage=critical,digitalSignature,keyCertSign`.
"""

from __future__ import annotations

from pathlib import Path

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBqzCCAVGgAwIBAgIUKrPVlBfOo8x1AWzWU9SWmDxNoPgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMDE0MjUzOVoYDzIxMjYxMDI3
MTQyNTM5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARZa6xddYFxsekMcDGZgKiMPSzBlT9OPdbgxDPnqUOlPDLrcpxZOABR
0qInbwIaDRdnZwyr1rSFK0UMyWW5+vMoo38wfTAdBgNVHQ4EFgQUtzfQs+n2HNkb
nH3i4aXcC8Ds0PwwHwYDVR0jBBgwFoAUtzfQs+n2HNkbnH3i4aXcC8Ds0PwwGgYD
VR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0P
AQH/BAQDAgKEMAoGCCqGSM49BAMCA0gAMEUCIQDENeyIitvjQ1iInASTEf21INPh
h+O1N21f32tmKcdRqQIgWRt6MVJB052XMWNp1KXfJgQUadhw+UohJiEzT6tO/5M=
-----END CERTIFICATE-----
"""

PRIVATE_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgv4rinGL7EhW9Ma9p
vONMtRq3zmOsZUPSx5Kb1kcbwNmhRANCAARZa6xddYFxsekMcDGZgKiMPSzBlT9O
PdbgxDPnqUOlPDLrcpxZOABR0qInbwIaDRdnZwyr1rSFK0UMyWW5+vMo
-----END PRIVATE KEY-----
"""


def write(folder: Path, *, both: bool = False) -> Path:
    """Write the certificate to a file, for a server (`both`) with its private key; return the path."""
    path = folder / ("server.pem" if both else "certificate.pem")
    path.write_text(CERTIFICATE + (PRIVATE_KEY if both else ""))
    return path
