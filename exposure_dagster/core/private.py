"""Folders that only their owner can look into: texts and answers about documents of one's own may be personal."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_READ = stat.S_IRGRP | stat.S_IROTH
_WRITE = stat.S_IWGRP | stat.S_IWOTH
_PASS = stat.S_IXGRP | stat.S_IXOTH


def make_private(folder: Path) -> None:
    """Make the folder, and those above it that are missing, for their owner alone. One that is there stays as it is."""
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def keep_files_private() -> None:
    """From now on what this process and its children write is for its owner alone, unless they say otherwise."""
    os.umask(os.umask(0o077) | 0o077)


def open_to_others(folder: Path, *, meant: Path) -> Path | None:
    """What other users of the machine can look into or write to: the folder, or the first thing in it where they can
    pass through it. Null where there is nothing but what is `meant` for them."""
    if not folder.is_dir():
        return None
    mode = folder.stat().st_mode
    if mode & (_READ | _WRITE):
        return folder
    if mode & _PASS:
        return next((path for path in sorted(folder.iterdir()) if path != meant and _is_open(path)), None)
    return None


def _is_open(path: Path) -> bool:
    return bool(path.lstat().st_mode & (_READ | _WRITE | _PASS)) and not path.is_symlink()
