"""What sensors see of a home, and remember: a look at one that nobody has changed since costs no query.

Sensors look every few seconds, all day, and ask the same. What they saw is kept by the process that they are evaluated
in, with the size and the time of change of the home's files, as `exposure run` tells a home that has not changed; where
machines share a database, with the state of what lies there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import TypeVar

from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.published import ranked_fingerprint
from exposure_dagster.pipeline.standing import PromptStanding, standings
from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.publishing.content import Addresses
from exposure_dagster.scoring.mirror import ledger_path, state_of_ledger
from exposure_dagster.store.warehouse import Warehouse

Seen = TypeVar("Seen")

SETTLED_AFTER_S = 2.0
"""A file that was changed later than this before a look may be changed once more without a trace in its time."""

REMEMBERED: dict[str, tuple[object, object]] = {}
"""By kind of look, what was looked at, and what was seen; a process begins with nothing."""

_remembering = Lock()


def standings_now(warehouse: Warehouse, folder: PromptFolder, choice: ScorerChoice) -> list[PromptStanding]:
    """How every prompt file stands, as `standings` has it."""
    return _seen("standings", warehouse, (warehouse, folder, choice), lambda: standings(warehouse, folder, choice))


def fingerprint_now(warehouse: Warehouse, folder: PromptFolder, addresses: Addresses) -> str | None:
    """What is to be published, as `ranked_fingerprint` has it."""
    presented = (folder.what_is_broken, addresses, folder.composites)
    return _seen("fingerprint", warehouse, (warehouse, *presented), lambda: ranked_fingerprint(warehouse, *presented))


def _seen(what: str, warehouse: Warehouse, asked: object, look: Callable[[], Seen]) -> Seen:
    revision = _revision(warehouse)
    with _remembering:
        before = REMEMBERED.get(what)
    if revision is not None and before is not None and before[0] == (revision, asked):
        found: Seen = before[1]  # type: ignore[assignment]  # what this look found under this name
        return found
    found = look()
    with _remembering:
        if revision is not None and revision == _revision(warehouse):
            REMEMBERED[what] = ((revision, asked), found)
        else:
            REMEMBERED.pop(what, None)
    return found


def _revision(warehouse: Warehouse) -> tuple[object, ...] | None:
    """The state of the home's files, or of what machines share; None where it may be changed without a trace in it."""
    if warehouse.shared is not None:
        from exposure_dagster.store.lake import state_of

        return state_of(warehouse.shared), state_of_ledger(warehouse)
    files = []
    for path in _files(warehouse):
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_size == 0:  # the log of a database that is closed and opened, by a look even
            continue
        if status.st_mtime > time.time() - SETTLED_AFTER_S:
            return None
        files.append((path.name, status.st_size, status.st_mtime_ns, status.st_ino))
    return tuple(files)


def _files(warehouse: Warehouse) -> Iterator[Path]:
    for path in (warehouse.path, ledger_path(warehouse)):
        yield path
        yield path.with_name(f"{path.name}.wal")
        yield path.with_name(f"{path.name}-wal")
