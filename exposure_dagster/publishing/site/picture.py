"""A small picture of the map, drawn without a browser: for places that show a picture and no page."""

from __future__ import annotations

import io
import textwrap
import unicodedata
from functools import cache
from typing import Any

import squarify

_WIDTH_PX, _HEIGHT_PX, _DPI = 720, 400, 100
STOPS = {
    "score": ("#f5eed2", "#aed1ae", "#5fada5", "#2f7a95", "#284b7e", "#231f52"),
    "resilience": ("#f5ead7", "#ecc78f", "#d69a4f", "#a96c2c", "#72431c", "#3f2210"),
}
"""The page's colours by day, by family of layers (web/src/scales.js)."""
_UNKNOWN = "#dddad2"
_FONT = "DejaVu Sans"
"""It comes with matplotlib, so that the picture is the same on every machine."""
_MOST_TILES = 2000
"""More are specks: the picture has 264,960 pixels."""
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_FONT_PT = 5.5
_POINT_PX = _DPI / 72
_CHARACTER_WIDTH, _LINE_HEIGHT = 0.58, 1.2
"""Of the font's size: an average character, and a line."""


def map_picture(document: dict[str, Any]) -> bytes:
    """The map that the page opens with, as PNG of 720 × 400 pixels: area = jobs, colour = score.

    `document` is the site's data (see `site_document`).

    Documents without jobs have no tile; where none has jobs, every document has a tile of one size. Of more than 2,000
    the largest have one, and the picture says so. A title in a script
    that the picture's font has no glyphs for, or that has to be set from right to left, is left to the site, and the
    picture says so.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    layer = document["layers"][0]
    documents = next(one for one in document["sets"] if one["name"] == layer["set"])
    figure = Figure(figsize=(_WIDTH_PX / _DPI, _HEIGHT_PX / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 0.92))
    axes.set(xlim=(0, _WIDTH_PX), ylim=(0.92 * _HEIGHT_PX, 0))
    axes.axis("off")
    with mpl.rc_context({"text.parse_math": False, "font.family": _FONT}):
        tiles = tiles_of(documents, layer["value"], _WIDTH_PX, 0.92 * _HEIGHT_PX)
        figure.text(0.008, 0.955, _caption(layer["title"], [title for title, _, _ in tiles]), fontsize=8, va="center")
        colours = LinearSegmentedColormap.from_list("layer", STOPS[layer["family"]])
        scale = Normalize(layer["low"], layer["high"])
        for title, value, tile in tiles:
            colour = _UNKNOWN if value is None else colours(scale(value))
            place = (tile["x"], tile["y"])
            axes.add_patch(Rectangle(place, tile["dx"], tile["dy"], facecolor=colour, edgecolor="white", linewidth=0.5))
            dark = value is not None and scale(value) > 0.5
            label = _label(title, tile["dx"] - 6, tile["dy"] - 6) if can_be_drawn(title) else ""
            if label:
                ink = "white" if dark else "black"
                axes.text(tile["x"] + 3, tile["y"] + 3, label, fontsize=_FONT_PT, va="top", color=ink)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def colour_of(layer: dict[str, Any], value: float | None) -> str:
    """The colour of a score by day, as #rrggbb."""
    if value is None:
        return _UNKNOWN
    share = (value - layer["low"]) / ((layer["high"] - layer["low"]) or 1)
    return "#" + "".join(f"{part:02x}" for part in colour_on(layer["family"], share))


def can_be_drawn(text: str) -> bool:
    """Whether the font has glyphs for the whole text, and setting them one after the other is right."""
    glyphs = _glyphs()
    return all(ord(one) in glyphs and unicodedata.bidirectional(one) not in _RIGHT_TO_LEFT for one in text)


def colour_on(family: str, share: float) -> tuple[int, int, int]:
    """The colour by day of a place on the scale of a family of layers, 0 to 1."""
    stops = [tuple(int(stop[at : at + 2], 16) for at in (1, 3, 5)) for stop in STOPS[family]]
    place = min(1.0, max(0.0, share)) * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    red, green, blue = (round(a + (b - a) * (place - low)) for a, b in zip(stops[low], stops[low + 1], strict=True))
    return red, green, blue


def _caption(title: str, shown: list[str]) -> str:
    head = f"{title}: " if can_be_drawn(title) else ""
    rest = "" if all(map(can_be_drawn, shown)) else "; titles in other scripts stand on the site alone"
    most = f", the {_MOST_TILES:,} largest" if len(shown) == _MOST_TILES else ""
    return f"{head}area = jobs, colour = score{most}{rest}"


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(findfont(_FONT)).get_charmap())


def tiles_of(
    documents: dict[str, Any], values: list[float | None], width: float, height: float
) -> list[tuple[str, float | None, dict[str, float]]]:
    """Title, value and rectangle of each document, the categories' tiles laid first and the documents' in them; of the
    largest 2,000 where there are more."""
    has_jobs = any(documents["jobs"])
    smallest = sorted((jobs or 0 for jobs in documents["jobs"]), reverse=True)[:_MOST_TILES][-1:] or [0]
    by_category: dict[int, list[tuple[float, str, float | None]]] = {}
    categories = documents["category"]["at"]
    laid_out = 0
    for jobs, title, value, category in zip(documents["jobs"], documents["title_of"], values, categories, strict=True):
        size = (jobs or 0) if has_jobs else 1
        if size > 0 and (jobs or 0) >= smallest[0] and laid_out < _MOST_TILES:
            laid_out += 1
            by_category.setdefault(category, []).append((float(size), title or "", value))
    groups = sorted(by_category.values(), key=lambda group: -sum(size for size, _, _ in group))
    places = _laid([sum(size for size, _, _ in group) for group in groups], 0, 0, width, height)
    tiles = []
    for group, place in zip(groups, places, strict=True):
        members = sorted(group, key=lambda member: -member[0])
        inner = _laid([size for size, _, _ in members], place["x"], place["y"], place["dx"], place["dy"])
        tiles += [(title, value, tile) for (_, title, value), tile in zip(members, inner, strict=True)]
    return tiles


def _laid(sizes: list[float], x: float, y: float, width: float, height: float) -> list[dict[str, float]]:
    laid: list[dict[str, float]] = squarify.squarify(
        squarify.normalize_sizes(sizes, width, height), x, y, width, height
    )
    return laid


def _label(title: str, width_px: float, height_px: float) -> str:
    """The title in lines that fit; nothing where they do not."""
    size = _FONT_PT * _POINT_PX
    columns, rows = int(width_px / (size * _CHARACTER_WIDTH)), int(height_px / (size * _LINE_HEIGHT))
    if columns < 5 or rows < 1:
        return ""
    lines = textwrap.wrap(title, columns, break_long_words=False)
    return "\n".join(lines) if len(lines) <= rows and all(len(line) <= columns for line in lines) else ""
