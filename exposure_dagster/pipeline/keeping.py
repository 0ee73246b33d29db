"""Keeping a home for years: backups, and whether what is there is whole and holds what it promises."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from exposure_dagster.core.checks import rows_fit_the_registry
from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import ExposureError, WarehouseError
from exposure_dagster.core.private import make_private
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.publishing.places import PublishedFolder
from exposure_dagster.publishing.publication import checksums, sha256_of
from exposure_dagster.scoring.ledger import Ledger
from exposure_dagster.scoring.ledger_checks import promises
from exposure_dagster.scoring.ledger_file import LedgerFile, is_corrupt
from exposure_dagster.scoring.mirror import (
    copy_ledger,
    copy_to_warehouse,
    copy_warehouse,
    differences,
    ledger_path,
    open_ledger,
)
from exposure_dagster.store.migrations import UpgradeError
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import TABLES

BACKUPS = "backups"
FILE_IS_WHOLE = "ledger, file is whole"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is as it should be, and what was found."""

    what: str
    is_sound: bool
    found: str


def back_up(warehouse: Warehouse, folder: Path | None = None) -> list[Path]:
    """Copy warehouse and ledger, each whole, into a new folder below `folder` (the home's `backups/`).

    Returns the copies, which were opened and read. Where machines share a database it is the ledger alone, as a file
    that an empty database takes over from a home: the rest is made again without paying. Raises WarehouseError where
    there is nothing to copy, or a copy cannot be written.
    """
    if warehouse.shared is not None:
        return [_back_up_shared_ledger(warehouse, folder)]
    if not warehouse.exists:
        raise WarehouseError(
            "there is no warehouse to copy", where=str(warehouse.path), remedy="Look at EXPOSURE_HOME."
        )
    root = folder or warehouse.path.parent / BACKUPS
    target = root / f"{utc_now():%Y%m%dT%H%M%S}"
    try:
        make_private(target)
        copies = [target / warehouse.path.name, target / ledger_path(warehouse).name]
        ledger = open_ledger(warehouse)
        copy_warehouse(warehouse, copies[0])  # first, so that the ledger's copy is never the older one
        copy_ledger(ledger, copies[1])
    except OSError as error:
        raise _not_written(error, target) from error
    copied = Warehouse(copies[0])
    broken = [one for one in check(copied) if not one.is_sound]
    _remove_logs(copies[1])
    if broken:
        raise _not_sound(broken[0], target)
    return copies


def _not_written(error: OSError, target: Path) -> WarehouseError:
    return WarehouseError(
        f"the backup cannot be written ({error.strerror or error})",
        where=str(error.filename or target),
        remedy="Make room there, or name another folder.",
    )


def _not_sound(found: Finding, target: Path) -> WarehouseError:
    return WarehouseError(
        f"the copy is not sound ({found.what}: {found.found})",
        where=str(target),
        remedy="See `exposure check`: what was copied has the same damage.",
    )


def _remove_logs(ledger: Path) -> None:
    """Those of the look that was just taken: a copy is complete without them."""
    for suffix in ("-wal", "-shm"):
        ledger.with_name(ledger.name + suffix).unlink(missing_ok=True)


def _back_up_shared_ledger(warehouse: Warehouse, folder: Path | None) -> Path:
    copied = ledger_path(warehouse)
    target = (folder or warehouse.path.parent / BACKUPS) / f"{utc_now():%Y%m%dT%H%M%S}" / copied.name
    try:
        make_private(target.parent)
        copy_ledger(open_ledger(warehouse), target)
    except OSError as error:
        raise _not_written(error, target) from error
    broken = [one for one in _promises(Ledger(LedgerFile(target))) if not one.is_sound]
    _remove_logs(target)
    if broken:
        raise _not_sound(broken[0], target.parent)
    return target


def check(warehouse: Warehouse, published: PublishedFolder | None = None) -> list[Finding]:
    """Look at everything: the ledger and its promises, every table, the copy of the ledger, the published files."""
    ledger = str(ledger_path(warehouse)) if warehouse.shared is None else warehouse.shared.shown
    findings: list[Finding] = []
    ledger_is_readable = _look(findings, ledger, lambda: _promises(open_ledger(warehouse)))
    warehouse_is_readable = _look(findings, warehouse.place, lambda: _tables(warehouse))
    if ledger_is_readable and warehouse_is_readable:
        _look(findings, "the warehouse's copy of the ledger", lambda: _copies(open_ledger(warehouse), warehouse))
    if published is not None and (published.shared is not None or published.root.is_dir()):
        _look(findings, str(published.root), lambda: _published(published))
    return findings


def rebuild(warehouse: Warehouse) -> list[str]:
    """Make anew what can be made anew: the copy of the ledger, or a file that cannot be read from the other one.

    A damaged file is set aside, never removed. What lies in a database is not: that is restored by its own means.
    Returns what was done. Raises an ExposureError where nothing helps.
    """
    done = []
    path = ledger_path(warehouse)
    if warehouse.shared is None and _is_damaged(warehouse.path, lambda: _tables(warehouse)):
        done.append(_set_aside(warehouse.path) + "; `exposure run` fills a new one, and asks for nothing that is paid")
        with warehouse.connect():
            pass
    if warehouse.shared is not None:
        _refuse_damage(warehouse.shared, _promises(open_ledger(warehouse)))
    elif _is_damaged(path, lambda: _promises(open_ledger(warehouse))):
        done.append(_set_aside(path) + "; the warehouse's copy takes its place")
    copy_to_warehouse(open_ledger(warehouse), warehouse, is_made_anew=True)
    return [*done, "the warehouse's copy of the ledger is made anew"]


def _refuse_damage(shared: SharedStore, promises: Iterator[Finding]) -> None:
    if damaged := next((one for one in promises if one.what == FILE_IS_WHOLE and not one.is_sound), None):
        raise WarehouseError(
            f"the ledger in the database is damaged, and a database is not made anew from here ({damaged.found})",
            where=shared.shown,
            remedy="Restore it from its own backup (pg_dump), or bring what `exposure backup` wrote to an empty one.",
        )


def _look(findings: list[Finding], what: str, look: Callable[[], Iterator[Finding]]) -> bool:
    """Add what a look finds; says whether it could be taken at all."""
    try:
        findings.extend(look())
    except ExposureError as error:
        findings.append(Finding(what, False, str(error)))
    except (duckdb.Error, OSError, ValueError) as error:
        findings.append(Finding(what, False, f"it cannot be read ({str(error).splitlines()[0]})"))
    else:
        return True
    return False


def _promises(ledger: Ledger) -> Iterator[Finding]:
    for promise in promises(ledger):
        found = f"{promise.description}: {f'broken {promise.broken:,} times' if promise.broken else 'it holds'}"
        yield Finding(f"ledger, {promise.name.replace('_', ' ')}", not promise.broken, found)


def _tables(warehouse: Warehouse) -> Iterator[Finding]:
    with warehouse.connect(read_only=True) as connection:
        for table in TABLES.values():
            ((rows, _),) = connection.execute(
                f"SELECT count(*), bit_xor(hash(t)) FROM {table.full_name} t"  # reads every cell
            ).fetchall()
            outcome = rows_fit_the_registry(connection, table)
            if rows or not outcome.passed:
                yield Finding(table.full_name, outcome.passed, f"{rows:,} rows; {outcome.description}")
        ((missing,),) = connection.execute(
            "SELECT count(*) FROM scored.responses r WHERE is_accepted AND NOT EXISTS"
            " (SELECT 1 FROM parsed.texts t WHERE t.text_sha256 = r.text_sha256)"
        ).fetchall()
    said = (
        f"the texts of {missing:,} accepted answers are not stored" if missing else "every accepted answer has its text"
    )
    yield Finding("what was asked about", not missing, said)


def _copies(ledger: Ledger, warehouse: Warehouse) -> Iterator[Finding]:
    found = differences(ledger, warehouse)
    for one in found:
        yield Finding(
            f"copy of the ledger, {one.table}", False, f"{one.figure}: {one.warehouse:,.0f}, not {one.ledger:,.0f}"
        )
    if not found:
        yield Finding("copy of the ledger", True, "the warehouse holds what the ledger does")


def _published(published: PublishedFolder) -> Iterator[Finding]:
    current = published.current()
    if current is None:
        is_dangling = (published.root / "current").is_symlink()
        yield Finding("published files", not is_dangling, "nothing is published")
        return
    expected = checksums(current)
    damaged = [name for name, sha256 in expected.items() if sha256_of(current / name) != sha256]
    said = (
        f"damaged: {', '.join(damaged)}; `exposure run` publishes them again" if damaged else "all as they were written"
    )
    yield Finding("published files", not damaged, f"{len(expected):,} files, {said}")


def _is_damaged(path: Path, look: Callable[[], Iterator[Finding]]) -> bool:
    """Whether the file is there and its content is at fault: not its lock, its rights or its version."""
    try:
        if not path.is_file() or not path.stat().st_size:
            return False
        return any(one.what == FILE_IS_WHOLE and not one.is_sound for one in look())
    except duckdb.Error:
        return True
    except UpgradeError:
        return False
    except ExposureError as error:
        cause = error.__cause__
        if isinstance(cause, sqlite3.DatabaseError):
            return is_corrupt(cause)
        return isinstance(cause, duckdb.Error)


def _set_aside(path: Path) -> str:
    kept = path.with_name(f"{path.name}.damaged-{utc_now():%Y%m%dT%H%M%S}")
    for suffix in ("", "-wal", "-shm", ".wal"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return f"{path.name} cannot be read and is set aside as {kept.name}"
