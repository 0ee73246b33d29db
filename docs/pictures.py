"""The pictures of README and documentation, made anew.

    python docs/pictures.py site FOLDER     map, quadrants and phone, of a published site
    python docs/pictures.py graph ADDRESS   the asset graph, of a UI that runs (`exposure dev`)
    python docs/pictures.py staleness       what a change makes stale, as drawings (stale-*.svg)
    PICTURES_FOLDER=docs/images python -m pytest tests/slow/browser/test_dagster_ui.py    stale and fresh, by a walk
    python -m benchmarks.agreement …        agreement.png, of what that measures

The site's are made from the handbook's 342 pages (FOLDER is `published/current/site` of their home), with the questions
`exposure` and `two_variable` and EXPOSURE_INDICES=bundled; Chromium draws them.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
DRAWN_MS = 20_000

SITE = {
    "map.png": ((1280, 800), "light", ""),
    "quadrants.png": ((1280, 800), "dark", "#view=quadrants&layer=two_variable"),
    "phone.png": ((390, 844), "light", "#layer=pay"),
}
"""Of each picture the size of the window, the mode, and the address after the page."""

OPENED_GROUPS = ("scored", "published")


def site(browser: Browser, folder: Path) -> None:
    page_address = (folder / "index.html").resolve().as_uri()
    for name, (size, mode, hash_) in SITE.items():
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if mode == "dark" else "light"
        )
        page = context.new_page()
        page.goto(page_address + hash_)
        page.wait_for_selector("body[data-drawn]", timeout=DRAWN_MS)
        save(page, name)
        context.close()


def graph(browser: Browser, address: str) -> None:
    """The graph alone, with two of its groups open. The UI fits it to the window's width, so the window is high."""
    page = browser.new_page(viewport={"width": 1500, "height": 1700})
    opened = ",".join(f"global@global:{group}" for group in OPENED_GROUPS)
    page.goto(f"{address.rstrip('/')}/asset-groups?expanded={opened}")
    page.get_by_text("exports", exact=True).first.wait_for(timeout=DRAWN_MS)
    page.get_by_text("Hide navigation").click()
    page.wait_for_timeout(5000)
    left, top, right, bottom = page.evaluate(
        """() => {
            const boxes = [...document.querySelectorAll('foreignObject')].map(one => one.getBoundingClientRect());
            const all = side => boxes.map(one => one[side]);
            const [left, top] = ['left', 'top'].map(side => Math.min(...all(side)));
            return [left, top, ...['right', 'bottom'].map(side => Math.max(...all(side)))];
        }"""
    )
    save(page, "graph.png", {"x": left - 24, "y": top - 24, "width": right - left + 48, "height": bottom - top + 48})


QUESTIONS = ("exposure.md", "robotics.md", "climate.md")
DOCUMENTS = ("roofers", "nurses", "actors", "cooks", "pilots")


@dataclass(frozen=True)
class Change:
    """What a change does: which answers are asked again, which rankings are made again, and what is said of it."""

    said: str
    asked: frozenset[tuple[int, int]] = frozenset()
    ranked: frozenset[int] = frozenset()
    cause: str | None = None


CHANGES = {
    "stale-question": Change(
        "The instruction of one question was edited: it alone is asked again.",
        asked=frozenset((0, document) for document in range(5)),
        ranked=frozenset({0}),
        cause=QUESTIONS[0],
    ),
    "stale-page": Change(
        "One page changed: each question is asked again about it, and about nothing else.",
        asked=frozenset((question, 1) for question in range(3)),
        ranked=frozenset(range(3)),
        cause=DOCUMENTS[1],
    ),
    "stale-tiers": Change(
        "The tiers of one question were edited: it is ranked again, and nobody is asked.",
        ranked=frozenset({0}),
        cause=QUESTIONS[0],
    ),
    "stale-back": Change("The edit was taken back: the earlier answers are still there.", ranked=frozenset({0})),
}
"""By the name of the picture."""


def staleness() -> None:
    for name, change in CHANGES.items():
        (IMAGES / f"{name}.svg").write_text(drawing(change), encoding="utf-8")
        print(f"{name}.svg")


def drawing(change: Change) -> str:
    """A row a question, a column a document; what is done again is filled, and says so in words too."""
    made_anew = bool(change.asked or change.ranked)
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 250" font-family="system-ui, sans-serif" '
        f'font-size="13" role="img"><title>{change.said}</title>',
        '<rect width="800" height="250" rx="8" fill="#fff" stroke="#ccc"/>',
        f'<text x="20" y="28" font-size="15" font-weight="600">{change.said}</text>',
    ]
    for column, document in enumerate(DOCUMENTS):
        parts.append(_label(document, 175 + column * 72, 66, "middle", is_cause=document == change.cause))
    parts += ['<text x="590" y="66" text-anchor="middle">ranking</text>', '<text x="715" y="66" text-anchor="middle">']
    parts += ["published</text>"]
    for row, question in enumerate(QUESTIONS):
        middle = 98 + row * 44
        parts.append(_label(question, 20, middle + 4, "start", is_cause=question == change.cause))
        for column in range(len(DOCUMENTS)):
            is_asked = (row, column) in change.asked
            parts.append(_box(175 + column * 72, middle, 62, "asked" if is_asked else "", "#f0a04b"))
        parts.append(_box(590, middle, 100, "made again" if row in change.ranked else "", "#9cc4e4"))
        parts.append(f'<path d="M 642 {middle} L 664 142" stroke="#999" fill="none"/>')
    parts.append(_box(715, 142, 100, "made again" if made_anew else "", "#9cc4e4"))
    requests = len(change.asked)
    parts.append(
        f'<text x="20" y="230" fill="#444">{requests or "No"} request{"" if requests == 1 else "s"}. '
        "White: stands as it is. Orange: asked again. Blue: made again, at no cost.</text></svg>"
    )
    return "\n".join(parts) + "\n"


def _label(text: str, x: int, y: int, anchor: str, *, is_cause: bool) -> str:
    style = ' font-weight="700" fill="#a63d00"' if is_cause else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{style}>{text}{" ✎" if is_cause else ""}</text>'


def _box(middle_x: int, middle_y: int, width: int, text: str, colour: str) -> str:
    box = f'<rect x="{middle_x - width // 2}" y="{middle_y - 17}" width="{width}" height="34" rx="4" stroke="#888" '
    return (
        f'{box}fill="{colour if text else "#fff"}"/>'
        f'<text x="{middle_x}" y="{middle_y + 4}" text-anchor="middle" font-size="12">{text}</text>'
    )


def save(page: Page, name: str, clip: FloatRect | None = None) -> None:
    page.wait_for_timeout(1500)  # what moves has come to rest
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip)))
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)
    print(f"{name}: {(IMAGES / name).stat().st_size:,} bytes")


def main() -> None:
    if sys.argv[1:] == ["staleness"]:
        staleness()
        return
    if len(sys.argv) != 3 or sys.argv[1] not in ("site", "graph"):
        sys.exit(__doc__)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        if sys.argv[1] == "site":
            site(browser, Path(sys.argv[2]))
        else:
            graph(browser, sys.argv[2])


if __name__ == "__main__":
    main()
