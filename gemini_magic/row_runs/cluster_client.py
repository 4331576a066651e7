"""Checks the client of ``cluster=``, and whether its network is encrypted."""

from __future__ import annotations

import sys
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from ..errors import OptionError
from ..text import visible
from .values import ExecutorNote

__all__ = ["check_cluster", "unencrypted"]

_PRIVATE = ("tls", "wss", "inproc")  # schemes of encrypted connections, and of one process


def check_cluster(cluster: object) -> Any:
    """The client, if rows can be asked on its cluster.

    Args:
        cluster: the value of ``cluster=``.

    Raises:
        OptionError: it is not a connected ``dask.distributed.Client``.
    """
    distributed = sys.modules.get("distributed")  # without it, there is no client
    if distributed is None or not isinstance(cluster, distributed.Client):
        name = f"{type(cluster).__module__.partition('.')[0]}.{type(cluster).__qualname__}"
        remedy = (
            "Write cluster=cluster.get_client()."
            if hasattr(cluster, "get_client")
            else "Write cluster=dask.distributed.Client(ADDRESS)."
            if distributed is not None
            else 'Install it with: pip install "gemini-magic[dask]". Then write cluster=dask.distributed.Client(ADDRESS).'
        )
        raise OptionError(f"cluster= needs a dask.distributed.Client, not {visible(name)}.", remedy=remedy)
    if cluster.asynchronous:
        raise OptionError(
            "cluster= does not support an asynchronous Client.",
            remedy="Write Client(ADDRESS) without asynchronous=True.",
        )
    if cluster.status != "running":
        raise OptionError(
            f"The Client of cluster= is not connected (its status is {cluster.status}).",
            remedy="Connect again with Client(ADDRESS).",
        )
    return cluster


def unencrypted(address: str) -> list[ExecutorNote]:
    """A note that texts cross a network unencrypted, if they do.

    Args:
        address: of the scheduler.
    """
    parts = urlsplit(address)
    if parts.scheme in _PRIVATE or _is_loopback(parts.hostname or ""):
        return []
    return [
        ExecutorNote(
            f"Prompts and answers cross the network of the cluster unencrypted ({address}). Keys do not. "
            "To encrypt them, start the cluster with TLS (security= of dask.distributed)."
        )
    ]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
