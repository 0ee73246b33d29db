"""A publication: a folder named after the digest of its content, and the link that points at it.

The folder is complete before `current` is switched to it in one step, so that a reader never sees
half of one and half of another.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from exposure_dagster.errors import SettingError

KEPT_PUBLICATIONS = 5
"""Earlier folders that stay, for readers that opened one before the switch."""


def publish(root: Path, digest: str, write: Callable[[Path], None]) -> Path:
    """Have `write` fill the folder `root/digest` unless it is there already, and switch `root/current` to it.

    Returns the folder. Raises SettingError where `root` cannot be written.
    """
    folder = root / digest
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            unfinished = Path(mkdtemp(prefix=".unfinished-", dir=root))
            try:
                unfinished.chmod(0o755)
                write(unfinished)
                unfinished.rename(folder)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
        _switch(root / "current", digest)
    except PermissionError as error:
        raise SettingError(
            "the published files cannot be written here",
            where=str(root),
            remedy="Set EXPOSURE_HOME to a folder that can be written.",
        ) from error
    _remove_old(root, kept=folder)
    return folder


def _switch(link: Path, target: str) -> None:
    if link.is_symlink() and link.readlink() == Path(target):
        return
    temporary = link.with_name(f".current-{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target, target_is_directory=True)
    temporary.replace(link)


def _remove_old(root: Path, *, kept: Path) -> None:
    folders = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink() and path != kept]
    publications = sorted(
        (path for path in folders if not path.name.startswith(".")), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for path in publications[KEPT_PUBLICATIONS - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
