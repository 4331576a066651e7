"""Writes the recordings that the tour replays, such as ``tour`` and ``odd``, into ``gemini_magic/data``.

``make_recordings.py [FOLDER]`` writes into this folder instead. The answers do not come from a model: their texts are in the modules
of ``tour``, which convert them to the wire format of the API with the pace of a real stream, so that a replay uses the real parser,
ledger, renderer and endings. Run the script again after a change of a prompt, because a replay matches the exact request.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tour import notebooks
from tour.capital import capital


def main(folder: Path) -> None:
    """Write the recordings."""
    trace = folder / "capital.httprr"
    trace.write_bytes(capital())
    print(f"{trace.name}: {trace.stat().st_size:,} bytes")
    for module in notebooks():
        for name, recording in module.recordings().items():
            target = folder / f"{name}.jsonl"
            target.write_text(
                "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in recording), encoding="utf-8"
            )
            print(f"{target.name}: {len(recording)} lines, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent.parent / "gemini_magic" / "data")
