"""Folders that only their owner can look into: texts and answers about documents of one's own may be personal."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def make_private(folder: Path) -> None:
    """Make the folder, and those above it that are missing, for their owner alone. One that is there stays as it is."""
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def keep_files_private() -> None:
    """From now on what this process and its children write is for its owner alone, unless they say otherwise."""
    os.umask(os.umask(0o077) | 0o077)


def is_open_to_others(folder: Path) -> bool:
    """Whether other users of the machine can list a folder or write into it; to pass through it is not enough."""
    try:
        mode = folder.stat().st_mode
    except OSError:
        return False
    return bool(mode & (stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH))
