"""How sure scores are and how far they agree, as the site's data have it."""

from __future__ import annotations

from typing import Any

import pytest

from exposure_dagster.publishing.content import PublishedContent
from exposure_dagster.publishing.site.document import site_document
from exposure_dagster.ranking.how_sure import MEANING, ONE_ANSWER
from exposure_dagster.ranking.uncertainty import Method
from tests.unit.publishing.site_content import INDEX, LEFT_OUT_ERROR, site_content


@pytest.fixture(scope="module")
def content() -> PublishedContent:
    return site_content()


@pytest.fixture(scope="module")
def document(content: PublishedContent) -> dict[str, Any]:
    return site_document(content)


def layer(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in document["layers"] if one["id"] == name)


def test_what_is_the_same_for_every_score_is_written_once(document: dict[str, Any]) -> None:
    sure = layer(document, "exposure")["sure"]
    assert (sure["method"], sure["se"]) == ("left-out examples", LEFT_OUT_ERROR)
    assert sure["half"] == pytest.approx(1.645 * LEFT_OUT_ERROR, abs=0.001)
    assert sure["notes"] == [MEANING[Method.LEFT_OUT]]


def test_the_half_width_gives_the_published_interval_once_it_is_cut_off_at_the_ends_of_the_scale(
    content: PublishedContent, document: dict[str, Any]
) -> None:
    (documents,) = document["sets"]
    for table in content.tables:
        if table.stem != "uncertainty" or not table.rows["se"].notna().any():
            continue
        shown = layer(document, str(table.prompt))
        rows = table.rows.set_index("doc_id").reindex(documents["id"])
        half = shown["sure"]["half"]
        widths = half if isinstance(half, list) else [half] * len(rows)
        for value, width, low, high in zip(shown["value"], widths, rows["lo90"], rows["hi90"], strict=True):
            if value is not None:
                assert max(0, value - width) == pytest.approx(low, abs=0.001)
                assert min(10, value + width) == pytest.approx(high, abs=0.001)


def test_scores_without_an_interval_say_why_and_take_no_room(document: dict[str, Any]) -> None:
    assert layer(document, "two_variable")["sure"] == {"notes": [ONE_ANSWER]}


def test_thresholds_have_the_shares_of_the_summaries(content: PublishedContent, document: dict[str, Any]) -> None:
    summaries = content.prompts[0].summaries.set_index(["grouping", "group_label"])
    row = summaries.loc[("score_threshold", "score ≥ 7")]
    expected = [7.0, *(round(row[name], 3) for name in ("expected_share", "share_lo", "share_hi"))]
    assert layer(document, "exposure")["sure"]["shares"][0] == expected


def test_an_index_stands_once_for_all_prompts_with_nulls_where_it_is_silent(document: dict[str, Any]) -> None:
    (documents,) = document["sets"]
    values = dict(zip(documents["id"], documents["indices"][INDEX], strict=True))
    assert (values["roofers"], values["actors"]) == (0.91, None)
    (row,) = layer(document, "exposure")["agreement"]
    assert (row["reference"], row["n"]) == (INDEX, 12)
    assert "agreement" not in layer(document, "robotics")


def test_without_the_tables_nothing_is_added(content: PublishedContent) -> None:
    plain = site_document(PublishedContent(content.prompts, shown=content.shown, changes=content.changes))
    assert all("sure" not in one and "agreement" not in one for one in plain["layers"])
    assert all("error_group" not in one and "indices" not in one for one in plain["sets"])
