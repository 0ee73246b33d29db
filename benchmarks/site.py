"""How fast the static site is, by the browser's own performance API, in headless Chromium.

    python benchmarks/site.py FOLDER [FOLDER …] [--hash HASH] [--runs N]

Each FOLDER is a built site. Every load is in a new context, so that nothing is cached. Printed are the best and
the middle of the runs, in milliseconds from the start of the navigation: when text, figures and table are there
and painted, and when the map is; then how long a move of the threshold takes until the counts and the map have
changed, from the time stamp of the input event. `--hash` chooses a layer of another set, such as
`#layer=resilience` for the 923 O*NET occupations.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import statistics
import sys
from collections import defaultdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

LIMITS_MS = {"text, figures, table": 500, "map": 1600, "threshold: counts": 50, "threshold: map": 150}
LIMITS_OF_A_LARGE_SET_MS = {**LIMITS_MS, "map": 2000, "threshold: map": 300}
LARGE_SET = 500
"""Tiles from which on a map is a large one: the handbook has 342 occupations, O*NET 923."""

MARKS = """() => {
  const mark = (name) => performance.getEntriesByName(name)[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    "text, figures, table": Math.max(mark("site:text").startTime, paint ? paint.startTime : 0),
    "map": mark("site:map").startTime,
  };
}"""

MEASURES = """() => {
  const durations = (name) => performance.getEntriesByName(name).map((entry) => entry.duration);
  return {"threshold: counts": durations("site:threshold-counts"), "threshold: map": durations("site:threshold-map")};
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def load(browser: Browser, address: str) -> tuple[dict[str, list[float]], bool]:
    """One load of the page and eight moves of its threshold, by the keyboard; and whether its set is a large one."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("body[data-drawn]", timeout=60_000)
    found: dict[str, list[float]] = {name: [value] for name, value in page.evaluate(MARKS).items()}
    move_threshold(page)
    found.update(page.evaluate(MEASURES))
    is_large = page.locator("#chart g.slice").count() > LARGE_SET
    context.close()
    return found, is_large


def move_threshold(page: Page) -> None:
    slider = page.locator("#threshold")
    slider.focus()
    for key in ("ArrowLeft",) * 4 + ("ArrowRight",) * 4:
        slider.press(key)
        page.wait_for_timeout(60)


def sizes(folder: Path) -> str:
    total = sum(path.stat().st_size for path in folder.iterdir())
    data = (folder / "data.json").read_bytes()
    return f"{total / 1e6:.2f} MB, data {len(gzip.compress(data, mtime=0)) / 1e3:.0f} KB gzipped"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--hash", default="", help="what stands after the address, such as #layer=resilience")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args(arguments)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        for folder in options.folders:
            server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
            Thread(target=server.serve_forever, daemon=True).start()
            addresses = {
                "from a server": f"http://127.0.0.1:{server.server_port}/index.html{options.hash}",
                "from the folder": f"{(folder / 'index.html').resolve().as_uri()}{options.hash}",
            }
            print(f"{folder}: {sizes(folder)}")
            for name, address in addresses.items():
                found: dict[str, list[float]] = defaultdict(list)
                for _ in range(options.runs):
                    figures, is_large = load(browser, address)
                    for figure, values in figures.items():
                        found[figure] += values
                limits = LIMITS_OF_A_LARGE_SET_MS if is_large else LIMITS_MS
                print(f"  {name}")
                for figure, values in found.items():
                    middle = statistics.median(values)
                    print(f"    {figure:22} best {min(values):6.0f}   middle {middle:6.0f}   limit {limits[figure]}")
            server.shutdown()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
