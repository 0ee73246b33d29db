"""Roles find their occupations among all of O*NET's titles."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from exposure_dagster.corpora.onet.database import OnetDatabase, read_onet_database
from exposure_dagster.corpora.onet.roles import occupations_of_release
from exposure_dagster.matching.matcher import Matcher, Role, plain_title

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def release(shared_dir: Path) -> OnetDatabase:
    downloads = shared_dir / "data" / "downloads"
    longer = read_onet_database(downloads / "onet_titles", required=["job_titles"])
    return replace(read_onet_database(downloads / "onet_db"), job_titles=longer.job_titles)


def test_reported_titles_are_found_without_their_exact_strings(release: OnetDatabase) -> None:
    """To reach: the first of the candidates for 60 of 100, one of five for 82. What is accepted is right."""
    assert release.reported_titles is not None
    occupations_of = defaultdict(set)
    for code, title in release.reported_titles[["onet_code", "reported_title"]].itertuples(index=False, name=None):
        occupations_of[title].add(code)
    titles = random.Random(13).sample(sorted(occupations_of), 1_500)
    drawn = {plain_title(title) for title in titles}
    without = [
        replace(
            one,
            name="" if plain_title(one.name) in drawn else one.name,
            titles=[title for title in one.titles if plain_title(title) not in drawn],
        )
        for one in occupations_of_release(release)
    ]
    matches = Matcher(without).match([Role(title) for title in titles])
    rows = [(occupations_of[title], match) for title, match in zip(titles, matches, strict=True)]
    first = [bool(match.candidates) and match.candidates[0].onet_code in codes for codes, match in rows]
    five = [any(one.onet_code in codes for one in match.candidates) for codes, match in rows]
    accepted = [match.accepted.onet_code in codes for codes, match in rows if match.accepted is not None]
    assert sum(first) / len(titles) >= 0.60
    assert sum(five) / len(titles) >= 0.82
    assert len(accepted) / len(titles) >= 0.20
    assert sum(accepted) / len(accepted) >= 0.90


def test_titles_of_soc_find_the_occupation_of_their_code(shared_dir: Path, release: OnetDatabase) -> None:
    """Microsoft's table has 785 of them, some of which O*NET has divided or put together."""
    table = pd.read_csv(shared_dir / "data" / "reference" / "microsoft_ai_applicability_scores.csv")
    matches = Matcher(occupations_of_release(release)).match([Role(title) for title in table["title"]])
    accepted = [
        match.accepted.onet_code.startswith(code)
        for code, match in zip(table["SOC Code"], matches, strict=True)
        if match.accepted is not None
    ]
    assert len(accepted) >= 770
    assert all(accepted)
