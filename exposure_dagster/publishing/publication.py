"""A publication: a folder named after the digest of its content, and the link that points at it.

The folder is complete before `current` is switched to it in one step, so that a reader never sees
half of one and half of another. It holds the checksums of its files, so that damage is found and told by name
(`sha256sum -c SHA256SUMS` says the same), and a damaged folder is written anew when its content is published again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from exposure_dagster.core.errors import SettingError
from exposure_dagster.core.private import make_private

KEPT_PUBLICATIONS = 5
"""Folders that stay, the current one included, for readers that opened an earlier one before the switch."""

CHECKSUMS = "SHA256SUMS"
"""The file of the checksums."""

ABANDONED_AFTER_S = 3600.0
"""A folder that was left unfinished for so long belongs to a process that was killed."""

_CHECKSUM = re.compile(r"([0-9a-f]{64})  (\S.*)")
_PUBLICATION = re.compile(r"[0-9a-f]{16,64}")
_UNFINISHED = ".unfinished-"
_UNSWITCHED = ".current-"


def publish(root: Path, digest: str, write: Callable[[Path], None]) -> Path:
    """Have `write` fill the folder `root/digest` unless it is there already, whole, and switch `root/current` to it.

    `digest` is hexadecimal. Returns the folder. Raises SettingError where `root` cannot be written.
    """
    folder = put(root, digest, write)
    switch(root, folder)
    return folder


def put(root: Path, digest: str, write: Callable[[Path], None]) -> Path:
    """The first half of that: the folder, complete, and no reader sees it yet."""
    folder = root / digest
    with _writable(root):
        if not root.is_dir():
            make_private(root.parent)
            root.mkdir(exist_ok=True)
            root.chmod(0o755)
        if not is_whole(folder):
            _fill(folder, write)
    return folder


def switch(root: Path, folder: Path, *, at: datetime | None = None) -> None:
    """The second half: from now on readers find this folder, which is of that time, and old ones go."""
    with _writable(root):
        _switch(root / "current", folder)
        if at is not None:
            os.utime(folder, (at.timestamp(), at.timestamp()))
    _remove_old(root, kept=folder)


@contextmanager
def _writable(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingError(
            f"the published files cannot be written here ({error.strerror or error})",
            where=str(error.filename or root),
            remedy="Make room and give the right to write there, or set EXPOSURE_HOME to another folder.",
        ) from error


def current_digest(root: Path) -> str | None:
    """The name of the publication that readers find; None where there is none."""
    try:
        return (root / "current").readlink().name
    except OSError:
        return None


def is_published(root: Path) -> bool:
    """Whether readers find a whole publication there."""
    return (root / "current" / "manifest.json").is_file() and is_whole(root / "current")


def left_out(root: Path) -> list[str]:
    """What the current publication's manifest says was left out of it, with the reasons."""
    try:
        manifest = json.loads((root / "current" / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return list(map(str, manifest.get("left_out", ())))


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of a publication when it was written, by its path in it.

    Empty where an earlier version wrote none. Raises ValueError where they cannot be read.
    """
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found = [_CHECKSUM.fullmatch(line) for line in lines]
    if not all(found):
        raise ValueError(f"{CHECKSUMS} is no list of checksums")
    return {match[2]: match[1] for match in found if match is not None}


def sha256_of(path: Path) -> str | None:
    """The SHA-256 of a file; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def is_whole(folder: Path) -> bool:
    """Whether every file that the list of checksums names is as it was written."""
    try:
        expected = checksums(folder)
    except ValueError:
        return False
    return folder.is_dir() and all(sha256_of(folder / name) == sha256 for name, sha256 in expected.items())


def withdraw(root: Path) -> bool:
    """Take the link away that readers follow; returns whether there was one. The folders stay until others come."""
    link = root / "current"
    if not link.is_symlink():
        return False
    link.unlink()
    return True


def _fill(folder: Path, write: Callable[[Path], None]) -> None:
    """Write the folder beside its place and put it there, instead of a damaged one if need be."""
    unfinished = Path(mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    damaged = unfinished.with_name(f"{unfinished.name}-damaged")
    try:
        write(unfinished)
        _write_checksums(unfinished)
        if folder.is_dir() and not is_whole(folder):
            folder.rename(damaged)
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process has published the same content meanwhile
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(damaged, ignore_errors=True)


def _write_checksums(folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / CHECKSUMS)
    lines = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


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
