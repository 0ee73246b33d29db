"""What the page shows before its script runs: the finding, its layers and views, the first map.

The script takes all of it over, and writes the same words (`web/src/finding.js`, `header.js`, `panel.js`).
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from exposure_dagster.publishing.site.picture import colour_of, tiles_of

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PARTS = ((1, 4), (3, 10), (1, 3), (2, 5), (1, 2), (3, 5), (2, 3), (7, 10), (3, 4), (4, 5), (9, 10))
_MAPS = {"is-wide": (1240, 580), "is-narrow": (360, 700)}
"""The first map for wide and for narrow screens, in pixels: it is stretched to its place until the script draws."""

_VIEWS = (
    ("map", "Map"),
    ("table", "Table"),
    ("bubble", "Pay"),
    ("ranked", "Ranking"),
    ("outlook", "Outlook"),
    ("quadrants", "Quadrants"),
    ("compare", "Compare"),
    ("side", "Side by side"),
    ("agreement", "Agreement"),
    ("changes", "Changes"),
    ("method", "Method"),
)


def opening(document: dict[str, Any]) -> dict[str, str]:
    """The parts of the page's template, as HTML. Figures and tabs are those of the first layer, where it is a score."""
    layer = document["layers"][0]
    documents = next(one for one in document["sets"] if one["name"] == layer["set"])
    is_score = layer["kind"] != "figure"
    is_baseline = any(answer["scorer"] == "baseline" for answer in layer.get("answers") or ())
    return {
        "title": html.escape(str(layer["title"])),
        "description": html.escape(str(layer["description"] or layer["title"])),
        "finding": _foreign(finding(layer, documents)) if is_score else "",
        "lead": _foreign(lead(layer, documents)),
        "about": f"{'Estimates of the baseline, no language model. ' if is_baseline else ''}About these figures",
        "notes": "".join(
            f'<p class="notice">{_foreign(note)}</p>'
            for note in [*_notes(document, layer, is_baseline), *filter(None, [documents.get("cut")])]
        ),
        "headline": "".join(_term(name, value) for name, value in _headline(layer, documents)) if is_score else "",
        "layers": "".join(_layer_buttons(document)),
        "views": "".join(_view_links(layer, documents, document["layers"])),
        "map": "".join(first_map(layer, documents, name) for name in _MAPS) if is_score else "",
    }


def finding(layer: dict[str, Any], documents: dict[str, Any]) -> str:
    """The jobs at or above the layer's first threshold, in one sentence; occupations, where jobs are not known."""
    jobs = [value or 0 for value in documents["jobs"]]
    has_jobs = any(jobs)
    at = first_threshold(layer)
    above = [value is not None and round(value * 1e9) >= round(at * 1e9) for value in layer["value"]]
    weights = jobs if has_jobs else [1] * len(jobs)
    part = sum(weight for weight, is_above in zip(weights, above, strict=True) if is_above)
    bound = _at_most_two(at)
    if not part:
        return f"No jobs score {bound} or higher" if has_jobs else f"No occupation scores {bound} or higher"
    share = share_in_words(part / sum(weights))
    if has_jobs:
        return f"{_long(part)} jobs, {share}, score {bound} or higher"
    unit, verb = ("occupation", "scores") if part == 1 else ("occupations", "score")
    return f"{part:,} {unit}, {share}, {verb} {bound} or higher"


def first_threshold(layer: dict[str, Any]) -> float:
    """Where the page's threshold stands at first: at seven tenths of the scale, or where a tier begins close to it;
    where no value is so high, where the highest tier begins that has any."""
    span = layer["high"] - layer["low"]
    values = [value for value in layer["value"] if value is not None]
    step = 1 if span > 20 or all(float(value).is_integer() for value in values) else 0.1 if span >= 4 else span / 100
    at = round(int((layer["low"] + 0.7 * span) / step + 0.5) * step, 6)
    lows: list[float] = [tier["low"] for tier in layer["tiers"]]
    nearest = min(lows, key=lambda low: abs(low - at), default=at)
    first: float = nearest if abs(nearest - at) < 0.1 * span - 1e-9 else at
    highest = max(values, default=first)
    if highest >= first - 1e-9:
        return first
    return max([low for low in lows if low <= highest + 1e-9], default=float(layer["low"]))


def share_in_words(share: float) -> str:
    """A share of a whole in words: one in four."""
    if share >= 0.995:
        return "all"
    if share > 0.95:
        return "nearly all"
    if share < 0.225:
        return f"one in {_word(int(1 / share + 0.5))}"
    part, whole = min(_PARTS, key=lambda one: abs(one[0] / one[1] - share))
    return "half" if part * 2 == whole else f"{_word(part)} in {_word(whole)}"


def lead(layer: dict[str, Any], documents: dict[str, Any]) -> str:
    """What a tile, its area and its colour mean."""
    if not any(documents["jobs"]):
        return f"Each tile is an occupation, all of the same area; its colour: {layer['title']}."
    year = (documents.get("years") or {}).get("base")
    jobs = "jobs (an equal share of those of its SOC row)" if any(documents.get("shares") or ()) else "jobs"
    return (
        f"Each tile is an occupation, its area the {jobs}{f' in {year}' if year else ''}; its colour: {layer['title']}."
    )


def first_map(layer: dict[str, Any], documents: dict[str, Any], name: str) -> str:
    """The map without its labels as one small SVG: a path a colour."""
    width, height = _MAPS[name]
    paths: dict[str, list[str]] = {}
    for _, value, tile in tiles_of(documents, layer["value"], width, height):
        left, top = round(tile["x"]), round(tile["y"])
        right, bottom = round(tile["x"] + tile["dx"]) - 1, round(tile["y"] + tile["dy"]) - 1
        if right > left and bottom > top:
            paths.setdefault(colour_of(layer, value), []).append(f"M{left} {top}H{right}V{bottom}H{left}z")
    drawn = "".join(f'<path fill="{colour}" d="{"".join(parts)}"/>' for colour, parts in sorted(paths.items()))
    return (
        f'<svg class="first-map {name}" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true">'
        f"{drawn}</svg>"
    )


def _notes(document: dict[str, Any], layer: dict[str, Any], is_baseline: bool) -> list[str]:
    notes = (
        document["sample_note"],
        document["baseline_note"] if is_baseline else None,
        document["baseline_quadrants_note"] if is_baseline and layer.get("quadrants") else None,
    )
    return [str(note) for note in notes if note]


def _headline(layer: dict[str, Any], documents: dict[str, Any]) -> Iterator[tuple[str, str]]:
    rows = list(zip(layer["value"], documents["jobs"], documents["pay"], strict=True))
    known = [value for value, _, _ in rows if value is not None]
    weighted = [(value, jobs) for value, jobs, _ in rows if value is not None and jobs]
    decimals = 2 if _decimals(layer) < 2 else _decimals(layer)
    has_jobs = any(documents["jobs"])
    if has_jobs and weighted:
        mean = sum(value * jobs for value, jobs in weighted) / sum(jobs for _, jobs in weighted)
        yield "Mean, weighted by jobs", f"{mean:.{decimals}f}"
    if known:
        yield "Unweighted mean" if has_jobs else "Mean", f"{sum(known) / len(known):.{decimals}f}"
    if has_jobs:
        yield "Jobs", _short(sum(jobs or 0 for _, jobs, _ in rows))
    if has_jobs and documents["money"]:
        wages = sum(jobs * pay for _, jobs, pay in rows if jobs is not None and pay is not None)
        yield "Annual wages", f"{documents['money']['sign']}{_short(wages)}"


def _layer_buttons(document: dict[str, Any]) -> Iterator[str]:
    sets = {one["name"]: one for one in document["sets"]}
    for at, layer in enumerate(one for one in document["layers"] if one["kind"] != "attribute"):
        of = sets[layer["set"]]
        is_apart = len(sets) > 1 and layer["kind"] == "figure" and not of["is_joined_on"]
        name = f"{layer['title']} ({of['title']})" if is_apart else layer["title"]
        yield (
            f'<li><button type="button" data-layer="{html.escape(layer["id"])}" '
            f'aria-pressed="{"false" if at else "true"}">{_foreign(name)}</button></li>'
        )


def _view_links(layer: dict[str, Any], documents: dict[str, Any], layers: list[dict[str, Any]]) -> Iterator[str]:
    own = [one for one in layers if one["set"] == documents["name"]]
    columns = {one.get("column") for one in own}
    is_there = {
        "bubble": "pay" in columns,
        "outlook": "outlook" in columns,
        "quadrants": any(one.get("quadrants") for one in own),
        "compare": len(own) > 1,
        "side": len(documents["id"]) > 1,
        "agreement": bool(layer.get("agreement")),
        "changes": bool(layer.get("changes")),
    }
    for name, title in _VIEWS:
        hidden = "" if is_there.get(name, True) else " hidden"
        current = ' aria-current="page"' if name == "map" else ""
        yield f'<li{hidden}><a data-view="{name}" href="#view={name}"{current}>{title}</a></li>'


def _term(name: str, value: str) -> str:
    return f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"


def _foreign(text: str) -> str:
    """Foreign text that cannot turn the direction of what stands beside it."""
    return f"<bdi>{html.escape(text)}</bdi>"


def _word(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def _decimals(layer: dict[str, Any]) -> int:
    if all(value is None or float(value).is_integer() for value in layer["value"]):
        return 0
    return 3 if layer["high"] - layer["low"] <= 1 else 2 if layer.get("range") else 1


def _at_most_two(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".").replace("-", "−")


def _long(value: float) -> str:
    """36.8 million, 510,000."""
    for size, unit in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value >= size * 0.9995:
            return f"{value / size:,.1f} {unit}"
    return f"{value:,.0f}" if value < 1000 else f"{float(f'{value:.3g}'):,.0f}"


def _short(value: float) -> str:
    """49.7M, 12.3K."""
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if value >= size * 0.9995:
            scaled = value / size
            return f"{scaled:,.{2 if scaled < 9.995 and size >= 1e9 else 1}f}{unit}"
    return f"{value:,.0f}"
