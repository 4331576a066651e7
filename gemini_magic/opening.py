"""Sends a request: finds the key, opens the recordings, and starts the stream that fills a ledger.

It does not wait for the answer and knows nothing of what users explore.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .backends import backend
from .client import Recorder, Replay, Stream, find_key, open_stream, recent_recorder
from .content import Request
from .errors import CredentialsError, RecordingError
from .ledger import Ledger
from .settings import KEPT_BACK, Options

__all__ = ["open_answer"]

_BUILTIN = "builtin:"


def _recording(name: str) -> Path:
    """The file a ``--replay`` value names: a path, or ``builtin:NAME`` for a recording shipped with the package."""
    if not name.startswith(_BUILTIN):
        return Path(name).expanduser()
    shipped = {
        path.stem: path
        for path in sorted((Path(__file__).parent / "data").iterdir())
        if path.suffix in (".jsonl", ".httprr")
    }
    wanted = name.removeprefix(_BUILTIN)
    if wanted not in shipped:
        raise RecordingError(
            f"There is no built-in recording {wanted!r}.", remedy=f"There are: {', '.join(shipped)}."
        )
    return shipped[wanted]


def open_answer(
    request: Request,
    options: Options,
    *,
    ask_key: Callable[[str], str] | None = None,
    notices: Sequence[str] = (),
    before: str = "",
    sources: Mapping[str, str] | None = None,
) -> tuple[Ledger, Stream]:
    """Send a request; its ledger grows in the background from now on.

    Args:
        request: what is asked.
        options: how.
        ask_key: asks the user for a key when none is found; None where nobody can be asked.
        notices: words about this request that its notes should hold.
        before: text that came earlier of the same answer.
        sources: where the options came from, as ``resolve`` tells.

    Raises:
        UsageProblem: the request or a key is missing something; nothing was sent.
        RecordingError: the recording to replay cannot be read.
    """
    dialect = backend(options.backend)
    replay = None
    if options.replay:
        replay = Replay(_recording(options.replay), any_order=options.replay_any, speed=options.speed)
    key = kept_back = None
    if replay is None and dialect.local is None:
        kept_back = (sources or {}).get(KEPT_BACK)
        try:
            key = find_key(dialect, options, ask=ask_key)
        except CredentialsError as problem:
            if kept_back is not None:
                problem.remedy = f"{kept_back} {problem.remedy}"
            raise
    ledger = Ledger(request, backend=dialect.name)
    if kept_back is not None:
        ledger.note("key-kept-back", kept_back, severity="warning")
    ledger.before = before
    for notice in notices:
        ledger.note("notice", notice)
    recorders = [Recorder(Path(options.record).expanduser())] if options.record else []
    if options.keep and (recent := recent_recorder(options.keep)):
        recorders.append(recent)
    source = open_stream(
        request,
        options,
        ledger=ledger,
        key=key,
        backend=dialect,
        recorders=recorders,
        replay=replay,
        before=before,
    )
    return ledger, source
