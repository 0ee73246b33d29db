"""What the scoring engine loses, pays and takes, against a stand-in for the API.

    python -m benchmarks.scoring --fake SERVER.py [NAME …]

SERVER.py is a loopback stand-in for the Anthropic API that takes `--port 0 --port-file FILE --log FILE
--config FILE`, logs one JSON object a request (`n, time, path, status, fault, body_hash, body`) and serves
counts at /__stats. NAME is one or more of: speed, throughput, volume, faults, mixture, kills; all by default.
The answers that are counted are those in the ledger, and the requests those in the server's log.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import pandas as pd
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table as Grid

from exposure_dagster.core.money import Budget
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.prompts.model import AskedPrompt, Level, PromptFile, Scale
from exposure_dagster.prompts.render import Document, asked_part
from exposure_dagster.providers.anthropic import as_params
from exposure_dagster.providers.prices import PriceTable, load_prices
from exposure_dagster.providers.registry import endpoints_of
from exposure_dagster.scoring.asking import asking_of
from exposure_dagster.scoring.context import Limits, Patience
from exposure_dagster.scoring.job import DocumentRef, ScoringJob, WarehouseTexts
from exposure_dagster.scoring.mirror import open_ledger
from exposure_dagster.scoring.recording import Recording, Step
from exposure_dagster.scoring.run import ScoringResult, score_with_model
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import TEXTS
from tests.postgres import new_server

ROOT = Path(__file__).resolve().parents[1]
MODEL = "claude-haiku-5-5"
WORDS = ("plans", "records", "patients", "machines", "budgets", "crops", "lessons", "cables", "reports", "routes")
IMPATIENT = Patience(attempt_seconds=2, seconds_per_token=0)
MENDABLE = {
    **dict.fromkeys(("408", "429", "500", "503", "504", "529", "reset", "reset_early", "bad_body"), 0.02),
    **dict.fromkeys(("malformed_json", "out_of_schema", "wrong_ids", "max_tokens", "empty_content"), 0.03),
    "hang": 0.005,
}
BARE_REQUESTS = 3000
HOPELESS = ("refusal", "400", "refusal", "413", "403")


@dataclass(frozen=True)
class Line:
    """One figure, its limit, and whether it is kept."""

    name: str
    value: str
    limit: str
    is_kept: bool


INSTRUCTION = "Judge how much of the work described could be done at a desk with a computer. " * 40


def asked_prompt(*, documents_per_request: int = 1, instruction: str = INSTRUCTION) -> AskedPrompt:
    level = Level(label="any", range=(0, 10), description="As much as the text shows.")
    return asked_part(
        PromptFile(
            title="Exposure",
            corpus="bench",
            model=MODEL,
            effort="low",
            documents_per_request=documents_per_request,
            scale=Scale(min=0, max=10),
            levels=(level,),
            instruction=instruction,
        )
    )


def fill(warehouse: Warehouse, *, documents: int, characters: int) -> list[DocumentRef]:
    """Put made-up texts into parsed.texts."""
    refs, rows = [], []
    for number in range(documents):
        draw = random.Random(number)
        text = f"Document {number}. " + " ".join(draw.choice(WORDS) for _ in range(characters // 8))
        digest = hashlib.sha256(text.encode()).hexdigest()
        refs.append(DocumentRef(f"doc-{number:05}", f"Occupation {number}", digest))
        rows.append({"text_sha256": digest, "text": text})
    warehouse.append(TEXTS, pd.DataFrame(rows))
    return refs


@dataclass
class Server:
    """The stand-in, as a process."""

    url: str
    log: Path

    def control(self, **settings: object) -> None:
        body = json.dumps(settings).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/__control", body, method="POST")).read()

    def requests(self) -> int:
        with urllib.request.urlopen(f"{self.url}/__stats") as reply:
            return int(json.load(reply)["requests"])

    def log_rows(self) -> list[dict[str, object]]:
        self.requests()
        rows = (json.loads(line) for line in self.log.read_text().splitlines())
        return [row for row in rows if row["path"] == "/v1/messages"]


@contextmanager
def serving(fake: Path, folder: Path, **settings: object) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    config, port_file, log = folder / "config.json", folder / "port", folder / "requests.jsonl"
    config.write_text(json.dumps(settings))
    port_file.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, str(fake), "--port", "0", "--port-file", port_file, "--config", config, "--log", log],
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (port_file.exists() and port_file.read_text()):
            time.sleep(0.05)
        yield Server(f"http://127.0.0.1:{port_file.read_text()}", log)
    finally:
        process.terminate()
        process.wait()


@dataclass
class Clock:
    """A progress that only notes when answers came to the ledger."""

    times: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def start(self, label: str, total: int | None) -> None:
        pass

    def advance(self, count: int = 1, **figures: float | int | str) -> None:
        self.times.append(time.time())
        self.counts.append(count)

    def finish(self) -> None:
        pass


def score(
    server: Server,
    warehouse: Warehouse,
    refs: Sequence[DocumentRef],
    *,
    asked: AskedPrompt | None = None,
    concurrency: int = 16,
    patience: Patience | None = None,
    progress: Progress = NO_PROGRESS,
) -> ScoringResult:
    job = ScoringJob("bench", "bench", asked or asked_prompt(), refs, WarehouseTexts(warehouse))
    return score_with_model(
        job,
        warehouse=warehouse,
        prices=prices_at(server),
        limits=Limits(Budget(1000, 1000), concurrency, patience or Patience()),
        progress=progress,
    )


def prices_at(server: Server) -> PriceTable:
    at = {"ANTHROPIC_API_KEY": SecretStr("bench-key"), "ANTHROPIC_BASE_URL": SecretStr(server.url)}
    return load_prices(endpoints=endpoints_of(at))


def first_request_at(rows: Sequence[dict[str, object]]) -> float:
    return min(datetime.fromisoformat(str(row["time"])).timestamp() for row in rows)


def paid_again(rows: Sequence[dict[str, object]]) -> int:
    """Bodies that were sent again after a good answer to them had reached us whole."""
    good: set[object] = set()
    again = 0
    for row in rows:
        again += row["body_hash"] in good
        if row["status"] == 200 and row["fault"] == "ok":
            good.add(row["body_hash"])
    return again


def speed(fake: Path, folder: Path) -> list[Line]:
    """342 documents at half a second's latency, 32 at once; and one at a time with half a second's pause."""
    warehouse = Warehouse(folder / "exposure.duckdb")
    refs = fill(warehouse, documents=342, characters=20_000)
    with serving(fake, folder, latency={"dist": "fixed", "ms": 500}) as server:
        clock = Clock()
        result = score(server, warehouse, refs, concurrency=32, progress=clock)
        rows = server.log_rows()
        took = clock.times[-1] - first_request_at(rows)
        slow = one_at_a_time(server, warehouse, refs[:8]) / 8 * len(refs)
    limit = 1.10 * (0.5 + -(-341 // 32) * 0.5)
    return [
        Line(
            "342 documents, 500 ms, 32 at once: first request to last row",
            f"{took:.2f} s",
            f"≤ {limit:.2f} s",
            took <= limit and result.figures.failed == 0,
        ),
        Line("against one at a time with a pause of 0.5 s", f"{slow / took:.0f} times", "told", True),
    ]


def one_at_a_time(server: Server, warehouse: Warehouse, refs: Sequence[DocumentRef]) -> float:
    """Seconds for a plain loop: ask, write, pause."""
    import anthropic

    asked = asked_prompt()
    texts = WarehouseTexts(warehouse).texts(refs)
    client = anthropic.Anthropic(api_key="bench-key", base_url=server.url)
    started = time.monotonic()
    for ref in refs:
        client.messages.create(
            model=MODEL,
            max_tokens=1000,
            system=asked.system,
            messages=[{"role": "user", "content": f"{ref.title}\n{texts[ref.text_sha256]}"}],
        )
        (server.log.parent / f"{ref.doc_id}.json").write_text("{}")
        time.sleep(0.5)
    return time.monotonic() - started


def volume(fake: Path, folder: Path) -> list[Line]:
    """20,000 short documents at 20 ms; and the second run of the same."""
    with serving(fake, folder, latency={"dist": "fixed", "ms": 20}) as server:
        report = in_a_process("volume", folder, server)
        again = in_a_process("volume", folder, server)
    return [
        Line("20,000 documents, 20 ms: answers a second", f"{report['rate']:.0f}", "≥ 300", report["rate"] >= 300),
        Line("… against the bare SDK in the same run", f"{report['rate'] / report['bare_rate']:.2f}", "told", True),
        Line(
            "… CPU for an answer, of it the SDK alone",
            f"{report['cpu_ms']:.2f} ms, {report['bare_cpu_ms']:.2f} ms",
            "told",
            True,
        ),
        Line(
            "… part of the time in which the ledger was written",
            f"{report['commit_share']:.0%}",
            "< 100%",
            report["commit_share"] < 1,
        ),
        Line("… in the slowest ten seconds of it", f"{report['slowest']:.0f}", "told", True),
        Line("… memory at most", f"{report['mib']:.0f} MiB", "≤ 400 MiB", report["mib"] <= 400),
        Line("… memory at most after the first tenth", f"{report['early_mib']:.0f} MiB", "told", True),
        Line("… not answered", f"{report['failed']:.0f}", "0", report["failed"] == 0),
        Line("second run: requests", f"{again['requests']:.0f}", "0", again["requests"] == 0),
        Line(
            "second run: seconds, with start of the process",
            f"{again['process_seconds']:.2f}",
            "< 5",
            again["process_seconds"] < 5,
        ),
    ]


def throughput(fake: Path, folder: Path) -> list[Line]:
    """6,000 documents that are answered at once, 16 under way: the engine beside the bare client, five times, with the
    ledger in a file and in PostgreSQL."""
    with new_server(is_durable=True) as url:
        return [*_throughput(fake, folder / "file", "a file"), *_throughput(fake, folder / "db", "PostgreSQL", url)]


def _throughput(fake: Path, folder: Path, store: str, url: str = "") -> list[Line]:
    reports = []
    for number in range(5):
        home = folder / str(number)
        home.mkdir(parents=True)
        with serving(fake, home, latency={"dist": "fixed", "ms": 0}) as server:
            reports.append(in_a_process("throughput", home, server, url))
    ratios = [one["rate"] / one["bare_rate"] for one in reports]
    ratio, cpu_ms = statistics.median(ratios), statistics.median(one["cpu_ms"] for one in reports)
    name = f"no latency, ledger in {store}"
    return [
        Line(f"{name}: engine against the bare client, median", f"{ratio:.2f}", "≥ 0.70", ratio >= 0.70),
        Line("… each time", ", ".join(f"{one:.2f}" for one in ratios), "told", True),
        Line("… CPU a document, median", f"{cpu_ms:.2f} ms", "≤ 2.2 ms", cpu_ms <= 2.2),
        Line("… of it the bare client's", ", ".join(f"{one['bare_cpu_ms']:.2f}" for one in reports), "told", True),
        Line("… answers a second", ", ".join(f"{one['rate']:.0f}" for one in reports), "told", True),
        Line(
            "… requests a second of the bare client",
            ", ".join(f"{one['bare_rate']:.0f}" for one in reports),
            "told",
            True,
        ),
    ]


def throughput_part(folder: Path, server: Server, url: str) -> None:
    # one place for all rounds: the tables of a database lie in one
    shared = SharedStore(url, str(folder.parent / "data")) if url else None
    warehouse = Warehouse(folder / "exposure.duckdb", shared=shared)
    refs = fill(warehouse, documents=6_000, characters=150)
    asked = asked_prompt(instruction=f"{folder} {INSTRUCTION}")  # a question of its own to a ledger that is shared
    clock, cpu = _MemoryClock(), time.process_time()
    score(server, warehouse, refs, asked=asked, concurrency=16, progress=clock)
    report = clock.report() | {"cpu_ms": (time.process_time() - cpu) * 1000 / len(refs)}
    print(json.dumps(report | asyncio.run(bare_sdk(server, warehouse, refs))))


def in_a_process(name: str, folder: Path, server: Server, database_url: str = "") -> dict[str, float]:
    """Run a part of this file in a process of its own; what it prints is its report."""
    started = time.monotonic()
    of_part = ["--part", name, "--folder", folder, "--url", server.url, "--database", database_url]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scoring", *of_part],
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    report: dict[str, float] = json.loads(done.stdout)
    return report | {"process_seconds": time.monotonic() - started}


def volume_part(folder: Path, server: Server, url: str) -> None:
    warehouse = Warehouse(folder / "exposure.duckdb")
    refs_file = folder / "refs.json"
    if not refs_file.exists():
        refs = fill(warehouse, documents=20_000, characters=150)
        refs_file.write_text(json.dumps([[ref.doc_id, ref.title, ref.text_sha256] for ref in refs]))
    refs = [DocumentRef(*row) for row in json.loads(refs_file.read_text())]
    clock = _MemoryClock()
    cpu, committed = time.process_time(), timed_commits()
    result = score(server, warehouse, refs, concurrency=16, progress=clock)
    report: dict[str, float] = {"requests": result.figures.requests, "failed": result.figures.failed}
    if clock.times:
        report |= clock.report()
        report["cpu_ms"] = (time.process_time() - cpu) * 1000 / len(refs)
        report["commit_share"] = sum(committed) / (clock.times[-1] - clock.times[0])
        report |= asyncio.run(bare_sdk(server, warehouse, refs[:BARE_REQUESTS]))
    print(json.dumps(report))


def timed_commits() -> list[float]:
    """Seconds of every transaction of the ledger from now on."""
    seconds: list[float] = []
    write = Recording._write

    def timed(self: Recording, steps: Sequence[Step]) -> list[object]:
        started = time.monotonic()
        try:
            return write(self, steps)
        finally:
            seconds.append(time.monotonic() - started)

    Recording._write = timed  # type: ignore[method-assign]
    return seconds


async def bare_sdk(server: Server, warehouse: Warehouse, refs: Sequence[DocumentRef]) -> dict[str, float]:
    """The same requests, 16 at once, by the SDK and nothing else: what there is to be had on this machine."""
    import anthropic

    asking = asking_of(asked_prompt(), prices_at(server))
    texts = WarehouseTexts(warehouse).texts(refs)
    places = asyncio.Semaphore(16)
    started, cpu = time.monotonic(), time.process_time()
    async with anthropic.AsyncAnthropic(api_key="bench-key", base_url=server.url, max_retries=0) as client:

        async def ask(ref: DocumentRef) -> None:
            document = Document(ref.doc_id, ref.title, texts[ref.text_sha256])
            async with places:
                await client.messages.create(**as_params(asking.request([document], asking.max_tokens(1))))

        await asyncio.gather(*(ask(ref) for ref in refs))
    return {
        "bare_rate": len(refs) / (time.monotonic() - started),
        "bare_cpu_ms": (time.process_time() - cpu) * 1000 / len(refs),
    }


class _MemoryClock(Clock):
    def __init__(self) -> None:
        super().__init__()
        self.mib: list[float] = []

    def advance(self, count: int = 1, **figures: float | int | str) -> None:
        super().advance(count, **figures)
        self.mib.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

    def report(self) -> dict[str, float]:
        took = self.times[-1] - self.times[0]
        slowest, start, within = float("inf"), 0, 0
        for at, count in zip(self.times, self.counts, strict=True):
            within += count
            while at - self.times[start] > 10:
                slowest = min(slowest, within / (at - self.times[start]))
                within -= self.counts[start]
                start += 1
        return {
            "rate": sum(self.counts) / took,
            "slowest": min(slowest, sum(self.counts) / took),
            "mib": self.mib[-1],
            "early_mib": self.mib[len(self.mib) // 10],
        }


def faults(fake: Path, folder: Path) -> list[Line]:
    """30 % faults of every kind that a repetition can mend: alone in a request, and ten together."""
    lines = []
    for together in (1, 10):
        home = folder / str(together)
        warehouse = Warehouse(home / "exposure.duckdb")
        refs = fill(warehouse, documents=342, characters=400)
        with serving(fake, home, latency={"dist": "fixed", "ms": 30}, faults=MENDABLE, seed=together) as server:
            result = score(
                server, warehouse, refs, asked=asked_prompt(documents_per_request=together), patience=IMPATIENT
            )
            rows = server.log_rows()
        faulty = sum(row["fault"] != "ok" for row in rows) / len(rows)
        name = f"{faulty:.0%} faults, {together} a request"
        ok = sum(standing.status == "ok" for standing in result.standings)
        again = paid_again(rows)
        lines += [
            Line(f"{name}: documents ok", f"{ok} of {len(refs)} in {len(rows)} requests", "all", ok == len(refs)),
            Line(f"{name}: good answers sent for again", str(again), "0", again == 0),
        ]
    return lines


def mixture(fake: Path, folder: Path) -> list[Line]:
    """Refusals and permanent errors for chosen documents, among 30 % faults that a repetition can mend."""
    lines = []
    for together in (1, 10):
        home = folder / str(together)
        warehouse = Warehouse(home / "exposure.duckdb")
        refs = fill(warehouse, documents=342, characters=400)
        chosen = {ref.doc_id: HOPELESS[number % len(HOPELESS)] for number, ref in enumerate(refs[5::23])}
        rules = [{"match": doc_id, "fault": fault, "times": None} for doc_id, fault in chosen.items()]
        settings = {"latency": {"dist": "fixed", "ms": 30}, "faults": MENDABLE, "rules": rules}
        with serving(fake, home, **settings) as server:
            result = score(
                server, warehouse, refs, asked=asked_prompt(documents_per_request=together), patience=IMPATIENT
            )
        expected = {doc_id: "refused" if fault == "refusal" else "failed" for doc_id, fault in chosen.items()}
        found = {standing.doc_id: standing.status.value for standing in result.standings if standing.status != "ok"}
        name = f"{len(chosen)} documents refused or rejected, {together} a request"
        wrong = len(set(expected.items()) ^ set(found.items()))
        lines.append(Line(f"{name}: standing otherwise", str(wrong), "0", wrong == 0))
    return lines


def kills(fake: Path, folder: Path) -> list[Line]:
    """100 lives that end by kill -9 within 0.6 s of their first request; then one to the end."""
    concurrency, documents, lives = 4, 700, 100
    warehouse = Warehouse(folder / "exposure.duckdb")
    refs = fill(warehouse, documents=documents, characters=400)
    (folder / "refs.json").write_text(json.dumps([[ref.doc_id, ref.title, ref.text_sha256] for ref in refs]))
    draw = random.Random(1)
    in_ledger_at: list[tuple[int, set[str]]] = []
    lost, asked_again = [], 0
    with serving(fake, folder, latency={"dist": "fixed", "ms": 200}) as server:
        for _ in range(lives):
            before = server.requests()
            end_a_life(folder, server, before, draw.uniform(0, 0.6))
            time.sleep(0.3)
            answered = {doc for row in server.log_rows()[before:] if row["status"] == 200 for doc in ids_in(row)}
            with open_ledger(warehouse).store.reading() as connection:
                accepted = {doc for (doc,) in connection.execute("SELECT doc_id FROM responses WHERE is_accepted")}
            in_ledger_at.append((server.requests(), accepted))
            lost.append(len(answered - accepted))
        result = score(server, warehouse, refs, concurrency=concurrency)
        rows = server.log_rows()
        for (start, accepted), (end, _) in zip(in_ledger_at, [*in_ledger_at[1:], (len(rows), set())], strict=True):
            asked_again += sum(doc in accepted for row in rows[start:end] for doc in ids_in(row))
    ok = sum(standing.status == "ok" for standing in result.standings)
    return [
        Line(f"{lives} kills: documents scored at the end", f"{ok} of {documents}", "all", ok == documents),
        Line("… before the last life", f"{len(in_ledger_at[-1][1])}", "told", True),
        Line("… keys in the ledger at a kill and asked again", str(asked_again), "0", asked_again == 0),
        Line("… answers lost in all", str(sum(lost)), "told", True),
        Line("… answers lost a life, at most", str(max(lost)), f"≤ {concurrency}", max(lost) <= concurrency),
    ]


def end_a_life(folder: Path, server: Server, requests_before: int, after_seconds: float) -> None:
    """Start a run in a process of its own and kill it so long after its first request."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.scoring", "--part", "life", "--folder", folder, "--url", server.url],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
    )
    while server.requests() == requests_before and process.poll() is None:
        time.sleep(0.005)
    time.sleep(after_seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def ids_in(row: dict[str, object]) -> list[str]:
    return re.findall(r'id="(doc-\d+)"', str(row["body"]["messages"][0]["content"]))  # type: ignore[index]


def life_part(folder: Path, server: Server, url: str) -> None:
    warehouse = Warehouse(folder / "exposure.duckdb")
    refs = [DocumentRef(*row) for row in json.loads((folder / "refs.json").read_text())]
    score(server, warehouse, refs, concurrency=4)


BENCHMARKS: dict[str, Callable[[Path, Path], list[Line]]] = {
    "speed": speed,
    "throughput": throughput,
    "volume": volume,
    "faults": faults,
    "mixture": mixture,
    "kills": kills,
}
PARTS = {"throughput": throughput_part, "volume": volume_part, "life": life_part}


def in_a_folder(benchmark: Callable[..., Iterable[Line]], fake: Path, *more: object) -> list[Line]:
    """The lines of a benchmark, which has a folder of its own for as long as it takes."""
    with tempfile.TemporaryDirectory() as folder:
        return list(benchmark(fake, Path(folder), *more))


def report(lines: Iterable[Line]) -> NoReturn:
    """Print them when all are measured, and end with status 1 where a limit is not kept."""
    grid, is_kept = Grid("figure", "measured", "limit", "kept"), True
    for line in lines:
        grid.add_row(line.name, line.value, line.limit, "yes" if line.is_kept else "NO")
        is_kept &= line.is_kept
    Console().print(grid)
    sys.exit(not is_kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, "all"], default="all")
    parser.add_argument("--fake", type=Path)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--database", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        server = Server(options.url, options.folder / "requests.jsonl")
        PARTS[options.part](options.folder, server, options.database)
        return
    if options.fake is None:
        parser.error("--fake is needed: the stand-in for the API")
    names = BENCHMARKS if "all" in options.names else options.names
    report(line for name in names for line in in_a_folder(BENCHMARKS[name], options.fake.resolve()))


if __name__ == "__main__":
    main()
