"""The example of another country's occupations: a file and no code, on the map in its own currency."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure_dagster.cli import main
from exposure_dagster.settings import project_root

EXAMPLE = project_root() / "docs" / "examples" / "isco"
OF_THE_UNITED_STATES = re.compile(r"USD|\bBLS\b|Bureau of Labor|O\*NET|\bSOC\b|U\.S\.|[Hh]andbook|\$\d")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after a run about the example, as its README says."""
    folder = tmp_path_factory.mktemp("isco")
    variables = {
        "EXPOSURE_HOME": str(folder),
        "EXPOSURE_DOCUMENTS": f"isco={EXAMPLE / 'isco.csv'}",
        "EXPOSURE_PROMPTS": str(EXAMPLE / "prompts"),
        "EXPOSURE_SCORER": "baseline",
        "EXPOSURE_SITES": str(folder / "nothing-is-fetched"),
    }
    result = CliRunner().invoke(main, ["run", "--yes"], env=variables)
    assert result.exit_code == 0, result.output
    return folder


def test_nothing_that_is_shown_has_a_word_of_the_united_states_or_credits_them(home: Path) -> None:
    published = home / "published" / "current"
    for name in ("site/index.html", "site/data.json", "screen_work/brief.md", "ATTRIBUTION.md", "manifest.json"):
        assert OF_THE_UNITED_STATES.findall((published / name).read_text(encoding="utf-8")) == [], name
    assert "made up for it" in (published / "ATTRIBUTION.md").read_text(encoding="utf-8")


def test_pay_of_a_month_is_that_of_a_year_in_its_currency(home: Path) -> None:
    csv = (home / "published" / "current" / "screen_work" / "ranking.csv").read_text(encoding="utf-8-sig")
    (nurse,) = (line for line in csv.splitlines() if ",2221,Nurse," in line)
    assert ",627606.0,NOK,annual," in nurse


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_the_encoding_of_the_terminal_ends_no_command(home: Path, encoding: str) -> None:
    variables = {"EXPOSURE_HOME": str(home), "EXPOSURE_PROMPTS": str(EXAMPLE / "prompts"), "PYTHONIOENCODING": encoding}
    result = subprocess.run(
        [sys.executable, "-c", "from exposure_dagster.cli import main; main()", "status"],
        env={**os.environ, **variables, "EXPOSURE_DOCUMENTS": f"isco={EXAMPLE / 'isco.csv'}"},
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stderr.decode(encoding)) == (0, "")
    assert "screen_work" in result.stdout.decode(encoding)
