"""README and documentation: their commands are run, page by page in a shell, and what they print is what they say.

A block that cannot be run says why in a comment before it: `<!-- not run: needs a key -->`; one that has to fail is
marked `<!-- fails -->`. A `text` block after a command holds lines of what it prints, with … for what is left out.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socketserver
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from exposure_dagster import __version__, settings
from exposure_dagster.cli.main import main
from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.settings import PROVIDER_VARIABLES, ScorerName, Settings, setting_variables

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "deploy/README.md", *sorted(
    str(path.relative_to(ROOT))
    for path in (*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "examples").rglob("README.md"))
))  # fmt: skip
BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<kind>sh|python)\n(?P<code>.*?)^```\n"
    r"(?:\n```text\n(?P<printed>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
FENCES = ("```", "```sh", "```python", "```text", "```yaml", "```toml", "```json")
REASON = re.compile(r"not run: \S.{8,}")
GIVEN = {"EXPOSURE_HOME": "data/demo", "EXPOSURE_SITES": "sample", "EXPOSURE_SCORER": "baseline"}
"""With what every page begins: the demo's home, as it is after `make demo`, but for four of its questions."""

EXPOSURE = f"""#!{sys.executable} -SE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect(os.environ["SHELL_OF_THE_TESTS"])
    server.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    answer = json.loads(server.makefile().read())
sys.stdout.write(answer["printed"])
sys.exit(answer["status"])
"""
"""The command `exposure` in that shell: has the process of the tests run it, which has loaded everything already."""


@dataclass(frozen=True)
class Block:
    """A block of code of a page: `line` is where it begins, `printed` what the page says that it prints."""

    page: str
    line: int
    kind: str
    code: str
    mark: str
    printed: str

    @property
    def is_run(self) -> bool:
        return not self.mark.startswith("not run")


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start("code")), found["kind"], found["code"], found["mark"] or "",
              found["printed"] or "")
        for found in BLOCK.finditer(text)
    ]  # fmt: skip


class Shell:
    """Bash in a folder that looks like a checkout; what a block exports is there for the next one of its page."""

    def __init__(self, base: Path, home: Path, address: Path) -> None:
        self.folder = base
        self._base, self._home, self._address = base, home, address
        self._exported: dict[str, str] = {}

    def begin(self) -> None:
        """A new folder for a page, with the demo's home as it was made."""
        self.folder = self._base / f"page-{len(list(self._base.iterdir()))}"
        self.folder.mkdir()
        for path in ROOT.iterdir():
            if path.name not in (".venv", ".git", ".env", "data", "build", "dist"):
                (self.folder / path.name).symlink_to(path)
        home = shutil.copytree(self._home, self.folder / GIVEN["EXPOSURE_HOME"], symlinks=True)
        command = self.folder / ".venv" / "bin" / "exposure"
        command.parent.mkdir(parents=True)
        command.write_text(EXPOSURE, encoding="utf-8")
        command.chmod(0o755)
        self._exported = {**GIVEN, "EXPOSURE_HOME": str(home)}

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("EXPOSURE_")},
            "SHELL_OF_THE_TESTS": str(self._address),
            "PATH": f"{self.folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "120",
        }

    def run(self, block: Block) -> tuple[int, str]:
        """The status and all that is printed."""
        return self._bash(block.code) if block.kind == "sh" else self._python(block.code)

    def _bash(self, code: str) -> tuple[int, str]:
        kept = self.folder / "exported"
        done = subprocess.run(
            ["bash", "-c", f"set -e\n{code}\nenv -0 > {kept}\n"],
            cwd=self.folder,
            env={**self._environment, **self._exported},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode == 0:
            said = dict(one.split("=", 1) for one in kept.read_text().split("\0") if "=" in one)
            self._exported = {name: value for name, value in said.items() if name.startswith("EXPOSURE_")}
        return done.returncode, done.stdout

    def _python(self, code: str) -> tuple[int, str]:
        """In this process, which may hold the warehouse; a command that it starts is the real one."""
        printed = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
            patch.chdir(self.folder)
            for name, value in self._exported.items():
                patch.setenv(name, value)
            patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
            exec(compile(code, "a page", "exec"), {})
        return 0, printed.getvalue()


class _Asked(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        arguments, folder, environment = json.loads(self.rfile.readline())
        ours = {name: value for name, value in environment.items() if name.startswith("EXPOSURE_")}
        before = Path.cwd()
        umask = os.umask(0o022)
        os.chdir(folder)
        try:
            done = CliRunner().invoke(main, arguments, prog_name="exposure", env={"EXPOSURE_HOME": None, **ours})
        finally:
            os.chdir(before)
            os.umask(umask)
        printed = done.output
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            printed += "".join(traceback.format_exception(done.exception))
        self.wfile.write(json.dumps({"printed": printed, "status": done.exit_code}).encode())


@pytest.fixture(scope="module")
def shell(sample_run: Path, warehouses_opened_once: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    home = shutil.copytree(sample_run, tmp_path_factory.mktemp("made") / "home", symlinks=True)
    run_pipeline(Settings(home=home, sites="sample", scorer=ScorerName.BASELINE), names=("climate",))
    address = tmp_path_factory.mktemp("socket") / "shell"
    shell = Shell(tmp_path_factory.mktemp("docs"), home, address)
    with pytest.MonkeyPatch.context() as patch, socketserver.UnixStreamServer(str(address), _Asked) as server:
        patch.setattr(settings, "project_root", lambda: shell.folder)
        patch.setenv("COLUMNS", "120")
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.05), daemon=True)
        thread.start()
        try:
            yield shell
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.is_run for block in blocks(page))])
def test_the_commands_of_a_page_do_what_it_says(page: str, shell: Shell) -> None:
    shell.begin()
    for block in blocks(page):
        if block.is_run:
            status, printed = shell.run(block)
            assert (status != 0) == (block.mark == "fails"), f"{page}:{block.line}\n{block.code}\n{printed}"
            assert "Traceback" not in printed, f"{page}:{block.line}\n{printed}"
            missing = [line for line in _said(block.printed) if line not in _plain(printed)]
            assert not missing, f"{page}:{block.line} prints otherwise: {missing}\n{printed}"


def _said(text: str) -> list[str]:
    """The parts between what is left out, whatever spaces stand between words."""
    return [part for line in text.splitlines() for one in line.split("…") if (part := _plain(one))]


def _plain(text: str) -> str:
    return " ".join(text.split())


def test_the_changelog_begins_with_the_version_that_this_is() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert __version__ in [one for one in headings if one != "Unreleased"][:1]


def test_a_block_that_is_not_run_says_why() -> None:
    for page in PAGES:
        for fence in re.findall(r"^ *(?:```|~~~).*$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE):
            assert fence in FENCES or fence.startswith("```{"), f"{page}: {fence}"  # none that is not looked at
        for block in blocks(page):
            assert block.mark in ("", "fails") or REASON.fullmatch(block.mark), f"{page}:{block.line}: {block.mark}"


def test_every_command_target_and_setting_that_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    variables = {*setting_variables(), *PROVIDER_VARIABLES}
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        parts = re.findall(r"^```.*?^```|`[^`\n]+`", text, re.MULTILINE | re.DOTALL)
        code = "\n".join(part for part in parts if not part.startswith("```text"))
        for words in re.findall(r"(?:^|`|&& |bin/|=\S+ )exposure((?: [a-z][a-z-]*)+)", code, re.MULTILINE):
            command: click.Command = main
            for word in words.split():
                if not isinstance(command, click.Group):
                    break
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"{page}: exposure{words}"
                command = found
        for target in re.findall(r"\bmake (?:[A-Z]+=\S+ )?([a-z][a-z-]+)", code):
            assert target in targets, f"{page}: make {target}"
        for name in re.findall(r"\bEXPOSURE_[A-Z_]+[A-Z]\b", text):
            assert name in variables or name.endswith("_COMPLETE"), f"{page}: {name}"
