"""Says a few words below a cell: a small text of its own, with names set as code where HTML is shown.

It knows what IPython can show; what is said, and when, is up to those who ask.
"""

from __future__ import annotations

import re
from html import escape

from IPython.display import display

__all__ = ["tell"]

_NAME = re.compile(r"`([^`]*)`")


def tell(*sentences: str) -> None:
    """Show sentences as one paragraph; what stands between back-ticks is a name.

    A front end that shows HTML breaks its lines between words, which it does not do for printed text.
    """
    plain = " ".join(sentences)
    marked = _NAME.sub(r"<code>\1</code>", escape(plain))
    display({"text/plain": plain, "text/html": f"<div>{marked}</div>"}, raw=True)  # type: ignore[no-untyped-call]
