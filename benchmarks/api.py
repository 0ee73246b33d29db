"""How fast the API answers, at a steady rate, from a server process of its own.

    python benchmarks/api.py HOME [--rate 50] [--seconds 20]

HOME is an EXPOSURE_HOME that holds a publication, such as one of all 342 handbook pages:

    EXPOSURE_HOME=HOME EXPOSURE_SITES=FOLDER EXPOSURE_SCORER=baseline exposure run

Requests are sent on time whatever becomes of those before them, each for a page of 100, over connections that stay
open; a latency counts from the moment at which the request was due. Printed are the middle, the 95th and the 99th
hundredth and the longest, in milliseconds, with gzip and without, and for answers that the reader knows already.
Beside them stands how late the sender itself was: on a busy machine that says how far the figures can be believed,
since its lateness is part of every latency.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx

LIMIT_MS = 20
SIZE = 100

PAGES = {
    "occupations": f"/api/v1/occupations?limit={SIZE}&sort=-jobs&offset={{offset}}",
    "rankings": f"/api/v1/prompts/exposure/rankings?limit={SIZE}&offset={{offset}}",
}


async def measure(
    client: httpx.AsyncClient, path: str, *, rate: float, seconds: float, headers: dict[str, str]
) -> tuple[list[float], list[float]]:
    """Latencies and the sender's own lateness, in milliseconds, of `rate × seconds` requests."""
    start = time.perf_counter() + 0.2
    latencies: list[float] = []
    lateness: list[float] = []

    async def send(number: int) -> None:
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        lateness.append((time.perf_counter() - due) * 1000)
        answer = await client.get(path.format(offset=number % 3 * SIZE), headers=headers)
        latencies.append((time.perf_counter() - due) * 1000)
        assert answer.status_code in (200, 304), answer.text

    await asyncio.gather(*(send(number) for number in range(int(rate * seconds))))
    return latencies, lateness


async def run(address: str, rate: float, seconds: float) -> bool:
    reached = True
    limits = httpx.Limits(max_keepalive_connections=50, keepalive_expiry=60)
    async with httpx.AsyncClient(base_url=address, timeout=30, limits=limits) as client:
        health = (await client.get("/api/v1/health")).json()
        print(f"{health['occupations']} occupations, {health['prompts']} prompts; {rate:g} requests a second")
        for name, path in PAGES.items():
            first = await client.get(path.format(offset=0), headers={"Accept-Encoding": "identity"})
            print(f"{name}: {len(first.json()['items'])} items, {len(first.content) / 1e3:.0f} kB")
            known = await client.get(path.format(offset=0), headers={"Accept-Encoding": "gzip"})
            tags = {"If-None-Match": known.headers["ETag"], "Accept-Encoding": "gzip"}
            for kind, one, headers in (
                ("gzip", path, {"Accept-Encoding": "gzip"}),
                ("plain", path, {"Accept-Encoding": "identity"}),
                ("known", path.replace("{offset}", "0"), tags),
            ):
                latencies, lateness = await measure(client, one, rate=rate, seconds=seconds, headers=headers)
                cuts = statistics.quantiles(latencies, n=100)
                reached &= cuts[94] <= LIMIT_MS
                print(
                    f"  {kind:6} middle {statistics.median(latencies):6.1f}   p95 {cuts[94]:6.1f}   "
                    f"p99 {cuts[98]:6.1f}   longest {max(latencies):6.1f}   limit {LIMIT_MS}   sender late by p95 "
                    f"{statistics.quantiles(lateness, n=100)[94]:.1f}"
                )
    return reached


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("home", type=Path, metavar="HOME")
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--seconds", type=float, default=20, help="seconds for each kind of request")
    options = parser.parse_args(arguments)
    server = subprocess.Popen(
        [sys.executable, "-c", "from exposure_dagster.cli import main; main()", "serve", "--port", "0"],
        env={**os.environ, "EXPOSURE_HOME": str(options.home.resolve())},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    try:
        lines = [server.stderr.readline(), server.stderr.readline()]
        if "Site: " not in lines[1]:
            raise SystemExit("".join(lines))
        address = lines[1].split("Site: ")[1].split("/ ")[0]
        is_reached = asyncio.run(run(address, options.rate, options.seconds))
        print(f"load average {os.getloadavg()[0]:.1f}; {'reached' if is_reached else 'not reached'}")
    finally:
        server.terminate()
        server.wait(timeout=30)


if __name__ == "__main__":
    main(sys.argv[1:])
