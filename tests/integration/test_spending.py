"""What a user with a key meets: what it will cost, the question before it spends, and the ledger on the move."""

from __future__ import annotations

import os
import pty
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure_dagster.cli.main import main
from tests.integration.counting_server import CountingServer, counting_server

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

DOCUMENTS = 30


@pytest.fixture(scope="module")
def api() -> Iterator[CountingServer]:
    with counting_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _counts_from_nothing(api: CountingServer) -> None:
    api.forget()


def environment(home: Path, api: CountingServer) -> dict[str, str]:
    return {
        "EXPOSURE_HOME": str(home),
        "EXPOSURE_SITES": "sample",
        "EXPOSURE_GATE": "warn",
        "ANTHROPIC_API_KEY": "sk-not-to-be-seen",
        "ANTHROPIC_BASE_URL": api.url,
        "COLUMNS": "200",
        "TERM": "dumb",
    }


def exposure(home: Path, api: CountingServer, *arguments: str) -> str:
    """What the command prints where there is no terminal."""
    done = CliRunner().invoke(main, arguments, env=environment(home, api))
    assert done.exit_code == 0, done.output
    assert "sk-not-to-be-seen" not in done.output
    return done.stdout


def on_a_terminal(home: Path, api: CountingServer, *arguments: str, typed: str = "") -> tuple[int, str]:
    """Exit status, and what the terminal shows."""
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def read() -> None:
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux's way to say that the other end is closed
                return
            shown.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    os.write(ours, typed.encode())
    with (
        os.fdopen(theirs, "r", closefd=False) as stdin,
        os.fdopen(theirs, "w", closefd=False) as stdout,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment(home, api).items():
            patch.setenv(name, value)
        for name, stream in (("stdin", stdin), ("stdout", stdout), ("stderr", stdout)):
            patch.setattr(sys, name, stream)
        with pytest.raises(SystemExit) as ended:
            main(arguments)
    os.close(theirs)
    reader.join(timeout=60)
    os.close(ours)
    return int(ended.value.code or 0), b"".join(shown).decode()


@pytest.fixture(scope="module")
def scored(sample_run: Path, tmp_path_factory: pytest.TempPathFactory, api: CountingServer) -> Path:
    """A home where the question was refused first, and agreed to by --yes then."""
    home = Path(shutil.copytree(sample_run, tmp_path_factory.mktemp("spending") / "home", symlinks=True))
    status, shown = on_a_terminal(home, api, "run", "--prompt", "exposure", typed="n\n")
    assert "Ask the model? [y/N]" in shown
    assert f"{DOCUMENTS}  " in shown, "the estimate stands above the question"
    assert (status, api.asked) == (1, [])
    status, shown = on_a_terminal(home, api, "run", "--prompt", "exposure", "--yes")
    assert (status, len(api.asked)) == (0, DOCUMENTS), shown
    assert "Ask the model?" not in shown
    return home


def test_a_run_on_a_terminal_asks_before_it_spends_unless_it_was_agreed_to(scored: Path, api: CountingServer) -> None:
    status, shown = on_a_terminal(scored, api, "run", "--prompt", "exposure")
    assert "Ask the model?" not in shown, "there is nothing to ask about, so there is nothing to agree to"
    assert (status, api.asked) == (0, [])
    status, shown = on_a_terminal(scored, api, "run", "--prompt", "exposure", "--again", typed="y\n")
    assert "Ask the model? [y/N]" in shown
    assert (status, len(api.asked)) == (0, DOCUMENTS)


def test_without_a_terminal_the_budgets_decide(scored: Path, api: CountingServer) -> None:
    exposure(scored, api, "run", "--prompt", "climate")
    assert len(api.asked) == DOCUMENTS


def test_the_estimate_counts_what_is_new_and_how_its_tokens_were_found(scored: Path, api: CountingServer) -> None:
    told = exposure(scored, api, "estimate", "--prompt", "exposure", "--prompt", "robotics")
    rows = {line.split()[0]: line.split() for line in told.splitlines() if line.split()}
    assert rows["exposure"][2:4] == ["0", "0"]
    assert rows["robotics"][2:4] == [str(DOCUMENTS), str(DOCUMENTS)]
    assert all(int(tokens.replace(",", "")) > 0 for tokens in rows["robotics"][4:6])
    assert "count" in next(line for line in told.splitlines() if line.startswith("Tokens:"))
    assert api.asked == []


def test_a_ledger_that_was_moved_answers_on_the_other_machine(
    scored: Path, api: CountingServer, sample_run: Path, tmp_path: Path
) -> None:
    exposure(scored, api, "ledger", "export", str(tmp_path / "moved"))
    other = Path(shutil.copytree(sample_run, tmp_path / "other", symlinks=True))
    exposure(other, api, "ledger", "import", str(tmp_path / "moved"))
    again = exposure(other, api, "ledger", "import", str(tmp_path / "moved"))
    assert all(line.endswith(" 0 new") for line in again.splitlines()), again
    exposure(other, api, "run", "--prompt", "exposure")
    assert api.asked == []
    here, there = (exposure(home, api, "explain", "exposure", "roofers") for home in (scored, other))
    assert "(stands)" in here
    assert there.splitlines()[:5] == here.splitlines()[:5]
