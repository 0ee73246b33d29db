"""Formulas that prompt files declare, checked: of the resilience ranking, and from tasks to occupations.

What their numbers do is in `resilience` and `task_rollup`. No frames here, and no pandas.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from exposure_dagster.core.growth import GrowthCategory

_TOLERANCE = 1e-9

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Weight = Annotated[FiniteFloat, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AttributeGroup(_Strict):
    """Attributes that are averaged by weight, and the share of their mean in the score."""

    share: Share
    weights: dict[str, Weight] = Field(min_length=1)


class Ceiling(_Strict):
    """Where all of `attributes` are at most `at_most`, the score is at most `score`."""

    attributes: tuple[str, ...] = Field(min_length=1)
    at_most: FiniteFloat
    score: FiniteFloat


class Floor(_Strict):
    """Where any of `attributes` is at least `at_least`, the score is at least `score`."""

    attributes: tuple[str, ...] = Field(min_length=1)
    at_least: FiniteFloat
    score: FiniteFloat


class Signals(_Strict):
    """Weights of the score and of the two labour-market signals in the final ranking; together 1."""

    score: Share
    growth: Share
    openings: Share

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        _check_total("score, growth and openings", (self.score, self.growth, self.openings))
        return self


class ResilienceFormula(_Strict):
    """All numbers of the ranking. The floor is applied after the ceiling: where both rules hold, it wins.

    `growth_categories` gives for each category the signal (0 to 1) of occupations without a percentage of
    their own.
    """

    scale: tuple[FiniteFloat, FiniteFloat]
    defensive: AttributeGroup
    offensive: AttributeGroup
    ceiling: Ceiling | None = None
    floor: Floor | None = None
    signals: Signals
    growth_categories: dict[GrowthCategory, Share]

    @property
    def attributes(self) -> tuple[str, ...]:
        """The keys of all attributes: those of a1, a2, …, a10 in the order of their numbers."""
        return tuple(sorted({**self.defensive.weights, **self.offensive.weights}, key=lambda key: (len(key), key)))

    @property
    def linear_weights(self) -> dict[str, float]:
        """What each attribute adds to the score, ceilings and floors apart."""
        return {
            key: group.share * weight / sum(group.weights.values())
            for group in (self.defensive, self.offensive)
            for key, weight in group.weights.items()
        }

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        low, high = self.scale
        if not low < high:
            raise ValueError(f"scale: {low:g} does not lie below {high:g}")
        _check_total("defensive.share and offensive.share", (self.defensive.share, self.offensive.share))
        twice = sorted(set(self.defensive.weights) & set(self.offensive.weights))
        if twice:
            raise ValueError(f"an attribute is either defensive or offensive, not both: {', '.join(twice)}")
        self._check_rule("ceiling", self.ceiling, None if self.ceiling is None else self.ceiling.at_most)
        self._check_rule("floor", self.floor, None if self.floor is None else self.floor.at_least)
        self._check_categories()
        return self

    def _check_rule(self, name: str, rule: Ceiling | Floor | None, bound: float | None) -> None:
        if rule is None or bound is None:
            return
        unknown = [key for key in rule.attributes if key not in self.attributes]
        if unknown:
            raise ValueError(f"{name}.attributes names no attribute of the formula: {', '.join(unknown)}")
        low, high = self.scale
        for value in (bound, rule.score):
            if not low <= value <= high:
                raise ValueError(f"{name}: {value:g} leaves the scale {low:g} to {high:g}")

    def _check_categories(self) -> None:
        missing = [category for category in GrowthCategory if category not in self.growth_categories]
        if missing:
            raise ValueError(f"growth_categories lacks {', '.join(missing)}")
        for lower, higher in pairwise(GrowthCategory):
            if self.growth_categories[lower] > self.growth_categories[higher]:
                raise ValueError(f"growth_categories: {lower!s} stands above {higher!s}")


class TaskRollup(_Strict):
    """Weights of a task by its type, in the mean that stands for its occupation; `untyped` for those without one.

    They are multiplied by the task's importance where that is rated, unless `importance` is false.
    """

    weights: dict[Literal["Core", "Supplemental"], Weight]
    untyped: Weight
    importance: bool = True


def _check_total(what: str, parts: Iterable[float]) -> None:
    parts = tuple(parts)
    if abs(sum(parts) - 1) > _TOLERANCE:
        raise ValueError(f"{what} must add up to 1; {' + '.join(f'{part:g}' for part in parts)} is {sum(parts):g}")
