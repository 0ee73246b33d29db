"""What the static site costs its visitors, in headless Chromium: bytes, time, work, shifts, memory.

    python benchmarks/site.py FOLDER [--beside FOLDER] [--hash HASH] [--runs N]

FOLDER is a built site. `--beside` names another page to run beside it, in turns: one with an `index.html` that draws a
map on a canvas, such as karpathy/jobs' `site`. Both are served with gzip on loopback; every load is in a new context,
so that nothing is cached. Printed are medians.

    transferred            bytes over the wire, headers included, until the page rests; and by file
    before the map         the same, of what had arrived when the map was there
    load, CPU              work of the page's main thread until two seconds after the map
    map drawn              from the start of the navigation to the frame with the map; again with a CPU four times as
                           slow and 1.6 Mbit/s with 150 ms of latency
    layout shift           the browser's own sum, on a desktop and on a phone
    layer change, CPU      work of the main thread for a click on another layer, the animation included
    hover, CPU             the same for 60 moves of the pointer across the map
    heap                   JavaScript's, after a collection
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}

SLOW_NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
SLOW_CPU = 4

REST_MS = 2000
AFTER_A_CHANGE_MS = 600
MOVES = 60

TARGETS = {
    "transferred, KB": 300,
    "before the map, KB": 120,
    "load, CPU ms": 150,
    "map drawn, ms": 350,
    "map drawn, slow, ms": 2000,
    "layout shift": 0.02,
    "layout shift, phone": 0.02,
    "layer change, CPU ms": 30,
    "hover, 60 moves, CPU ms": 40,
    "heap, MB": 5,
}

WATCH = """
globalThis.shifts = 0;
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) if (!shift.hadRecentInput) globalThis.shifts += shift.value;
}).observe({type: "layout-shift", buffered: true});
const isThere = () => {
  if (document.querySelector("#chart .slice")) return true;
  const canvas = document.querySelector("canvas#canvas");
  if (!canvas || canvas.width < 400 || canvas.height < 200) return false;
  return canvas.getContext("2d").getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data[3] > 0;
};
const look = () => {
  if (document.readyState !== "loading" && isThere()) globalThis.mapAt = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


@dataclass(frozen=True)
class Subject:
    """A page to measure: its folder, what its layers are chosen by, where its map is."""

    name: str
    folder: Path
    layers: str
    map: str


OURS = ("#layers [data-layer]", "#chart")
OTHERS = ("#colorToggle button", "canvas#canvas")


class _Zipped(SimpleHTTPRequestHandler):
    """Serves a folder as servers do: text in gzip."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path.split("?")[0]))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        is_text = path.suffix in {".html", ".css", ".js", ".json", ".svg"}
        if is_text:
            body = gzip.compress(body, 6, mtime=0)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(body)))
        if is_text:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Zipped, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


@contextmanager
def opened(browser: Browser, options: dict[str, Any]) -> Iterator[tuple[Page, CDPSession]]:
    context = browser.new_context(**options)
    context.add_init_script(WATCH)
    page = context.new_page()
    client = context.new_cdp_session(page)
    client.send("Performance.enable", {"timeDomain": "threadTicks"})  # of the thread's own work, whoever else works
    client.send("Network.enable")
    yield page, client
    context.close()


def work_ms(client: CDPSession) -> float:
    """What the page's main thread has worked so far."""
    metrics = {one["name"]: one["value"] for one in client.send("Performance.getMetrics")["metrics"]}
    return 1000 * float(metrics["TaskDuration"])


def worked_ms(client: CDPSession, act: Callable[[], None]) -> float:
    before = work_ms(client)
    act()
    return work_ms(client) - before


def wait_for_map(page: Page) -> float:
    for _ in range(400):  # from here, since the policy forbids the page to evaluate what it is to wait for
        if (at := page.evaluate("globalThis.mapAt")) is not None:
            return float(at)
        page.wait_for_timeout(250)
    raise TimeoutError("no map")


def load(browser: Browser, subject: Subject, address: str) -> tuple[dict[str, float], dict[str, float]]:
    """One load on a desktop, then layers and hovering; and the bytes of each file."""
    files: dict[str, float] = {}
    names: dict[str, str] = {}
    with opened(browser, DESKTOP) as (page, client):

        def asked(event: dict[str, Any]) -> None:
            names[event["requestId"]] = event["request"]["url"]

        def finished(event: dict[str, Any]) -> None:
            name = names.get(event["requestId"], "").split("#")[0].rpartition("/")[2]
            files[name] = event["encodedDataLength"]

        client.on("Network.requestWillBeSent", asked)
        client.on("Network.loadingFinished", finished)
        before = work_ms(client)
        page.goto(address)
        map_ms = wait_for_map(page)
        at_map = dict(files)
        page.wait_for_timeout(REST_MS)
        found = {
            "transferred, KB": sum(files.values()) / 1000,
            "before the map, KB": sum(at_map.values()) / 1000,
            "load, CPU ms": work_ms(client) - before,
            "map drawn, ms": map_ms,
            "layout shift": float(page.evaluate("globalThis.shifts")),
        }
        client.send("HeapProfiler.collectGarbage")
        heap = {one["name"]: one["value"] for one in client.send("Performance.getMetrics")["metrics"]}
        found["heap, MB"] = heap["JSHeapUsedSize"] / 1e6
        found["layer change, CPU ms"] = change_layers(page, client, subject)
        found["hover, 60 moves, CPU ms"] = hover(page, client, subject)
    return found, files


def change_layers(page: Page, client: CDPSession, subject: Subject) -> float:
    """The median over the page's layers, the first of them last."""
    count = page.locator(subject.layers).count()

    def change(at: int) -> None:
        page.locator(subject.layers).nth(at).click()
        page.wait_for_timeout(AFTER_A_CHANGE_MS)

    return statistics.median(worked_ms(client, partial(change, at)) for at in [*range(1, count), 0])


def hover(page: Page, client: CDPSession, subject: Subject) -> float:
    page.evaluate("scrollTo(0, 0)")
    box = page.locator(subject.map).bounding_box()
    assert box is not None
    bottom = min(box["y"] + box["height"], DESKTOP["viewport"]["height"])

    def move() -> None:
        for at in range(MOVES):
            share = (at + 0.5) / MOVES
            page.mouse.move(box["x"] + box["width"] * share, box["y"] + (bottom - box["y"]) * (0.1 + 0.8 * share))
            page.wait_for_timeout(16)

    page.mouse.move(box["x"] + 5, box["y"] + 40)
    page.wait_for_timeout(1500)  # what is loaded at the first move
    return worked_ms(client, move)


def load_slowly(browser: Browser, address: str) -> float:
    with opened(browser, DESKTOP) as (page, client):
        client.send("Network.emulateNetworkConditions", SLOW_NETWORK)
        client.send("Emulation.setCPUThrottlingRate", {"rate": SLOW_CPU})
        page.goto(address, wait_until="commit")
        return wait_for_map(page)


def shift_on_a_phone(browser: Browser, address: str) -> float:
    with opened(browser, PHONE) as (page, _):
        page.goto(address)
        wait_for_map(page)
        page.wait_for_timeout(REST_MS)
        return float(page.evaluate("globalThis.shifts"))


def measured(browser: Browser, subjects: list[Subject], at: str, runs: int) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {one.name: defaultdict(list) for one in subjects}
    for _ in range(runs):
        for subject in subjects:
            with served(subject.folder) as address:
                figures, files = load(browser, subject, address + at)
                figures["map drawn, slow, ms"] = load_slowly(browser, address + at)
                figures["layout shift, phone"] = shift_on_a_phone(browser, address + at)
            for name, value in {**figures, **{f"  {name}, KB": size / 1000 for name, size in files.items()}}.items():
                found[subject.name][name].append(value)
    return found


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="another page to run beside it")
    parser.add_argument("--hash", default="", help="what stands after the address, such as #layer=resilience")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(arguments)
    subjects = [Subject("the site", options.folder, *OURS)]
    if options.beside:
        subjects.append(Subject("beside it", options.beside, *OTHERS))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        found = measured(browser, subjects, options.hash, options.runs)
        browser.close()
    print(f"{'':26}" + "".join(f"{one.name:>12}" for one in subjects) + f"{'at most':>12}")
    for figure, most in TARGETS.items():
        values = [statistics.median(found[one.name][figure]) for one in subjects]
        print(f"{figure:26}" + "".join(f"{value:12.2f}" for value in values) + f"{most:12}")
    for subject in subjects:
        print(f"\n{subject.name}, by file")
        for name, sizes in found[subject.name].items():
            if name.startswith("  "):
                print(f"{name:26}{statistics.median(sizes):12.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
