"""A home that belongs to another user: what may be read is shown, and what may not is said in a sentence."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.published import publish_content, read_content
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.ranked_tables import fill
from tests.integration.seeding import prompt_folder, seed_documents, seed_scores, write_prompt

HERE = Path(__file__).parent
READING = [
    ["status"],
    ["explain", "a", "occupation-001"],
    ["estimate", "--prompt", "a"],
    ["prompts", "render", "occupation-001", "--prompt", "a"],
]
WRITING = [
    ["run", "--prompt", "a", "--yes"],
    ["ledger", "export", "out"],
    ["backup", "copy"],
    ["dev", "--port", "39871"],
]


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with 20 documents and a prompt `a` that was answered, where others may look: no folder of pytest's is."""
    folder = Path(tempfile.mkdtemp(prefix="exposure-home-"))
    prompts = folder / "prompts"
    prompts.mkdir()
    write_prompt(prompts, "a")
    warehouse = Warehouse(folder / "home" / "exposure.duckdb")
    seed_documents(warehouse, 20)
    seed_scores(warehouse, prompt_folder(prompts), ScorerChoice(ScorerName.MODEL, True))
    folder.chmod(0o755)
    yield folder / "home"
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


NOBODY = 65534
BOUNDING_SET_DROP = 24  # of prctl(2)
RIGHTS_OVER_FILES = (0, 1, 2, 3)  # CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER


def others_may(home: Path, rights: str) -> None:
    """Make it another user's, and give everybody else the right to read all of it ("read") or none.

    Who runs the tests as root gives it away; who does not takes the right to write from themselves.
    """
    is_root = os.geteuid() == 0
    for path in (*home.rglob("*"), home):
        mode = {("read", True): 0o755, ("read", False): 0o644}.get((rights, path.is_dir()), 0o700)
        if is_root:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(mode if is_root else mode & (0o555 if rights == "read" else 0o000))


def without_roots_rights_over_files() -> None:
    """In a process to be: root as one user among others, for whom rights count."""
    if os.geteuid() == 0:
        for right in RIGHTS_OVER_FILES:
            assert ctypes.CDLL(None).prctl(BOUNDING_SET_DROP, right, 0, 0, 0) == 0


@contextmanager
def unchanged(home: Path) -> Iterator[None]:
    def seen() -> dict[str, float]:
        return {str(path): path.stat().st_mtime_ns for path in (home, *home.rglob("*"))} if os.geteuid() == 0 else {}

    before = seen()
    yield
    assert seen() == before


def as_another_user(home: Path, commands: Sequence[Sequence[str]]) -> dict[str, tuple[int, str]]:
    """By command, the status with which it ended and what it printed."""
    settings = {"EXPOSURE_HOME": home, "EXPOSURE_PROMPTS": home.parent / "prompts", "EXPOSURE_SCORER": "claude"}
    environment = {**os.environ, **{name: str(value) for name, value in settings.items()}, "COLUMNS": "300"}
    environment |= {"EXPOSURE_SITES": "sample", "ANTHROPIC_API_KEY": "sk-test", "HOME": str(home.parent)}
    done = subprocess.run(
        [sys.executable, str(HERE / "as_another_user.py")],
        input=json.dumps(commands),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=home.parent,
        timeout=300,
        preexec_fn=without_roots_rights_over_files,
    )
    answers = json.loads(done.stdout)
    return {" ".join(words): (status, output) for words, (status, output) in zip(commands, answers, strict=True)}


def test_whoever_may_read_a_home_sees_all_of_it_and_changes_nothing(home: Path) -> None:
    others_may(home, "read")
    with unchanged(home):
        told = as_another_user(home, [*READING, *WRITING, ["check"]])
    assert "Traceback" not in told["check"][1]
    for words in READING:
        status, output = told[" ".join(words)]
        assert status == 0, output
    assert "fresh" in told["status"][1]
    for words in WRITING:
        status, output = told[" ".join(words)]
        assert (status, "Traceback" in output) == (1, False), output
        assert "Permission denied" in output
        assert "another folder" in output or "EXPOSURE_HOME" in output


def test_whoever_may_not_read_a_home_is_told_so_in_a_sentence(home: Path) -> None:
    others_may(home, "nothing")
    with unchanged(home):
        told = as_another_user(home, [*READING, *WRITING, ["serve", "--port", "0"]])
    for words, (status, output) in told.items():
        assert (status, "Traceback" in output) == (1, False), f"{words}: {output}"
        assert "Permission denied" in output, f"{words}: {output}"
        assert "EXPOSURE_HOME" in output, f"{words}: {output}"


def test_a_home_of_another_version_is_brought_up_to_date_by_its_owner_alone(home: Path) -> None:
    warehouse = Warehouse(home / "exposure.duckdb")
    with warehouse.connect() as connection:
        connection.execute("UPDATE meta.facts SET value = 'of then' WHERE name = 'registry'")
    others_may(home, "read")
    with unchanged(home):
        ((status, output),) = as_another_user(home, [["status"]]).values()
    assert status == 1
    assert "this user has no right to bring it up to date" in output
    assert "run `exposure status` once" in output


def test_what_is_published_there_is_served_to_whoever_may_read_it(home: Path) -> None:
    warehouse = Warehouse(home / "other.duckdb")
    fill(warehouse, "exposure")
    publish_content(read_content(warehouse), home / "published")
    others_may(home, "read")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with unchanged(home):
        ((_, output),) = as_another_user(home, [["serve", "--port", str(port)]]).values()
    assert "health: 200" in output, output
    assert "Traceback" not in output, output
