"""Runs a `dagster` command that ends, with all that it started, when whoever attends to it is gone.

Whoever attends holds the other end of a pipe. However it ends, by SIGKILL too, its end is closed, and that is read
here. The command leads a process group of its own, which is what is ended.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_S = 30
"""How long the processes have to end by themselves before they are killed."""


def main() -> None:
    """`python -m exposure_dagster.attended PIPE COMMAND …`: PIPE is the descriptor to read from."""
    pipe = int(sys.argv.pop(1))
    threading.Thread(target=_end_after, args=(pipe,), daemon=True).start()
    sys.argv[0] = "dagster"
    runpy.run_module("dagster", run_name="__main__")


def _end_after(pipe: int) -> None:
    os.read(pipe, 1)
    os.killpg(os.getpgrp(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
