"""Masks keys in text that leaves this machine, such as the results of tools."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from ..backends import backend, names
from ..client import Key, Secret
from .lookup import dotenv_secrets, entered_secrets

__all__ = ["key_mask"]

# Names of environment variables that hold secrets of other services too.
_SECRETS = re.compile(
    r"(?:^|_)(?:KEY|APIKEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD|CREDENTIALS?)(?:_|$)|_PAT$", re.IGNORECASE
)
_PATH = re.compile(r"[~.]?/|[A-Za-z]:\\")


def key_mask(key: Key | None = None, variable: str | None = None) -> Callable[[str], str]:
    """A function that replaces every known key in a text by ``<key>``.

    Known are the key of the request, the keys that were entered, those in the environment and in the ``.env`` file, and
    the environment variables whose names say that they hold a secret. Values of fewer than 12 characters are not masked, as
    they would be found in ordinary words.

    Args:
        key: the key of the request.
        variable: the variable of ``--key-env``.
    """
    known = {name for each in names() if (auth := backend(each).auth) for name in auth.env}
    known |= {variable} if variable else set()
    secrets = [key.value] if key is not None else []
    secrets += [*entered_secrets(), *dotenv_secrets(known)]
    secrets += [
        Secret(value.strip())
        for name, value in os.environ.items()
        if name in known or (_SECRETS.search(name) and not _PATH.match(value))
    ]
    found = list({secret.reveal(): secret for secret in secrets if secret.maskable}.values())
    found.sort(key=lambda secret: -len(secret.reveal()))  # one may be a part of another

    def mask(text: str) -> str:
        for secret in found:
            text = secret.mask_text(text)
        return text

    return mask
