"""How a cluster run asks its rows: what is sent to the workers, without a key."""

from __future__ import annotations

from typing import NamedTuple

from ..backends import backend
from ..client import Asker, Key
from ..content import Request
from ..options import Options
from ..prices import TokenPrice
from ..schema import Schema
from .attempts import AttemptMaker

__all__ = ["ClusterPlan"]


class ClusterPlan(NamedTuple):
    """What the attempts of a run have in common. It is pickled, and it does not hold a key.

    Attributes:
        options: the resolved options.
        request: a request of the run, whose last turn is replaced by each row's prompt.
        schema: the schema that the answers must fit, None for text.
        price: the prices that the user gave.
    """

    options: Options
    request: Request
    schema: Schema | None = None
    price: TokenPrice | None = None

    def open(self, key: Key | None) -> AttemptMaker:
        """Prepare attempts with a key; called once on each worker."""
        asker = Asker(self.options, backend(self.options.backend), key)
        return AttemptMaker(asker, self.request, self.schema, self.price)
