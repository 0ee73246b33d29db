"""What an O*NET release of a million rows takes, in time and memory, and whether all of it arrives.

    python benchmarks/onet_million.py [ROWS]

Makes two releases in a temporary folder and loads each into a new warehouse in a process of its own: one in which
most rows are ratings of tasks, as in those that are published (which have about 170,000), and one in which most are
tasks. Ends with status 1 if a figure in the tables is not the one that was written.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from exposure_dagster.corpora.onet.fetching import refresh_onet_database, refresh_onet_list
from exposure_dagster.corpora.onet.parsing import join_codes, parse_onet
from exposure_dagster.pipeline.documents import collect_documents
from exposure_dagster.sources.sites import open_site
from exposure_dagster.store.warehouse import Warehouse

OCCUPATIONS = 1_000
SCALES = ("IM", "RT", *(f"FT{number}" for number in range(1, 8)))
"""Importance, relevance, and the shares of seven frequencies: nine ratings a task."""
REST = "80\t08/2025\tIncumbent"
RATED = "30\t0.1\t3.9\t4.1\tN\t08/2025\tIncumbent"


def codes() -> list[str]:
    return [f"{11 + 2 * (number // 100)}-{1000 + number % 100}.00" for number in range(OCCUPATIONS)]


def tasks(count: int) -> Iterator[tuple[str, int]]:
    """Occupation and id of each task."""
    every = codes()
    return ((every[number % OCCUPATIONS], number) for number in range(count))


def importance(task: int) -> float:
    return 1 + task % 401 / 100


def write_release(folder: Path, task_count: int, *, with_ratings: bool) -> Path:
    """The archive, and in the same folder the list of occupations, as a folder of pages has it."""
    listed = folder / "sites" / "www.onetonline.org" / "find" / "all"
    listed.mkdir(parents=True)
    rows = "".join(f"4,{code},Occupation {code},Y,\n" for code in codes())
    (listed / "All_Occupations.csv").write_text(f"Job Zone,Code,Occupation,Data-level,url\n{rows}", encoding="utf-8")
    tables: dict[str, tuple[str, Iterator[str]]] = {
        "Occupation Data": (
            "O*NET-SOC Code\tTitle\tDescription",
            (f"{code}\tOccupation {code}\tDo what people of occupation {code} do." for code in codes()),
        ),
        "Sample of Reported Titles": (
            "O*NET-SOC Code\tReported Job Title\tShown in My Next Move",
            (f"{code}\tWorker of {code}\tY" for code in codes()),
        ),
        "Education, Training, and Experience": (
            "O*NET-SOC Code\tElement ID\tScale ID\tCategory\tData Value",
            (f"{code}\t2.D.1\tRL\t6\t100" for code in codes()),
        ),
        "Education, Training, and Experience Categories": (
            "Element ID\tScale ID\tCategory\tCategory Description",
            iter(["2.D.1\tRL\t6\tBachelor's Degree"]),
        ),
        "Task Statements": (
            "O*NET-SOC Code\tTask ID\tTask\tTask Type\tIncumbents Responding\tDate\tDomain Source",
            (
                f"{code}\t{task}\tDo task {task} with care, and write down what came of it.\tCore\t{REST}"
                for code, task in tasks(task_count)
            ),
        ),
    }
    if with_ratings:
        tables["Task Ratings"] = (
            "O*NET-SOC Code\tTask ID\tScale ID\tCategory\tData Value\tN\tStandard Error\tLower CI Bound\tUpper CI Bound"
            "\tRecommend Suppress\tDate\tDomain Source",
            (
                f"{code}\t{task}\t{scale[:2]}\t{scale[2:] or 'n/a'}\t{importance(task):.2f}\t{RATED}"
                for code, task in tasks(task_count)
                for scale in SCALES
            ),
        )
    archive = folder / "db_99_1_text.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, (header, lines) in tables.items():
            with packed.open(f"db_99_1_text/{name}.txt", "w", force_zip64=True) as file:
                file.write(f"{header}\n".encode())
                for line in lines:
                    file.write(f"{line}\n".encode())
    return archive


def load(folder: Path, archive: Path) -> None:
    """Everything from the archive to the documents; what it took goes to `result.json`."""
    warehouse = Warehouse(folder / "home" / "exposure.duckdb")
    site = open_site(str(folder / "sites"), contact=None)
    seconds: dict[str, float] = {}
    started = time.perf_counter()

    def step(name: str) -> None:
        nonlocal started
        seconds[name] = round(time.perf_counter() - started, 1)
        started = time.perf_counter()

    with site.fetcher() as fetcher:
        refresh_onet_list(warehouse, site, fetcher, refetch_after_hours=24)
        refresh_onet_database(warehouse, site, fetcher, release="99.1", saved=archive, refetch_after_hours=24)
    step("read and store")
    report = parse_onet(warehouse)
    join_codes(warehouse)
    step("parse")
    documents = collect_documents(warehouse).documents
    step("documents")
    ((count, mean),) = warehouse.rows("SELECT count(*), avg(importance) FROM parsed.onet_tasks")
    result = {
        "seconds": seconds,
        "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "occupations": report.tables["onet_occupations"].rows,
        "tasks": count,
        "importance": mean,
        "documents": documents,
    }
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def attempt(name: str, task_count: int, *, with_ratings: bool) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        archive = write_release(Path(folder), task_count, with_ratings=with_ratings)
        rows = task_count * (1 + with_ratings * len(SCALES)) + 3 * OCCUPATIONS + 1
        process = multiprocessing.get_context("spawn").Process(target=load, args=(Path(folder), archive))
        process.start()
        process.join()
        if process.exitcode:
            print(f"{name}: {rows:,} rows: the process ended with status {process.exitcode}")
            return False
        result = json.loads((Path(folder) / "result.json").read_text(encoding="utf-8"))
        mean = sum(importance(task) for task in range(task_count)) / task_count if with_ratings else None
        is_right = (
            (result["occupations"], result["tasks"], result["documents"])
            == (OCCUPATIONS, task_count, OCCUPATIONS + task_count)
        ) and (mean is None or abs(result["importance"] - mean) < 1e-3)
        took = ", ".join(f"{step} {seconds} s" for step, seconds in result["seconds"].items())
        print(
            f"{name}: {rows:,} rows in {archive.stat().st_size / 2**20:.1f} MiB; {took}; at most {result['MiB']:,} MiB"
        )
        print(f"  {'right' if is_right else 'wrong'}: {result['tasks']:,} tasks, {result['documents']:,} documents")
        return is_right


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    kept = [
        attempt("mostly ratings", rows // (1 + len(SCALES)), with_ratings=True),
        attempt("mostly tasks", rows, with_ratings=False),
    ]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
