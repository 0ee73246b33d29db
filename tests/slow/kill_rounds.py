"""Processes that are killed (SIGKILL) at random moments, and what they leave behind.

    python tests/slow/kill_rounds.py NAME KILLS FOLDER

NAME is parsing, checkpoint, publishing or publishing_steps. Prints one JSON object of counts. The processes are
forked off this one, which has loaded everything and holds no connection: a life costs no start.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from exposure_dagster.corpora.onet.fetching import refresh_onet_database, refresh_onet_list, refresh_projections
from exposure_dagster.corpora.onet.parsing import join_codes, parse_employment_projections, parse_onet
from exposure_dagster.corpora.ooh.fetching import refresh_ooh_index, refresh_ooh_pages
from exposure_dagster.corpora.ooh.parsing import parse_ooh_pages, parse_ooh_titles
from exposure_dagster.pipeline.documents import collect_documents
from exposure_dagster.publishing.publication import KEPT_PUBLICATIONS, publish
from exposure_dagster.sources.sites import open_site
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import TEXTS

HOURS = 24.0
TOGETHER = (
    ("parsed.ooh_titles",),
    ("parsed.ooh_occupations", "parsed.ooh_projections"),
    ("parsed.employment_projections",),
    ("parsed.onet_occupations", "parsed.onet_tasks", "parsed.onet_titles"),
    ("parsed.soc_crosswalk",),
    ("parsed.documents",),
)
"""Tables that are written in one transaction: all of the old rows stand in them, or all of the new ones."""
MARKED = {
    "parsed.ooh_titles": "title",
    "parsed.ooh_occupations": "parser_version",
    "parsed.ooh_projections": "occupation_title",
    "parsed.employment_projections": "title",
    "parsed.onet_occupations": "title",
    "parsed.onet_tasks": "task",
    "parsed.onet_titles": "origin",
    "parsed.soc_crosswalk": "onet_code",
    "parsed.documents": "text_sha256",
}
OLD = "written before"
ROWS_A_WRITE = 200
FILES = 8
LIVES_APART = 1_000_000


def life(work: Callable[[Callable[[str], None]], None], seconds: float | None) -> list[str]:
    """Runs `work` in a process of its own and kills it after so many seconds, if it lives so long.

    `work` is given a function that reports a line; returns the lines that had been reported.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            work(lambda line: _report(writing, line))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, encoding="utf-8") as lines:
        reported = lines.read().splitlines()
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise AssertionError(f"the work failed with status {os.WEXITSTATUS(status)}")
    return reported


def _report(pipe: int, line: str) -> None:
    os.write(pipe, f"{line}\n".encode())


def seconds_of(work: Callable[[Callable[[str], None]], None]) -> float:
    started = time.monotonic()
    life(work, None)
    return time.monotonic() - started


# --- parsing -------------------------------------------------------------------------------------------------------


def parsing(kills: int, folder: Path, draw: random.Random) -> Counter[str]:
    """Kills within the parsing of all sources of the sample."""
    warehouse = Warehouse(folder / "exposure.duckdb", wait_s=20)

    def parse(report: Callable[[str], None] = lambda _: None) -> None:
        for step in (
            parse_ooh_titles,
            parse_ooh_pages,
            parse_employment_projections,
            parse_onet,
            join_codes,
            collect_documents,
        ):
            step(warehouse)
            report(step.__name__)

    life(lambda _: _fetch(warehouse), None)
    longest = seconds_of(parse)
    expected = _contents(warehouse)
    counts: Counter[str] = Counter()
    for _ in range(kills):
        _mark(warehouse)
        steps = life(parse, draw.uniform(0, longest))
        counts["kills"] += 1
        counts["ended before"] += len(steps) == len(TOGETHER)
        counts["with a log to be replayed"] += warehouse.path.with_suffix(".duckdb.wal").exists()
        counts["torn"] += sum(_is_torn(warehouse, tables) for tables in TOGETHER)
        parse()
        counts["next run differs"] += _contents(warehouse) != expected
    return counts


def _fetch(warehouse: Warehouse) -> None:
    site = open_site("sample", contact=None)
    with site.fetcher() as fetcher:
        refresh_ooh_index(warehouse, site, fetcher, refetch_after_hours=HOURS)
        refresh_ooh_pages(warehouse, site, fetcher, refetch_after_hours=HOURS)
        refresh_onet_list(warehouse, site, fetcher, refetch_after_hours=HOURS)
        refresh_onet_database(warehouse, site, fetcher, saved=None, refetch_after_hours=HOURS)
        refresh_projections(warehouse, site, fetcher, saved=None, refetch_after_hours=HOURS)


def _contents(warehouse: Warehouse) -> dict[str, tuple[object, ...]]:
    return {table: warehouse.rows(f"SELECT count(*), bit_xor(hash(t::VARCHAR)) FROM {table} t")[0] for table in MARKED}


def _mark(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        for table, column in MARKED.items():
            connection.execute(f"UPDATE {table} SET {column} = '{OLD}'")


def _is_torn(warehouse: Warehouse, tables: tuple[str, ...]) -> bool:
    shares = {
        row for table in tables for row in warehouse.rows(f"SELECT DISTINCT {MARKED[table]} = '{OLD}' FROM {table}")
    }
    return len(shares) != 1


# --- checkpoint ----------------------------------------------------------------------------------------------------


def checkpoint(kills: int, folder: Path, draw: random.Random) -> Counter[str]:
    """Kills within writes whose end is a checkpoint: a write that was reported is there, and every write is whole."""
    warehouse = Warehouse(folder / "exposure.duckdb", wait_s=20)

    def write(report: Callable[[str], None]) -> None:
        for number in range(1_000_000):
            names = [f"{os.getpid()}-{number}-{row}" for row in range(ROWS_A_WRITE)]
            text = "".join(random.choices("abcdefgh", k=2_000))
            warehouse.append(TEXTS, pd.DataFrame({"text_sha256": names, "text": [name + text for name in names]}))
            report(f"{os.getpid()}-{number}")
            if number % 3 == 0:
                with warehouse.connect() as connection:
                    connection.execute("FORCE CHECKPOINT")

    counts: Counter[str] = Counter()
    for _ in range(kills):
        reported = life(write, draw.uniform(0.05, 0.8))
        counts["kills"] += 1
        counts["writes"] += len(reported)
        counts["with a log to be replayed"] += warehouse.path.with_suffix(".duckdb.wal").exists()
        found = (
            dict(
                warehouse.rows(
                    "SELECT regexp_extract(text_sha256, '^[0-9]+-[0-9]+'), count(*) FROM parsed.texts GROUP BY 1"
                )
            )
            if warehouse.exists
            else {}
        )
        counts["lost"] += sum(name not in found for name in reported)
        counts["torn"] += sum(rows != ROWS_A_WRITE for rows in found.values())
        if warehouse.exists:
            with warehouse.transaction() as connection:
                connection.execute("DELETE FROM parsed.texts")
    return counts


# --- publishing ----------------------------------------------------------------------------------------------------


def digest_of(number: int) -> str:
    return f"{number:016x}"


def publish_one(root: Path, number: int) -> None:
    def write(folder: Path) -> None:
        for name in range(FILES):
            (folder / f"{name}.txt").write_text(digest_of(number) * 200, encoding="utf-8")

    publish(root, digest_of(number), write)


def is_whole(root: Path) -> bool:
    """Whether the link leads to one publication with all its files.

    So many are made in a second that one may be old, and be removed, while it is read: that is not half of one.
    """
    folder = root / (root / "current").readlink()
    try:
        texts = {(folder / f"{name}.txt").read_text(encoding="utf-8") for name in range(FILES)}
    except FileNotFoundError:
        return not folder.exists() and (root / "current").readlink() != Path(folder.name)
    return texts == {folder.name * 200}


class Reader(threading.Thread):
    """Looks at what is published without a pause, as readers of any kind do."""

    def __init__(self, root: Path) -> None:
        super().__init__(daemon=True)
        self.looks = self.half = 0
        self._root = root
        self._is_done = threading.Event()

    def run(self) -> None:
        while not self._is_done.is_set():
            self.looks += 1
            self.half += not is_whole(self._root)

    def stop(self) -> None:
        self._is_done.set()
        self.join()


def publishing(kills: int, folder: Path, draw: random.Random) -> Counter[str]:
    """Kills at random moments while one publication after the other is made, with a reader beside."""
    root = folder / "published"
    publish_one(root, 0)

    def work(first: int, report: Callable[[str], None]) -> None:
        for number in range(first, first + LIVES_APART):
            publish_one(root, number)
            report(str(number))

    counts: Counter[str] = Counter()
    reader = Reader(root)
    reader.start()
    for number in range(1, kills + 1):
        counts["publications"] += len(life(partial(work, number * LIVES_APART), draw.uniform(0, 0.2)))
        counts["kills"] += 1
        counts["half"] += not is_whole(root)
        publish_one(root, number)
        counts["next one failed"] += (root / "current").readlink().name != digest_of(number) or not is_whole(root)
    reader.stop()
    counts["looks of the reader"] = reader.looks
    counts["half as the reader saw it"] = reader.half
    return counts


def publishing_steps(kills: int, folder: Path, draw: random.Random) -> Counter[str]:
    """A kill before each single step on the disk that a publication takes, removing an old one included.

    `kills` is how many steps there are at most: each is tried once. Afterwards every publication is made again: one
    that is left half must not be taken for whole.
    """
    root = folder / "published"
    number = draw.randrange(1_000)
    counts: Counter[str] = Counter()
    for step in range(1, kills + 1):
        latest = range(number, number + KEPT_PUBLICATIONS)
        for earlier in latest:
            publish_one(root, earlier)
            os.utime(root / digest_of(earlier), (earlier, earlier))
        number += KEPT_PUBLICATIONS
        if life(partial(_die_at, step, root, number), None) == ["done"]:
            counts["steps of a publication"] = step - 1
            break
        counts["kills"] += 1
        counts["half"] += not is_whole(root)
        for again in (*latest, number):
            publish_one(root, again)
            is_good = (root / "current").readlink().name == digest_of(again) and is_whole(root)
            counts["next one failed"] += not is_good
        number += 1
    return counts


_STEPS = frozenset({"os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.chmod", "os.utime"})


def _die_at(step: int, root: Path, number: int, report: Callable[[str], None]) -> None:
    taken = 0

    def before(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal taken
        if event in _STEPS or (event == "open" and str(arguments[0]).startswith(str(root))):
            taken += 1
            if taken == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(before)
    publish_one(root, number)
    report("done")


ROUNDS = {
    "parsing": parsing,
    "checkpoint": checkpoint,
    "publishing": publishing,
    "publishing_steps": publishing_steps,
}


def main() -> None:
    name, kills, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps(ROUNDS[name](kills, folder, random.Random(name))))


if __name__ == "__main__":
    main()
