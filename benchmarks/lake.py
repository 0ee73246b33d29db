"""The shared tables against the file: conflicts that callers see, the same rankings, and what an unchanged run costs.

    python benchmarks/lake.py conflicts    # 4 processes × 25 replacements of partitions of one table
    python benchmarks/lake.py sample       # the sample over both: rankings, published files, CPU of runs

A PostgreSQL server of its own is started for it, which waits for its disk as a real one does.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from exposure_dagster.core.shared import SharedStore
from exposure_dagster.pipeline.occupations import join_occupations
from exposure_dagster.pipeline.published import publish_content, read_content
from exposure_dagster.pipeline.ranked import rank_prompt, summarize_prompt, tell_uncertainty
from exposure_dagster.publishing.places import PublishedFolder
from exposure_dagster.publishing.publication import checksums
from exposure_dagster.store.warehouse import Warehouse
from tests.postgres import new_server

PROCESSES = 4
ROUNDS = 25
ROWS = 200
THEN = "TIMESTAMP '2026-01-01 00:00:00'"

WRITER = """
import sys
from pathlib import Path
import pandas as pd
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import SCORES
url, data, prompt, rounds, rows = sys.argv[1:]
warehouse = Warehouse(Path(data).parent / "none.duckdb", shared=SharedStore(url, data))
for number in range(int(rounds)):
    frame = pd.DataFrame({"doc_id": map(str, range(int(rows))), "status": "ok", "score": number})
    warehouse.replace(SCORES, frame.assign(prompt=prompt), where={"prompt": prompt})
"""

NO_TIMES = "SELECT * EXCLUDE (scored_at) FROM ranked.rankings ORDER BY ALL"


def conflicts(url: str, folder: Path) -> None:
    """4 processes × 25 replacements: every one is there at the end, and no caller saw a conflict."""
    data = str(folder / "data")
    warehouse = Warehouse(folder / "none.duckdb", shared=SharedStore(url, data))
    with warehouse.connect():
        pass
    began = time.perf_counter()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, data, f"prompt {number}", str(ROUNDS), str(ROWS)])
        for number in range(PROCESSES)
    ]
    failed = sum(writer.wait() != 0 for writer in writers)
    took = time.perf_counter() - began
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    stands = warehouse.rows("SELECT prompt, count(*), min(score), max(score) FROM scored.scores GROUP BY 1 ORDER BY 1")
    print(f"{PROCESSES} processes × {ROUNDS} replacements of {ROWS} rows: {failed} processes failed")
    print(f"{took:.1f} s, {cpu.ru_utime + cpu.ru_stime:.1f} s of CPU with Python's start")
    expected = [(f"prompt {number}", ROWS, ROUNDS - 1, ROUNDS - 1) for number in range(PROCESSES)]
    print("what stands is what was written last" if stands == expected else f"WRONG: {stands}")


def sample(url: str, folder: Path) -> None:
    """The sample over the file and over what machines share."""
    shared = SharedStore(url, str(folder / "data"))
    file_home, lake_home = folder / "file", folder / "lake"
    over_lake = {"EXPOSURE_DATABASE_URL": url, "EXPOSURE_DATA_URL": shared.data_url}
    for name, home, more in (("file", file_home, {}), ("lake", lake_home, over_lake)):
        costs = [_run(home, more)]
        costs.append(_run(home, more))
        for _ in range(3):
            (home / "dagster" / "nothing_to_do").unlink()  # as over a live site, which has no note
            costs.append(_run(home, more))
        print(
            f"{name}: first {costs[0]:.1f} s of CPU, unchanged {min(costs[2:]):.1f} s, by the note of the last run"
            f" {costs[1]:.1f} s"
        )
    file = Warehouse(file_home / "exposure.duckdb")
    lake = Warehouse(lake_home / "exposure.duckdb", shared=shared)
    print("rankings are equal" if file.rows(NO_TIMES) == lake.rows(NO_TIMES) else "RANKINGS DIFFER")
    one = _published(file, PublishedFolder(folder / "published-file"))
    two = _published(lake, PublishedFolder(folder / "published-lake", shared))
    other = PublishedFolder(folder / "another-machine", shared).current()
    assert other is not None
    print(
        f"published digests: {one.name} of the file, {two.name} of the lake, {other.resolve().name} on another machine"
    )
    sums = [checksums(place) for place in (one, two, other)]
    print(f"{len(sums[0])} files, byte for byte " + ("the same" if sums[0] == sums[1] == sums[2] else "DIFFERENT"))
    for name in sorted(set(sums[0]) | set(sums[1])):
        if sums[0].get(name) != sums[1].get(name):
            print(f"  {name}")


def _published(warehouse: Warehouse, published: PublishedFolder) -> Path:
    """What was published, with the same times everywhere."""

    def same_times(connection: object) -> None:
        for statement in (
            f"UPDATE scored.scores SET scored_at = {THEN}",
            f"UPDATE scored.score_versions SET scored_at = {THEN}, versioned_at = {THEN}",
            f"UPDATE scored.prompt_versions SET first_seen_at = {THEN}",
            f"UPDATE raw.ooh_pages SET fetched_at = {THEN}",
        ):
            connection.execute(statement)  # type: ignore[attr-defined]

    warehouse.transact(same_times)
    rank_prompt(warehouse, "exposure")
    tell_uncertainty(warehouse, "exposure")
    summarize_prompt(warehouse, "exposure")
    join_occupations(warehouse)
    return publish_content(read_content(warehouse), published)


def _run(home: Path, more: Mapping[str, str]) -> float:
    """Seconds of CPU of `exposure run`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("EXPOSURE_")}
    subprocess.run(
        [Path(sys.executable).with_name("exposure"), "run", "--yes"],
        env={**bare, "EXPOSURE_HOME": str(home), "EXPOSURE_SITES": "sample", "EXPOSURE_SCORER": "baseline", **more},
        check=True,
        capture_output=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    with new_server(is_durable=True) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE lake")
        yield url.rsplit("/", 1)[0] + "/lake"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("conflicts", "sample"))
    chosen = parser.parse_args().what
    with tempfile.TemporaryDirectory(prefix="exposure-lake-") as temporary, _database(Path(temporary)) as address:
        {"conflicts": conflicts, "sample": sample}[chosen](address, Path(temporary))
