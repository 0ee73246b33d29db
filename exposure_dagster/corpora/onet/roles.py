"""O*NET's occupations as what roles are matched with: their names, titles, duties and relatives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exposure_dagster.corpora.corpus import RoleIndex
from exposure_dagster.corpora.onet.tables import ONET_OCCUPATIONS, ONET_TASKS, ONET_TITLES

if TYPE_CHECKING:
    import pandas as pd

    from exposure_dagster.corpora.onet.database import OnetDatabase
    from exposure_dagster.matching.matcher import KnownOccupation


def occupations_of_release(release: OnetDatabase) -> list[KnownOccupation]:
    """The occupations of a release of the database, with their titles and duties."""
    from exposure_dagster.matching.matcher import known_occupations

    titles = (
        (release.reported_titles, "reported_title"),
        (release.job_titles, "job_title"),
        (release.job_titles, "short_title"),
    )
    return known_occupations(
        _rows(release.occupations, "title", "description"),
        [row for frame, column in titles for row in _rows(frame, column)],
        _rows(release.tasks, "task"),
    )


def _rows(frame: pd.DataFrame | None, *columns: str) -> list[tuple[str, ...]]:
    """Code and columns, of the rows that have the first of them."""
    if frame is None:
        return []
    return list(frame[["onet_code", *columns]].dropna(subset=columns[:1]).itertuples(index=False, name=None))


def _of_saved(release: Path) -> Sequence[KnownOccupation]:
    from exposure_dagster.corpora.onet.database import read_onet_database

    return occupations_of_release(read_onet_database(release))


ROLE_INDEX = RoleIndex(
    names="SELECT onet_code, title, description FROM parsed.onet_occupations WHERE title IS NOT NULL",
    titles="SELECT onet_code, title FROM parsed.onet_titles",
    duties="SELECT onet_code, task FROM parsed.onet_tasks WHERE task IS NOT NULL",
    neighbours="SELECT onet_code, name, place FROM parsed.onet_features WHERE feature = 'related'",
    tables=(ONET_OCCUPATIONS, ONET_TITLES, ONET_TASKS),
    made_from=(
        *(f"parsed.onet_occupations.{name}" for name in ("onet_code", "title", "description")),
        *("parsed.onet_titles.title", "parsed.onet_tasks.task"),
    ),
    setting="onet_database",
    of_saved=_of_saved,
)
