"""Files that someone hands us, read up to a stated size."""

from __future__ import annotations

import errno
import stat
from pathlib import Path


def read_bounded(path: Path, most: int) -> bytes:
    """The bytes of an ordinary file. Raises OSError, also where it is longer than `most` bytes, a pipe or a device."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # to open a pipe would wait for whoever writes into it
        raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
    with path.open("rb") as file:
        body = file.read(most + 1)
    if len(body) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes, which is the most that is read", str(path))
    return body
