"""Files that come with a project, such as ``pyproject.toml`` and ``.env``: where they are, and whether the user trusts them.

Anyone can have written them, so they set only what cannot move a key, a prompt or a file, unless the user trusts them.
"""

from __future__ import annotations

from .search import WatchedFiles, candidate_files, is_own
from .settings import (
    PROJECT_FILE,
    PROJECT_TABLE,
    IgnoredSetting,
    describe_ignored,
    project_settings,
    read_table,
)
from .trust_store import (
    TrustedFile,
    config_folder,
    is_new_key_file,
    is_trusted,
    read_stored,
    trust,
    trusted_files,
    untrust,
    write_stored,
)

__all__ = [
    "PROJECT_FILE",
    "PROJECT_TABLE",
    "IgnoredSetting",
    "TrustedFile",
    "WatchedFiles",
    "candidate_files",
    "config_folder",
    "describe_ignored",
    "is_new_key_file",
    "is_own",
    "is_trusted",
    "project_settings",
    "read_stored",
    "read_table",
    "trust",
    "trusted_files",
    "untrust",
    "write_stored",
]
