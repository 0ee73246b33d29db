"""Where publications lie: in a folder of the home, or in the place of the data that several machines share.

Shared, the files are complete there before a row of the database names them as what is current, in one transaction.
Whoever reads has a copy in the home, proved by its checksums, behind the same link `current`: readers of a folder of
publications read that.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from exposure_dagster.core.errors import ExposureError, PublicationError, SettingError
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.publishing import publication
from exposure_dagster.publishing.publication import CHECKSUMS, KEPT_PUBLICATIONS

if TYPE_CHECKING:
    import psycopg
    from upath import UPath

FOLDER = "published"
"""Where publications lie in the place of the data."""

WAIT_S = 600.0
"""How long a publication waits for one of another machine, which may take minutes into a bucket."""

LOOKED_EVERY_S = 5.0
"""How often a server asks what is current."""

_AT_ONCE = 16
_ATTEMPTS = 3
_PAUSE_S = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pointer:
    """A publication that is current, or was: the digest that names it, and since when."""

    digest: str
    switched_at: datetime
    is_current: bool


@dataclass(frozen=True)
class PublishedFolder:
    """The publications, and which of them is current. `root` is their folder in the home."""

    root: Path
    shared: SharedStore | None = None

    def publish(self, digest: str, write: Callable[[Path], None]) -> Path:
        """Have `write` fill the publication of that digest, unless it is there already, whole, and make it current.

        Returns its folder in the home. Raises SettingError where it cannot be written.
        """
        if self.shared is None:
            return publication.publish(self.root, digest, write)
        folder = publication.put(self.root, digest, write)
        with _turn(self.shared) as database:
            self._upload(folder)
            pointer = _point_at(database, digest)
            publication.switch(self.root, folder, at=pointer.switched_at)
            for gone in _old(database):
                try:
                    self._remove(gone)
                except SettingError as error:  # what is new is published; what is old is looked at the next time
                    _log.warning("an old publication stays: %s", error)
                else:
                    database.execute("DELETE FROM exposure.publications WHERE digest = %s", [gone])
        return folder

    def withdraw(self) -> bool:
        """Let readers find nothing any more; says whether they found something. The files stay until others come."""
        if self.shared is None:
            return publication.withdraw(self.root)
        with _turn(self.shared) as database:
            ended = database.execute(
                "UPDATE exposure.publications SET is_current = false WHERE is_current RETURNING digest"
            ).fetchall()
        publication.withdraw(self.root)
        return bool(ended)

    def current(self) -> Path | None:
        """Where readers find what is current; None where nothing is.

        What is shared is copied into the home first. Raises PublicationError where no whole copy can be had, and
        WarehouseError where the database cannot be asked.
        """
        if self.shared is not None:
            self._follow(pointer_of(self.shared))
        link = self.root / "current"
        return link if link.is_dir() else None

    def is_published(self) -> bool:
        """Whether readers find a whole publication."""
        return self.current() is not None and publication.is_published(self.root)

    def left_out(self) -> list[str]:
        """What the current publication's manifest says was left out of it, with the reasons."""
        return [] if self.current() is None else publication.left_out(self.root)

    def keep_up(self, until: threading.Event | None = None) -> None:
        """Have the copy in the home follow what is current from now on, in a thread that ends with the process, or
        when `until` is set.

        Where the database cannot be asked what is in the home stays: a public site does not go with its database.
        """
        if self.shared is None:
            return
        try:
            self.current()
        except ExposureError as error:
            if not (self.root / "current").is_dir():
                raise
            _log.warning("what was copied last is served: %s", error)
        threading.Thread(
            target=self._look_again_and_again, args=[self.shared, until or threading.Event()], daemon=True
        ).start()

    def _look_again_and_again(self, shared: SharedStore, until: threading.Event) -> None:
        problem = ""
        while not until.wait(LOOKED_EVERY_S):
            try:
                pointer = pointer_of(shared)
                if (pointer.digest if pointer else None) != publication.current_digest(self.root):
                    self._follow(pointer)
                problem = ""
            except Exception as error:  # noqa: BLE001  whatever it was, the next look may find all well again
                if str(error) != problem:  # told once, not at every look
                    problem = str(error)
                    _log.warning("what was copied last is served: %s", problem)

    def _follow(self, pointer: Pointer | None) -> None:
        if pointer is None:
            publication.withdraw(self.root)
            return
        folder = publication.put(self.root, pointer.digest, lambda draft: self._download(pointer.digest, draft))
        publication.switch(self.root, folder, at=pointer.switched_at)

    def _upload(self, folder: Path) -> None:
        """All files, and the list of their checksums last. What is there as it should be is left alone."""
        there = self._there(folder.name)
        names = [*publication.checksums(folder), CHECKSUMS]
        with _told(there):
            for parent in sorted({(there / name).parent for name in names}, key=str):
                parent.mkdir(parents=True, exist_ok=True)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda name: _put(there / name, (folder / name).read_bytes()), names[:-1]))
            _put(there / CHECKSUMS, (folder / CHECKSUMS).read_bytes())

    def _download(self, digest: str, draft: Path) -> None:
        there = self._there(digest)
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE_S)  # it is being written again, perhaps
            with _told(there):
                try:
                    if _fetched(there, draft):
                        return
                except (FileNotFoundError, ValueError):
                    continue
        raise PublicationError(
            f"publication {digest} is damaged or incomplete there",
            where=str(there.parent),
            remedy="Publish again, with `exposure run` or by materializing published/exports.",
        )

    def _remove(self, digest: str) -> None:
        there = self._there(digest)
        with _told(there):
            there.fs.rm(there.path, recursive=True) if there.exists() else None

    def _there(self, digest: str) -> UPath:
        from upath import UPath

        assert self.shared is not None
        return UPath(self.shared.data_url) / FOLDER / digest


def pointer_of(shared: SharedStore) -> Pointer | None:
    """What is current on all machines; None where nothing is."""
    from exposure_dagster.store.database import connected

    with connected(shared) as database:
        from psycopg.errors import UndefinedTable

        try:
            rows = database.execute(
                "SELECT digest, switched_at, is_current FROM exposure.publications WHERE is_current"
            ).fetchall()
        except UndefinedTable:  # nothing was ever published
            return None
    return Pointer(*rows[0]) if rows else None


@contextmanager
def _turn(shared: SharedStore) -> Iterator[psycopg.Connection]:
    from exposure_dagster.store.database import make_schema, turn

    with turn(shared, "publishing", wait_s=WAIT_S) as database:
        make_schema(database)
        database.execute(
            "CREATE TABLE IF NOT EXISTS exposure.publications (digest TEXT PRIMARY KEY,"
            " switched_at TIMESTAMPTZ NOT NULL, is_current BOOLEAN NOT NULL)"
        )
        database.execute(
            "CREATE UNIQUE INDEX IF NOT EXISTS one_is_current ON exposure.publications (is_current) WHERE is_current"
        )
        yield database


def _point_at(database: psycopg.Connection, digest: str) -> Pointer:
    with database.transaction():
        database.execute(
            "UPDATE exposure.publications SET is_current = false WHERE is_current AND digest != %s", [digest]
        )
        ((switched_at,),) = database.execute(
            "INSERT INTO exposure.publications VALUES (%s, clock_timestamp(), true) ON CONFLICT (digest) DO UPDATE"
            " SET is_current = true, switched_at = CASE WHEN publications.is_current THEN publications.switched_at"
            " ELSE excluded.switched_at END RETURNING switched_at",
            [digest],
        ).fetchall()
    return Pointer(digest, switched_at, is_current=True)


def _old(database: psycopg.Connection) -> list[str]:
    """All but the last ones, by when they were current, which one clock says for all machines."""
    return [
        digest
        for (digest,) in database.execute(
            "SELECT digest FROM exposure.publications WHERE NOT is_current AND digest NOT IN (SELECT digest"
            f" FROM exposure.publications ORDER BY switched_at DESC LIMIT {KEPT_PUBLICATIONS})"
        ).fetchall()
    ]


def _put(there: UPath, content: bytes) -> None:
    """Have a file of that content there, whole at every moment for who reads it."""
    with suppress(FileNotFoundError):
        if there.read_bytes() == content:
            return
    if there.protocol:  # of a bucket an object is there when all of it is
        there.write_bytes(content)
        return
    draft = there.with_name(f"{there.name}.{os.getpid()}-{threading.get_ident()}.new")
    draft.write_bytes(content)
    draft.replace(there)


def _fetched(there: UPath, draft: Path) -> bool:
    """Copy what the list of checksums names; says whether all of it is as it was written."""
    (draft / CHECKSUMS).write_bytes((there / CHECKSUMS).read_bytes())
    expected = publication.checksums(draft)
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in expected):
        raise ValueError(f"{CHECKSUMS} names files outside of the publication")
    for parent in {(draft / name).parent for name in expected}:
        parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda name: (draft / name).write_bytes((there / name).read_bytes()), expected))
    return bool(expected) and publication.is_whole(draft)


@contextmanager
def _told(there: UPath) -> Iterator[None]:
    """An error of the place of the data as one that a user can mend."""
    try:
        yield
    except FileNotFoundError:
        raise
    except _errors_of_places() as error:
        raise SettingError(
            f"the published files cannot be read or written there ({getattr(error, 'strerror', None) or error})",
            where=str(there),
            remedy="Look at EXPOSURE_DATA_URL, and whether this user has the right to it.",
        ) from error


def _errors_of_places() -> tuple[type[Exception], ...]:
    """What a folder or a bucket that cannot be used raises."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return (OSError,)
    return (OSError, BotoCoreError, ClientError)
