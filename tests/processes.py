"""Processes that tests start end with the tests, however these end.

`python tests/processes.py COMMAND …` becomes that command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have this process sent SIGTERM when its parent is gone. Only Linux knows that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def tied(*command: str) -> list[str]:
    """The command, as one that ends with the process that starts it."""
    return [sys.executable, "-S", "-E", __file__, *command]


if __name__ == "__main__":
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):  # a shell's background jobs ignore some of them
        signal.signal(number, signal.SIG_DFL)
    end_with_parent()
    os.execvp(sys.argv[1], sys.argv[1:])
