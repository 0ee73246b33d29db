"""What the page makes of values: bins, tiers, the first threshold, decimals."""

from __future__ import annotations

import base64
import gzip
import json
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Browser, Route

from exposure_dagster.core.columns import plain
from exposure_dagster.corpora.registry import corpus_of
from exposure_dagster.corpora.terms import EDUCATION_ORDER
from exposure_dagster.prompts.model import Tier
from exposure_dagster.publishing.site.sets import documents_set
from exposure_dagster.ranking.rankings import assign_tiers

pytestmark = pytest.mark.browser

SCALES = {
    (0, 10): [(0, 3), (4, 6), (7, 10)],
    (1, 5): [(1, 1.9), (2, 2.9), (3, 3.9), (4, 5)],
    (0, 1): [(0, 0.2499), (0.25, 0.7499), (0.75, 1)],
    (-1, 1): [(-1, -0.31), (-0.3, 0.29), (0.3, 1)],
    (0.1, 0.7): [(0.1, 0.29), (0.3, 0.7)],
    (0, 100): [(0, 33), (34, 66), (67, 100)],
    (0, 3): [(0, 0.8), (0.9, 3)],
}
"""Tiers by scale: of whole numbers and of others, with gaps between them."""

PARTS = 1200

READ = """
async (packed) => {
  globalThis.packedData = packed;
  const store = await import("/store.js");
  return store.layers.map((layer) => ({
    bins: layer.value.map((value) => layer.bins.filter((bin) => store.holds(bin, null, value)).length),
    tiers: layer.value.map((value) =>
      layer.groups.filter((group) => store.holds(group, null, value)).map((group) => group.label)),
    ends: layer.bins.map((bin) => [bin.low, bin.high]),
    threshold: layer.threshold,
    decimals: layer.decimals,
  }));
}
"""


def tiers_of(ranges: list[tuple[float, float]]) -> list[Tier]:
    return [Tier(label=f"tier {position}", range=bounds) for position, bounds in enumerate(ranges)]


def values_on(low: float, high: float) -> list[Any]:
    """The scale in 1,200 parts: every end of a tenth, a third, a quarter, and of each tier to two decimals."""
    return [plain(low + (high - low) * part / PARTS) for part in range(PARTS + 1)]


def read_layers(chromium: Browser, layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the page's own scripts make of layers, in an empty page."""
    ids = [f"d{position}" for position in range(PARTS + 1)]
    rows = pd.DataFrame({"doc_id": ids, "category": None})
    documents = documents_set(corpus_of("values"), rows, rows)
    content = {
        "sets": [documents],
        "layers": layers,
        "education": list(EDUCATION_ORDER),
        "outlook": [],
    }
    packed = base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()
    page = chromium.new_page()
    page.route("**/*", _source)
    try:
        page.goto("http://sources.invalid/")
        found: list[dict[str, Any]] = page.evaluate(READ, packed)
    finally:
        page.close()
    return found


def _source(route: Route) -> None:
    """A module of the page's sources; an empty page where none is named."""
    name = urlsplit(route.request.url).path.removeprefix("/")
    file = files("exposure_dagster.publishing.site").joinpath("web", "src", name)
    if name:
        route.fulfill(body=file.read_text(encoding="utf-8"), content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html><title>Sources</title>", content_type="text/html")


def layer(name: str, low: float, high: float, tiers: list[Tier], value: list[Any]) -> dict[str, Any]:
    bounds = [{"label": tier.label, "low": tier.range[0], "high": tier.range[1]} for tier in tiers]
    return {"id": name, "set": "values", "kind": "score", "title": name, "low": low, "high": high} | {
        "tiers": bounds,
        "value": value,
    }


@pytest.fixture(scope="module")
def read(chromium: Browser) -> dict[tuple[float, float], dict[str, Any]]:
    layers = [
        layer(f"{low} to {high}", low, high, tiers_of(ranges), values_on(low, high))
        for (low, high), ranges in SCALES.items()
    ]
    return dict(zip(SCALES, read_layers(chromium, layers), strict=True))


@pytest.mark.parametrize("scale", SCALES)
def test_every_value_is_in_exactly_one_bin(
    read: dict[tuple[float, float], dict[str, Any]], scale: tuple[float, float]
) -> None:
    assert set(read[scale]["bins"]) == {1}
    ends = read[scale]["ends"]
    assert [high for _, high in ends[:-1]] == [low for low, _ in ends[1:]], "one bin ends where the next begins"


@pytest.mark.parametrize("scale", SCALES)
def test_every_value_is_in_the_one_tier_that_the_ranking_gives_it(
    read: dict[tuple[float, float], dict[str, Any]], scale: tuple[float, float]
) -> None:
    expected = assign_tiers(pd.Series(values_on(*scale), dtype="float64"), tiers_of(SCALES[scale]))
    assert read[scale]["tiers"] == [[label] for label in expected]


def test_the_first_threshold_is_where_a_tier_begins_if_one_begins_near_seven_tenths(
    read: dict[tuple[float, float], dict[str, Any]],
) -> None:
    assert read[1, 5]["threshold"] == 4
    assert read[0, 1]["threshold"] == 0.75
    assert read[0, 10]["threshold"] == 7
    assert read[0, 3]["threshold"] == 2.1, "no tier begins near"


def test_the_first_threshold_is_one_that_some_value_reaches(chromium: Browser) -> None:
    values = [min(value, 3.8) for value in values_on(1, 5)]
    (found,) = read_layers(chromium, [layer("low", 1, 5, tiers_of(SCALES[1, 5]), values)])
    assert found["threshold"] == 3


def test_whole_scores_have_no_decimals_fractional_ones_one_and_shares_three(chromium: Browser) -> None:
    whole, fractional, shares = read_layers(
        chromium,
        [
            layer("whole", 0, 10, [], [part % 11 for part in range(PARTS + 1)]),
            layer("fractional", 0, 10, [], values_on(0, 10)),
            layer("shares", 0, 1, [], values_on(0, 1)),
        ],
    )
    assert [one["decimals"] for one in (whole, fractional, shares)] == [0, 1, 3]
