"""A publication: a folder named after the digest of its content, and the link that points at it.

The folder is complete before `current` is switched to it in one step, so that a reader never sees
half of one and half of another.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from exposure_dagster.errors import SettingError

KEPT_PUBLICATIONS = 5
"""Folders that stay, the current one included, for readers that opened an earlier one before the switch."""

ABANDONED_AFTER_S = 3600.0
"""A folder that was left unfinished for so long belongs to a process that was killed."""

_PUBLICATION = re.compile(r"[0-9a-f]{16,64}")
_UNFINISHED = ".unfinished-"
_UNSWITCHED = ".current-"


def publish(root: Path, digest: str, write: Callable[[Path], None]) -> Path:
    """Have `write` fill the folder `root/digest` unless it is there already, and switch `root/current` to it.

    `digest` is hexadecimal. Returns the folder. Raises SettingError where `root` cannot be written.
    """
    folder = root / digest
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            _fill(folder, write)
        _switch(root / "current", folder)
    except OSError as error:
        raise SettingError(
            f"the published files cannot be written here ({error.strerror or error})",
            where=str(error.filename or root),
            remedy="Make room and give the right to write there, or set EXPOSURE_HOME to another folder.",
        ) from error
    _remove_old(root, kept=folder)
    return folder


def is_published(root: Path) -> bool:
    """Whether readers find a whole publication there."""
    return (root / "current" / "manifest.json").is_file()


def withdraw(root: Path) -> bool:
    """Take the link away that readers follow; returns whether there was one. The folders stay until others come."""
    link = root / "current"
    if not link.is_symlink():
        return False
    link.unlink()
    return True


def _fill(folder: Path, write: Callable[[Path], None]) -> None:
    unfinished = Path(mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    try:
        unfinished.chmod(0o755)
        write(unfinished)
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process has published the same content meanwhile
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _switch(link: Path, folder: Path) -> None:
    if link.is_symlink() and link.readlink() == Path(folder.name):
        return
    temporary = link.with_name(f"{_UNSWITCHED}{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name, target_is_directory=True)
    temporary.replace(link)
    os.utime(folder)  # an earlier publication that is current again is not an old one


def _remove_old(root: Path, *, kept: Path) -> None:
    """Only what is ours goes: whatever else someone keeps beside it stays."""
    oldest = time.time() - ABANDONED_AFTER_S
    publications = []
    for path in root.iterdir():
        if path.is_symlink():
            if path.name.startswith(_UNSWITCHED) and _changed_at(path) < oldest:
                path.unlink(missing_ok=True)
        elif path.is_dir() and path != kept:
            if _PUBLICATION.fullmatch(path.name):
                publications.append(path)
            elif path.name.startswith(_UNFINISHED) and _changed_at(path) < oldest:
                shutil.rmtree(path, ignore_errors=True)
    publications.sort(key=_changed_at, reverse=True)
    for path in publications[KEPT_PUBLICATIONS - 1 :]:
        # It loses its name first: one that is removed by half must never be taken for a publication again.
        going = Path(mkdtemp(prefix=_UNFINISHED, dir=root))
        with suppress(OSError):  # someone else removes it at this moment
            path.rename(going)
        shutil.rmtree(going, ignore_errors=True)


def _changed_at(path: Path) -> float:
    return path.lstat().st_mtime
