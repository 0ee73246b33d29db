"""BLS's growth categories, by percent and by words."""

from __future__ import annotations

import pytest

from exposure_dagster.core.growth import GrowthCategory, growth_category, named_growth_category


@pytest.mark.parametrize(
    ("percent", "category"),
    [
        (-33.1, GrowthCategory.DECLINE),
        (-0.6, GrowthCategory.DECLINE),
        (0.0, GrowthCategory.LITTLE_OR_NO_CHANGE),
        (0.4, GrowthCategory.LITTLE_OR_NO_CHANGE),
        (2.4, GrowthCategory.SLOWER),
        (3.1, GrowthCategory.AVERAGE),
        (6.4, GrowthCategory.FASTER),
        (48.0, GrowthCategory.MUCH_FASTER),
    ],
)
def test_a_percentage_is_rounded_and_then_sorted_in(percent: float, category: GrowthCategory) -> None:
    assert growth_category(percent) is category


@pytest.mark.parametrize(
    ("percent", "category"),
    [
        (-0.5, GrowthCategory.LITTLE_OR_NO_CHANGE),
        (0.5, GrowthCategory.SLOWER),
        (2.5, GrowthCategory.AVERAGE),
        (4.5, GrowthCategory.FASTER),
        (6.5, GrowthCategory.MUCH_FASTER),
    ],
)
def test_halves_are_rounded_up(percent: float, category: GrowthCategory) -> None:
    assert growth_category(percent) is category


@pytest.mark.parametrize("category", list(GrowthCategory))
def test_every_category_is_known_by_its_words(category: GrowthCategory) -> None:
    assert named_growth_category(f" {category.upper()} (x% to y%)") is category


def test_much_faster_than_average_is_not_taken_for_what_its_words_end_with() -> None:
    assert named_growth_category("Much faster than average (7% or higher)") is GrowthCategory.MUCH_FASTER


@pytest.mark.parametrize("words", ["", "Rapid growth", "averages", "n/a"])
def test_other_words_are_no_category(words: str) -> None:
    assert named_growth_category(words) is None
