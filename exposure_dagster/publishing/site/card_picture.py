"""The picture of a card, 1200 × 630 pixels: what places show that unfold a link.

A picture has some 200 colours, set beforehand: two runs from a ground to the ink on it, so that letters have smooth
edges, and one for the chart's bars. Drawn in full colour each would take several times as long.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from exposure_dagster.publishing.site.picture import can_be_drawn, colour_on

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

    from exposure_dagster.publishing.site.cards import Card

CARD_SIZE_PX = (1200, 630)

_PAPER, _INK = (251, 250, 246), (29, 33, 38)
_RUN = 16
"""Colours from a ground to its ink."""
_INK_AT, _QUIET_AT, _RULE_AT = _RUN - 1, 11, 3
_TILE_AT, _ON_TILE_AT = _RUN, 2 * _RUN - 1
_BARS_AT = 2 * _RUN
_MARGIN, _TILE, _TOP, _BASE = 64, 296, 236, 236 + 296
_LEFT = _MARGIN + _TILE + 48
_RIGHT = CARD_SIZE_PX[0] - _MARGIN
_BARS_HEIGHT = 62
_SANS, _BOLD = "DejaVu Sans", "DejaVu Sans:bold"


def card_picture(card: Card) -> bytes | None:
    """The card as PNG; None where its title is in a script that the font cannot set."""
    from PIL import Image, ImageDraw

    if not can_be_drawn(card.title):
        return None
    image = Image.new("L", CARD_SIZE_PX, 0)
    draw = ImageDraw.Draw(image)
    _draw_head(draw, card)
    _draw_value(draw, card)
    _draw_words(draw, card)
    _draw_bars(draw, card)
    image.paste(_credits(card.said_by, card.credits), (_MARGIN, _BASE + 18))
    return _encoded(image, card)


def _draw_head(draw: ImageDraw, card: Card) -> None:
    """The title as large as it fits, in at most two lines; the short name where it does not."""
    width = _RIGHT - _MARGIN
    if can_be_drawn(card.layer_title):
        draw.text((_MARGIN, 48), _fitted(card.layer_title, 27, width), _QUIET_AT, _font(_SANS, 27))
    tries = [(card.title, 58, 1), (card.title, 46, 2), (card.name, 58, 1)]
    for title, size, most in tries:
        lines = _lines(title, _BOLD, size, width)
        if len(lines) <= most:
            break
    else:
        size, lines = 46, _cut(_lines(card.title, _BOLD, 46, width), 2)
    draw.multiline_text((_MARGIN, 92), "\n".join(lines), _INK_AT, _font(_BOLD, size), spacing=8)


def _draw_value(draw: ImageDraw, card: Card) -> None:
    draw.rectangle((_MARGIN, _TOP, _MARGIN + _TILE, _BASE), _TILE_AT)
    middle = _MARGIN + _TILE / 2
    size = 112 if len(card.value) <= 4 else 84
    draw.text((middle, _TOP + 134), card.value, _ON_TILE_AT, _font(_BOLD, size), anchor="mm")
    small = _font(_SANS, 27 if len(card.scale) < 12 else 22)
    draw.text((middle, _TOP + 238), card.scale, _ON_TILE_AT, small, anchor="mm")


def _draw_words(draw: ImageDraw, card: Card) -> None:
    width = _RIGHT - _LEFT
    draw.text((_LEFT, _TOP - 6), _fitted(card.standing, 26, width, _BOLD), _INK_AT, _font(_BOLD, 26))
    labels = " · ".join(one for one in (card.tier, card.quadrant) if one is not None and can_be_drawn(one))
    draw.text((_LEFT, _TOP + 34), _fitted(labels, 25, width), _QUIET_AT, _font(_SANS, 25))
    if card.reason is not None and can_be_drawn(card.reason):
        font = _font(_SANS, 22)
        lines = _cut(_lines(card.reason, _SANS, 22, width), 3)
        draw.multiline_text((_LEFT, _TOP + 76), "\n".join(lines), _INK_AT, font, spacing=6)


def _draw_bars(draw: ImageDraw, card: Card) -> None:
    """How many lie in each stretch of the scale, with a mark under the card's own."""
    base = _BASE - 19
    width = (_RIGHT - _LEFT) / len(card.bins)
    most = max(card.bins)
    for at, count in enumerate(card.bins):
        x = _LEFT + at * width
        if count:
            draw.rectangle((x + 1, base - max(2, _BARS_HEIGHT * count / most), x + width - 2, base), _BARS_AT + at)
    x = _LEFT + (card.bin + 0.5) * width
    draw.line((_LEFT, base + 1, _RIGHT, base + 1), _RULE_AT, 1)
    draw.polygon(((x, base + 4), (x - 10, base + 18), (x + 10, base + 18)), _INK_AT)


@lru_cache(maxsize=50)
def _credits(said_by: str, credits: str) -> Image:
    """Who answered, and whose data it is: the same on most pictures. Credits are never cut: where they are too long,
    the page has them."""
    from PIL import Image, ImageDraw

    width = _RIGHT - _MARGIN
    lines = _lines(f"{said_by} {credits}", _SANS, 14, width)
    if len(lines) > 4 or not can_be_drawn(credits):
        lines = _cut(_lines(f"{said_by} Data and licences: on the page of this picture.", _SANS, 14, width), 4)
    image = Image.new("L", (width, CARD_SIZE_PX[1] - _BASE - 18), 0)
    ImageDraw.Draw(image).multiline_text((0, 0), "\n".join(lines), _QUIET_AT, _font(_SANS, 14), spacing=3)
    return image


def _encoded(image: Image, card: Card) -> bytes:
    from PIL import Image as Images

    tile = colour_on(card.family, card.share)
    on_tile = _readable_on(tile)
    steps = len(card.bins)
    bars = [colour_on(card.family, at / max(1, steps - 1)) for at in range(steps)]
    runs = [_between(_PAPER, _INK, at) for at in range(_RUN)] + [_between(tile, on_tile, at) for at in range(_RUN)]
    picture = Images.frombytes("P", image.size, image.tobytes())
    picture.putpalette([part for colour in [*runs, *bars] for part in colour])
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=6)
    return file.getvalue()


def _between(ground: tuple[int, int, int], ink: tuple[int, int, int], at: int) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * at / (_RUN - 1)) for a, b in zip(ground, ink, strict=True))


def _readable_on(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever reads better on it."""
    red, green, blue = (part / 3294.6 if part <= 10.31 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour)
    return (0, 0, 0) if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else (255, 255, 255)


@cache
def _font(name: str, size: int) -> FreeTypeFont:
    """A font that comes with matplotlib, so that pictures are the same on every machine."""
    from matplotlib.font_manager import findfont
    from PIL import ImageFont

    return ImageFont.truetype(findfont(name), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1_000)
def _lines(text: str, name: str, size: int, width: float) -> Sequence[str]:
    """The words of a text in lines that fit."""
    font = _font(name, size)
    space = font.getlength(" ")
    lines: list[list[str]] = [[]]
    room = width
    for word in text.split():
        length = font.getlength(word)
        if length > room and lines[-1]:
            lines.append([])
            room = width
        lines[-1].append(word)
        room -= length + space
    return tuple(_fit(" ".join(line), font, width) for line in lines)


def _cut(lines: Sequence[str], most: int) -> Sequence[str]:
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1][:-2].rstrip()}…"]


def _fitted(text: str, size: int, width: float, name: str = _SANS) -> str:
    return _fit(" ".join(text.split()), _font(name, size), width)


def _fit(text: str, font: FreeTypeFont, width: float) -> str:
    """The text, or as many of its letters as there is room for."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[: -max(1, len(text) // 20)]
    return f"{text.rstrip()}…"
