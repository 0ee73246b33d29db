"""An interrupt is never lost.

Python drops an exception that is raised while it clears away an object, and says so on standard error. The exception of
an interrupt is raised wherever the program happens to be, and Dagster clears away many objects with each event that it
stores: one Ctrl+C in a few came to nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN_S = 0.05


@contextmanager
def kept_interrupts(*of_others: type[BaseException]) -> Iterator[None]:
    """Within the block an interrupt that Python drops comes again. `of_others`: what else a handler raises for one."""
    shown = sys.unraisablehook

    def raised_again(dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, (KeyboardInterrupt, *of_others)):
            # from another thread: here it would be dropped at once
            threading.Timer(_AGAIN_S, os.kill, (os.getpid(), signal.SIGINT)).start()
        else:
            shown(dropped)

    sys.unraisablehook = raised_again
    try:
        yield
    finally:
        sys.unraisablehook = shown
