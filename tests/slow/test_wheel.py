"""The wheel: an installed package, away from the checkout, runs the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from exposure_dagster.publishing.site import missing_site_files

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("dist")
    source = tmp_path_factory.mktemp("source") / "checkout"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in files:
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "benchmarks/")):
            copy = source / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)],
        check=True,
        capture_output=True,
    )
    (built,) = target.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "exposure_dagster/prompts/bundled/exposure.md" in names
    assert "exposure_dagster/sample/www.bls.gov/ooh/a-z-index.htm" in names
    for package in ("exposure_dagster", "assets", "resources"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and not {"__pycache__", "web"} & set(path.parts):
                assert path.relative_to(ROOT).as_posix() in names
    assert [name for name in names if "/web/" in name] == [], "the sources of the site's script stay here"


def test_the_demo_runs_from_the_wheel_in_an_empty_folder_whatever_is_set(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    work = tmp_path / "work"
    work.mkdir()
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "import exposure_dagster; assert 'installed' in exposure_dagster.__file__\n"
        "from exposure_dagster.cli import main; main()"
    )
    elsewhere = {
        "ANTHROPIC_API_KEY": "sk-secret",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "EXPOSURE_HOME": str(tmp_path / "home"),
        "EXPOSURE_SCORER": "claude",
        "EXPOSURE_SITES": "live",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(installed), "demo"],
        cwd=work,
        env={**os.environ, "COLUMNS": "200", **elsewhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "estimates of the bundled baseline" in done.stdout
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme[readme.index("```text\n") :].split("```")[1].removeprefix("text\n")
    printed = " ".join(done.stdout.split())
    for part in shown.replace("\n", "…").split("…"):  # between what is left out, whatever spaces there are
        assert " ".join(part.split()) in printed
    assert not (tmp_path / "home").exists()
    assert (work / "data" / "demo" / "published" / "current" / "exposure" / "ranking.csv").is_file()
    assert missing_site_files(work / "data" / "demo" / "published" / "current" / "site") == []
