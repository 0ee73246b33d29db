"""The site's scales of colours: every step of a tenth is seen, by those as well who see no red and green apart."""

from __future__ import annotations

import itertools
import math
import re
from importlib.resources import files

import pytest

from exposure_dagster.publishing.site.picture import STOPS

SCALES = files("exposure_dagster.publishing.site").joinpath("web", "src", "scales.js").read_text(encoding="utf-8")

DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
"""Machado, Oliveira and Fernandes 2009, severity 1: of linear RGB."""

STEPS = 10
LEAST = 6
"""Of the colour difference ΔE (CIE 1976) between neighbours."""


def stops_of() -> dict[str, list[str]]:
    found = {}
    for family, body in re.findall(r"^  (\w+): \{\n(.*?)^  \},", SCALES, re.MULTILINE | re.DOTALL):
        for mode, listed in re.findall(r"(light|dark): \[([^\]]*)\]", body):
            found[f"{family} {mode}"] = re.findall(r"#[0-9a-f]{6}", listed)
    return found


def colour_at(stops: list[str], place: float) -> list[float]:
    at = place * (len(stops) - 1)
    first = min(int(at), len(stops) - 2)
    low, high = ([int(stop[part : part + 2], 16) for part in (1, 3, 5)] for stop in stops[first : first + 2])
    return [a + (b - a) * (at - first) for a, b in zip(low, high, strict=True)]


def as_seen(rgb: list[float], *, is_colour_blind: bool) -> tuple[float, float, float]:
    """A colour in CIELAB."""
    linear = [part / 3294.6 if part <= 10.31475 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in rgb]
    if is_colour_blind:
        mixed = (sum(a * b for a, b in zip(row, linear, strict=True)) for row in DEUTERANOPIA)
        linear = [min(1.0, max(0.0, part)) for part in mixed]
    red, green, blue = linear
    x, y, z = (
        part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116
        for part in (
            (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
            0.2126 * red + 0.7152 * green + 0.0722 * blue,
            (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("is_colour_blind", [False, True], ids=["all colours", "deuteranopia"])
@pytest.mark.parametrize("name", stops_of())
def test_each_tenth_of_a_scale_differs_from_the_next(name: str, is_colour_blind: bool) -> None:
    colours = [as_seen(colour_at(stops_of()[name], at / STEPS), is_colour_blind=is_colour_blind) for at in range(11)]
    differences = [math.dist(one, other) for one, other in itertools.pairwise(colours)]
    assert min(differences) >= LEAST


def test_the_picture_has_the_colours_of_the_page_by_day() -> None:
    assert {f"{family} light": list(stops) for family, stops in STOPS.items()}.items() <= stops_of().items()
