"""What is known of occupations beside their tasks: skills, software, work activities, related occupations.

O*NET rates or lists many of each; a few say what an occupation is about, and those are kept, what matters most first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from exposure_dagster.corpora.onet.database import OnetDatabase
from exposure_dagster.corpora.onet.occupations import OnetOccupation

MOST = 10
"""Features of a kind that are kept of an occupation. A release lists up to 20 related ones and hundreds of programs."""

COLUMNS = ("onet_code", "feature", "place", "name", "element_id", "importance")


def feature_table(occupations: Sequence[OnetOccupation], database: OnetDatabase | None) -> pd.DataFrame:
    """The features of the given occupations, by code, kind and place.

    Columns: onet_code, feature, place (1 matters most), name, element_id (of the content model, or the code of a
    related occupation; null of software), importance (1 to 5; null where none is rated).
    """
    titles = {occupation.onet_code: occupation.title for occupation in occupations}
    parts = [] if database is None else list(_parts(database, titles))
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    frame = pd.concat(parts, ignore_index=True)
    frame = frame[frame["onet_code"].isin(list(titles))].drop_duplicates(["onet_code", "feature", "name"])
    frame["place"] = frame.groupby(["onet_code", "feature"], sort=False).cumcount() + 1
    kept = frame[frame["place"] <= MOST].sort_values(["onet_code", "feature", "place"], ignore_index=True)
    return kept[list(COLUMNS)]


def _parts(database: OnetDatabase, titles: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    """The features of each kind, with those of an occupation that matter most before the others."""
    skills = [one for one in (database.essential_skills, database.transferable_skills) if one is not None]
    if skills:
        yield _rated(pd.concat(skills), "skills")
    if (software := database.software) is not None:
        wanted = software.assign(
            is_in_demand=software["is_in_demand"].fillna(False).astype(bool),
            is_hot=software["is_hot"].fillna(False).astype(bool),
        ).sort_values(["is_in_demand", "is_hot", "example"], ascending=[False, False, True], kind="stable")
        yield pd.DataFrame({"onet_code": wanted["onet_code"], "feature": "software", "name": wanted["example"]})
    if database.work_activities is not None:
        yield _rated(database.work_activities, "work_activities")
    if (related := database.related) is not None:
        related = related[related["related_code"].isin(list(titles))].sort_values("place", kind="stable")
        yield pd.DataFrame(
            {
                "onet_code": related["onet_code"],
                "feature": "related",
                "name": related["related_code"].map(dict(titles)),
                "element_id": related["related_code"],
            }
        )


def _rated(ratings: pd.DataFrame, feature: str) -> pd.DataFrame:
    """Elements by their importance; of equals the first of the content model."""
    ratings = ratings.sort_values(["value", "element_id"], ascending=[False, True], kind="stable")
    columns = {"element_name": "name", "value": "importance"}
    return ratings[["onet_code", "element_id", *columns]].rename(columns=columns).assign(feature=feature)
