"""Memory that was freed, given back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Have the C library give back what it keeps of freed memory, after a step that took much for many small things.

    It keeps most of it otherwise, and the next step takes its own beside it. Where the library is not glibc, nothing
    happens.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
