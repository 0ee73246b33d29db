"""The pictures of the README, made anew.

    python docs/pictures.py site FOLDER     map, quadrants and phone, of a published site (`published/current/site`)
    python docs/pictures.py graph ADDRESS   the asset graph, of a UI that runs (`exposure dev`)

The site's are made from the handbook's 342 pages with the questions `exposure` and `two_variable`; Chromium draws them.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
DRAWN_MS = 20_000

SITE = {
    "map.png": ((1280, 800), "light", ""),
    "quadrants.png": ((1280, 800), "dark", "#view=quadrants&layer=two_variable"),
    "phone.png": ((390, 844), "light", "#layer=pay"),
}
"""Of each picture the size of the window, the mode, and the address after the page."""


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
    page = browser.new_page(viewport={"width": 1500, "height": 900})
    page.goto(f"{address.rstrip('/')}/asset-groups")
    page.get_by_text("published").first.wait_for(timeout=DRAWN_MS)
    for group in ("scored", "ranked"):
        page.get_by_text(group, exact=True).locator("visible=true").last.click()
        page.wait_for_timeout(2500)
    save(page, "graph.png")


def save(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)  # what moves has come to rest
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)
    print(f"{name}: {(IMAGES / name).stat().st_size:,} bytes")


def main() -> None:
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
