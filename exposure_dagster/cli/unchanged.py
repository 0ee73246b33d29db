"""Whether a run would find everything as the last one left it: then there is nothing to fetch, ask, rank or publish.

What a run over saved pages does follows from files alone: the pages, prompts, documents, prices and our own code, and
what stands in the home. A run that left nothing to do notes the size and the time of change of each, as `make` and git
tell a file that has changed. While all of it is as noted, the next run needs neither Dagster nor a look into a table.

The note holds for as many hours as a page of a live site is not asked for again; then a run looks at everything, so
that Dagster's checks and events are no older. A live site has no note: its own rules say what is due there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from exposure_dagster.core.errors import SettingError
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.corpora.own.mapping import mapping_file
from exposure_dagster.scoring.mirror import ledger_path, state_of_ledger
from exposure_dagster.settings import PACKAGE_FOLDER, Settings
from exposure_dagster.sources.sites import open_site

NOTE = "nothing_to_do"


def inputs_digest(settings: Settings, names: Sequence[str]) -> str:
    """Of what a run for these prompts (all enabled ones where none is named) reads outside its home.

    It is taken before anything is read: what changes while the run goes on is not as noted.
    """
    values = settings.model_dump(mode="json")
    return content_hash([values, _asked_at(settings), settings.scorer_in_force, list(names), _stats(_inputs(settings))])


def is_unchanged(settings: Settings, inputs: str) -> bool:
    """Whether a run with these inputs has nothing to do."""
    note = _note(settings)
    try:
        age_s = time.time() - note.stat().st_mtime
        noted = note.read_text(encoding="utf-8")
    except OSError:
        return False
    is_young = 0 <= age_s < settings.refetch_after_hours * 3600
    return is_young and _saved_pages(settings) is not None and noted == _state(settings, inputs)


def note_unchanged(settings: Settings, inputs: str) -> None:
    """Note that a run with these inputs has just left nothing to do."""
    if _saved_pages(settings) is not None:
        _note(settings).write_text(_state(settings, inputs), encoding="utf-8")


def _note(settings: Settings) -> Path:
    return settings.dagster_home / NOTE  # gone with Dagster's events, which a run would write again


def _state(settings: Settings, inputs: str) -> str:
    return content_hash([inputs, _stats(_home(settings)), _elsewhere(settings)])


def _elsewhere(settings: Settings) -> list[object]:
    """How what several machines share stands, whichever of them changed it."""
    if settings.shared is None:
        return []
    from exposure_dagster.publishing.places import pointer_of
    from exposure_dagster.store.lake import state_of

    pointer = pointer_of(settings.shared)
    return [state_of(settings.shared), pointer and pointer.digest, state_of_ledger(settings.warehouse)]


def _saved_pages(settings: Settings) -> Path | None:
    """The folder that pages come from; None of a live site, and where what is set cannot be used."""
    try:
        return open_site(settings.sites, contact=settings.contact).folder
    except (SettingError, RuntimeError):
        return None


def _inputs(settings: Settings) -> Iterator[Path]:
    yield from (PACKAGE_FOLDER, PACKAGE_FOLDER.parent / "assets", PACKAGE_FOLDER.parent / "resources")
    own = [corpus.path for corpus in settings.own_corpora]
    yield from (settings.prompts, *own, *map(mapping_file, own))
    yield from (index.path for index in settings.named_indices if index.path is not None)
    files = (_saved_pages(settings), settings.prices, settings.matches, *settings.saved_sources.values())
    yield from (place for place in files if place is not None)


def _home(settings: Settings) -> Iterator[Path]:
    yield from settings.home.glob(f"{settings.warehouse_file.name}*")
    yield from (ledger_path(settings.warehouse), settings.published_folder / "current")
    history = settings.dagster_home / "history"
    yield from (history / "runs.db", history / "runs" / "index.db")


def _stats(places: Iterable[Path]) -> list[tuple[str, int, int, int]]:
    return sorted(
        (str(path), status.st_size, status.st_mtime_ns, status.st_ino)
        for place in places
        for path in _files(place)
        if (status := path.stat())
    )


_NOTHING_OF_OURS = ("__pycache__", "node_modules")
"""Folders that Python and npm fill."""


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    elif place.is_dir():
        for folder, inner, names in os.walk(place.resolve()):
            inner[:] = [name for name in inner if name not in _NOTHING_OF_OURS]
            yield from (Path(folder, name) for name in names)


def _asked_at(settings: Settings) -> list[list[object]]:
    """Where models are asked, and whether they can be; the values of these variables are not shown in `values`."""
    return [[name, endpoint.address, endpoint.is_usable] for name, endpoint in settings.endpoints.by_provider.items()]
