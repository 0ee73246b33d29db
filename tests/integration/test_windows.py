"""Windows is refused in one sentence, by every front door, before anything is imported that it does not have."""

from __future__ import annotations

import subprocess
import sys

import pytest

AS_ON_WINDOWS = (
    "import sys; sys.platform = 'win32'; sys.modules.update(dict.fromkeys(('fcntl', 'resource', 'pwd', 'grp'), None)); "
)
SENTENCE = "exposure does not run on Windows itself. Install and run it in WSL, the Windows Subsystem for Linux."


def as_on_windows(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", AS_ON_WINDOWS + code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("argument", ["--help", "demo", "run"])
def test_the_command_line_says_where_it_runs(argument: str) -> None:
    result = as_on_windows(f"sys.argv = ['exposure', '{argument}']; from exposure_dagster.cli import main; main()")
    assert (result.returncode, result.stdout, result.stderr) == (1, "", f"Error: {SENTENCE}\n")


def test_the_code_location_says_so_to_dagster() -> None:
    result = as_on_windows("import exposure_dagster.definitions")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == f"exposure_dagster.core.errors.SettingError: {SENTENCE}"
