"""Runs over rows in processes that can be killed: each line of standard input starts one, in a fork of this process.

The first output is ``ready``. A line is a JSON object with the arguments of `gm.rows` and the number of ``rows``; the process
id is printed, and the state of the run or the status of the process when it has ended.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import gemini_magic as gm
from gemini_magic.row_runs import start_rows  # noqa: F401 - loaded once, before the forks


def run(arguments: dict[str, Any]) -> None:
    """Run to the end."""
    count = arguments.pop("rows")
    data = [{"id": number, "text": f"text {number}"} for number in range(count)]
    gm.rows("{{ row.text }}", data, id="id", show=False, **arguments)


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                run(json.loads(line))
            except BaseException as error:  # noqa: BLE001 - the parent shows it
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
