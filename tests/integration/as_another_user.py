"""Runs commands of `exposure`, as they go when the home is another user's (see `test_read_only_home.py`).

Reads a JSON list of commands (lists of words) and prints a JSON list of [status, output], one a command. Each runs in a
process forked off this one, which has loaded the commands. A server is asked for its health once, whose status is
printed, and is then interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress

import httpx

import exposure_dagster.definitions  # noqa: F401  what commands import when they are asked for, once for all of them
from exposure_dagster.cli.main import main


def run(words: list[str]) -> tuple[int, str]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os._exit(_status_of(words))
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as output:
        said = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def _status_of(words: list[str]) -> int:
    if words[0] == "serve":
        threading.Thread(target=_ask, args=(words[words.index("--port") + 1],), daemon=True).start()
    try:
        main(words, prog_name="exposure")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001  what the interpreter would print
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _ask(port: str) -> None:
    for _ in range(600):
        with suppress(httpx.TransportError):
            print("health:", httpx.get(f"http://127.0.0.1:{port}/api/v1/health").status_code, flush=True)
            break
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    print(json.dumps([run(words) for words in json.load(sys.stdin)]))
