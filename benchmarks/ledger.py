"""The ledger in PostgreSQL: machines that share it, holders that are killed, writers at once.

    python -m benchmarks.ledger --fake SERVER.py [--kills 100] [NAME …]

NAME is one or more of: several (two processes, each in a process namespace and a home of its own, where `unshare` may
make one), kills (SIGKILL of a run that holds its prompt's turn), writers (eight at once, over an empty ledger and over
one of a million rows); all by default. SERVER.py is the stand-in for the API that `benchmarks/scoring.py` takes: the
requests that are counted are those in its log. PostgreSQL is a server of the benchmark's own that waits for its disk.
Ends with status 1 where a limit is not kept.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.scoring import (
    ROOT,
    Line,
    Server,
    asked_prompt,
    fill,
    ids_in,
    in_a_folder,
    paid_again,
    prices_at,
    report,
    serving,
)
from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.money import Budget, in_usd
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.scoring.context import Limits
from exposure_dagster.scoring.job import ScoringJob, WarehouseTexts
from exposure_dagster.scoring.ledger import Ledger, LedgerRow, Status, add_rows, as_text, request_key
from exposure_dagster.scoring.ledger_database import LedgerDatabase
from exposure_dagster.scoring.ledger_file import LedgerFile
from exposure_dagster.scoring.run import ScoringStoppedError, score_with_model
from exposure_dagster.store.warehouse import Warehouse
from tests.postgres import new_server

CONCURRENCY = 16
KILLED_CONCURRENCY = 4
GROUP = 50
WRITERS = 8
MILLION = 1_000_000
SECONDS = 10.0


def several(fake: Path, folder: Path, kills: int) -> list[Line]:
    """Two processes over one prompt; then over two, without and with a day's budget that ends in the middle."""
    spaces = _own_processes()
    lines = [Line("process namespaces of their own", "yes" if spaces else "no", "yes", bool(spaces))]
    with (
        new_server(is_durable=True) as url,
        serving(fake, folder / "server", latency={"dist": "fixed", "ms": 50}) as server,
    ):
        shared = SharedStore(url, str(folder / "data"))
        homes = [str(folder / name) for name in ("one", "two")]
        ledger = Ledger(LedgerDatabase(shared))

        def run(documents: int, instructions: Sequence[str], day_usd: float) -> list[dict[str, object]]:
            before = server.requests()
            means = (
                _Means(
                    home=home, server=server.url, database=url, documents=documents, instruction=one, day_usd=day_usd
                )
                for home, one in zip(homes, instructions, strict=True)
            )
            _end_all([_life(one) for one in means])
            return server.log_rows()[before:]

        rows = run(1000, ("Judge it.", "Judge it."), 1000)
        accepted, doubled = _accepted(ledger)
        kept = len(rows) == accepted == 1000 and not doubled and not paid_again(rows)
        lines.append(Line("one prompt: requests, accepted keys", f"{len(rows)}, {accepted}", "1000, 1000", kept))
        lines.append(_under_way(server, "one prompt"))
        rows = run(1000, ("Judge one.", "Judge two."), 1000)
        accepted = _accepted(ledger)[0] - accepted
        kept = len(rows) == accepted == 2000
        lines.append(Line("two prompts: requests, accepted keys", f"{len(rows)}, {accepted}", "2000, 2000", kept))
        lines.append(_under_way(server, "two prompts"))
        lines += _a_days_budget(ledger, server, run)
    return lines


def _a_days_budget(
    ledger: Ledger, server: Server, run: Callable[[int, Sequence[str], float], list[dict[str, object]]]
) -> list[Line]:
    before, answers = _spent_usd(ledger), _accepted(ledger)[0]
    limit = before + before / answers * 1000
    rows = run(1000, ("Judge three.", "Judge four."), limit)
    spent = _spent_usd(ledger)
    kept = len(rows) < 2000 and spent <= limit
    shown = f"{len(rows)} of 2000 requests, {spent - before:.4f} of {limit - before:.4f} USD"
    return [
        Line("two prompts, a day's budget for half of it", shown, "not passed", kept),
        _under_way(server, "… there"),
    ]


def _under_way(server: Server, name: str) -> Line:
    with urllib.request.urlopen(f"{server.url}/__stats") as reply:
        most = int(json.load(reply)["max_in_flight"])
    return Line(
        f"{name}: requests under way at once, by the server", str(most), f"≤ {CONCURRENCY}", most <= CONCURRENCY
    )


def kills(fake: Path, folder: Path, count: int) -> list[Line]:
    """Each life is killed within .6 s of its first request; then one goes to the end. A live run looks on."""
    draw, documents = random.Random(1), 7 * count
    counts: Counter[str] = Counter()
    free: list[float] = []
    lost: list[int] = []
    with (
        new_server(is_durable=True) as url,
        serving(fake, folder / "server", latency={"dist": "fixed", "ms": 200}) as server,
    ):
        ledger = Ledger(LedgerDatabase(SharedStore(url, str(folder / "data"))))
        ledger.store.create()
        looker_on = ledger.run_lock("elsewhere")
        assert looker_on.try_acquire()
        with ledger.store.transaction() as connection:
            connection.execute(
                "INSERT INTO runs (run_id, prompt, prompt_hash, scorer, started_at, outcome, revision)"
                " VALUES ('elsewhere', 'elsewhere', 'elsewhere', 'claude', ?, 'running', 0)",
                [as_text(utc_now())],
            )
        asked, in_ledger = _asked("Judge it."), set[str]()
        means = _Means(
            home=str(folder / "home"),
            server=server.url,
            database=url,
            documents=documents,
            instruction="Judge it.",
            concurrency=KILLED_CONCURRENCY,
        )
        for _ in range(count):
            before = server.requests()
            life = _life(means, is_apart=False)
            while server.requests() == before and life.poll() is None:
                time.sleep(0.005)
            time.sleep(draw.uniform(0, 0.6))
            life.send_signal(signal.SIGKILL)
            killed_at = time.monotonic()
            lock = ledger.run_lock(asked.prompt_hash)
            while not lock.try_acquire():
                time.sleep(0.005)
            free.append(time.monotonic() - killed_at)
            lock.release()
            life.wait()
            time.sleep(0.3)
            sent = {document for row in server.log_rows()[before:] for document in ids_in(row)}
            counts["asked again"] += len(in_ledger & sent)
            in_ledger = _accepted_documents(ledger)
            lost.append(len(sent - in_ledger))
        before = server.requests()
        _end_all([_life(means, is_apart=False)])
        rest = {document for row in server.log_rows()[before:] for document in ids_in(row)}
        counts["asked again"] += len(in_ledger & rest)
        accepted, doubled = _accepted(ledger)
        with ledger.store.reading() as connection:
            ((outcome,),) = connection.execute("SELECT outcome FROM runs WHERE run_id = 'elsewhere'").fetchall()
        looker_on.release()
    under_way = KILLED_CONCURRENCY
    return [
        Line(f"{count} kills: free again, at most", f"{max(free):.2f} s", "≤ 5 s", max(free) <= 5),
        Line("… median", f"{statistics.median(free) * 1000:.0f} ms", "told", True),
        Line("… asked again after they were in the ledger", str(counts["asked again"]), "0", not counts["asked again"]),
        Line("… lost a life, at most", str(max(lost)), f"≤ {under_way}", max(lost) <= under_way),
        Line("… accepted in the end", f"{accepted} of {documents}", "all", accepted == documents),
        Line("… accepted twice", str(doubled), "0", not doubled),
        Line("… a live run elsewhere is", outcome, "running", outcome == "running"),
    ]


def writers(fake: Path, folder: Path, kills: int) -> list[Line]:
    """Groups of fifty rows by eight processes at once, and by one; the same over a million rows."""
    lines = []
    with new_server(is_durable=True) as url:
        shared = SharedStore(url, str(folder / "data"))
        LedgerDatabase(shared).create()
        file = LedgerFile(folder / "ledger.sqlite")
        file.create()
        by_file, p95 = _written(file, WRITERS)
        lines.append(Line("SQLite, 8 writers: commits a second, p95", f"{by_file:.0f}, {p95:.0f} ms", "told", True))
        alone, alone_p95 = _written(LedgerDatabase(shared), 1)
        lines.append(Line("PostgreSQL, 1 writer", f"{alone:.0f}, {alone_p95:.0f} ms", "told", True))
        rate, p95 = _written(LedgerDatabase(shared), WRITERS)
        lines.append(Line("PostgreSQL, 8 writers: commits a second", f"{rate:.0f}", "≥ 100", rate >= 100))
        lines.append(Line("… p95", f"{p95:.0f} ms", "≤ 300 ms", p95 <= 300))
        _fill_ledger(LedgerDatabase(shared))
        full, full_p95 = _written(LedgerDatabase(shared), WRITERS)
        lines.append(Line("… at a million rows: commits a second", f"{full:.0f}, {full_p95:.0f} ms", "told", True))
        lines.append(Line("… times as long a commit", f"{rate / full:.2f}", "≤ 2.5", rate / full <= 2.5))
    return lines


def _written(store: LedgerDatabase | LedgerFile, processes: int) -> tuple[float, float]:
    """Commits a second of so many processes together, and how long the slowest twentieth of them takes (ms)."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        found = pool.starmap(_write, [(store, number) for number in range(processes)])
    took = sorted(one for of_process in found for one in of_process)
    return len(took) / SECONDS, took[int(0.95 * len(took))] * 1000


def _write(store: LedgerDatabase | LedgerFile, number: int) -> list[float]:
    took = []
    until = time.monotonic() + 2  # all have begun by then
    with store.connect() as connection:
        for group in range(10**9):
            started = time.monotonic()
            if started > until + SECONDS:
                return took
            with store.transaction(connection):
                add_rows(connection, [_row(f"{number}-{time.time_ns()}-{group}-{place}") for place in range(GROUP)])
            if started > until:
                took.append(time.monotonic() - started)
    raise AssertionError("unreachable")


def _row(document: str) -> LedgerRow:
    prompt_hash = "a" * 64
    return LedgerRow(
        request_key=request_key(prompt_hash, document, "b" * 64, 1, 0),
        is_accepted=True,
        prompt="bench",
        prompt_hash=prompt_hash,
        doc_id=document,
        text_sha256="b" * 64,
        scorer="claude",
        model="claude-haiku-5-5",
        endpoint="claude",
        answered_by="claude-haiku-5-5",
        sample=1,
        epoch=0,
        status=Status.OK,
        attributes={"score": 5.0},
        rationale="Much of it is done at a desk, with records and reports that a computer holds. " * 2,
        input_tokens=600,
        output_tokens=60,
        cache_read_tokens=0,
        cache_write_tokens=0,
        cost_nano_usd=900_000,
        request_id=f"req_{document}",
        batch_id=None,
        latency_ms=512.5,
        created_at=utc_now(),
        error=None,
        note=None,
    )


def _fill_ledger(store: LedgerDatabase) -> None:
    """A million rows of 40 days, by the server itself."""
    names = list(LedgerRow.__dataclass_fields__)
    with store.transaction() as connection:
        add_rows(connection, [_row("to be copied")])
        copied = [name for name in names if name not in ("request_key", "doc_id", "request_id", "created_at")]
        connection.execute(
            "INSERT INTO responses"
            f" (request_key, doc_id, request_id, created_at, attempt, revision, {', '.join(copied)})"
            " SELECT encode(sha256(n::text::bytea), 'hex'), 'doc-' || n, 'req-' || n,"
            f" created_at - n * interval '3.5 seconds', 1, revision, {', '.join(copied)}"
            f" FROM responses, generate_series(1, {MILLION}) n WHERE doc_id = 'to be copied'"
        )
    with store.connect() as connection:
        connection.execute("ANALYZE responses")


def _asked(instruction: str) -> AskedPrompt:
    return asked_prompt(instruction=instruction)


@dataclass(frozen=True, kw_only=True)
class _Means:
    """What a run in a process of its own works with."""

    home: str
    server: str
    database: str
    documents: int
    instruction: str
    day_usd: float = 1000.0
    concurrency: int = CONCURRENCY


def _life(means: _Means, *, is_apart: bool = True) -> subprocess.Popen[bytes]:
    """A run in a process of its own, with a namespace of its own where it is to be apart."""
    command = [sys.executable, "-m", "benchmarks.ledger", "--life", json.dumps(asdict(means))]
    return subprocess.Popen([*(_own_processes() if is_apart else []), *command], cwd=ROOT, stderr=subprocess.DEVNULL)


def _live(means: _Means) -> None:
    folder = Path(means.home)
    warehouse = Warehouse(folder / "exposure.duckdb", shared=SharedStore(means.database, str(folder.parent / "data")))
    refs = fill(warehouse, documents=means.documents, characters=150)
    job = ScoringJob("bench", means.instruction, _asked(means.instruction), refs, WarehouseTexts(warehouse))
    limits = Limits(Budget(1000, means.day_usd), means.concurrency)
    with suppress(ScoringStoppedError):
        score_with_model(job, warehouse=warehouse, prices=prices_at(Server(means.server, folder)), limits=limits)


def _own_processes() -> list[str]:
    """How a command is begun in a process namespace of its own; nothing where that may not be made."""
    command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    with suppress(OSError):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return []


def _end_all(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        assert process.wait(600) == 0


def _accepted(ledger: Ledger) -> tuple[int, int]:
    """Accepted answers, and how many of them are second ones to a key."""
    with ledger.store.reading() as connection:
        ((answers, keys),) = connection.execute(
            "SELECT count(*), count(DISTINCT request_key) FROM responses WHERE is_accepted"
        ).fetchall()
    return answers, answers - keys


def _accepted_documents(ledger: Ledger) -> set[str]:
    with ledger.store.reading() as connection:
        return {document for (document,) in connection.execute("SELECT doc_id FROM responses WHERE is_accepted")}


def _spent_usd(ledger: Ledger) -> float:
    with ledger.store.reading() as connection:
        ((nano,),) = connection.execute("SELECT coalesce(sum(cost_nano_usd), 0) FROM responses").fetchall()
        ((assumed,),) = connection.execute("SELECT coalesce(sum(cost_nano_usd), 0) FROM assumed_costs").fetchall()
    return in_usd(nano + assumed)


BENCHMARKS: dict[str, Callable[[Path, Path, int], list[Line]]] = {
    "several": several,
    "kills": kills,
    "writers": writers,
}


def main() -> None:
    if sys.argv[1:2] == ["--life"]:
        _live(_Means(**json.loads(sys.argv[2])))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, "all"], default="all")
    parser.add_argument("--fake", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=100)
    options = parser.parse_args()
    names = BENCHMARKS if "all" in options.names else options.names
    report(line for name in names for line in in_a_folder(BENCHMARKS[name], options.fake.resolve(), options.kills))


if __name__ == "__main__":
    main()
