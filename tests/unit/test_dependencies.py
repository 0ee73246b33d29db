"""What is imported is declared: a package that another one happens to bring may go with its next version."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
TO_RUN = [
    *PROJECT["dependencies"],
    *EXTRAS["openai"],
    *EXTRAS["mcp"],
    *EXTRAS["distributed"],
]  # loaded where it is asked for
TO_DEVELOP = [*TO_RUN, *EXTRAS["dev"]]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imports(folder: Path) -> Iterator[tuple[str, Path]]:
    """The packages that the files of a folder import, whether at once or when they are needed."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            yield from ((name.partition(".")[0], path) for name in names)


def undeclared(folder: Path, requirements: list[str]) -> dict[str, set[str]]:
    """Packages from elsewhere that none of the requirements names, each with the files that import them."""
    declared = {plain(re.split(r"[^\w.-]", one, maxsplit=1)[0]) for one in requirements}
    brought_by = packages_distributions()
    found: dict[str, set[str]] = {}
    for package, path in imports(folder):
        bringers = {plain(one) for one in brought_by.get(package, ())}
        if package not in sys.stdlib_module_names and bringers and not bringers & {*declared, plain(PROJECT["name"])}:
            found.setdefault(package, set()).add(path.name)
    return found


@pytest.mark.parametrize("folder", ["exposure_dagster", "assets", "resources"])
def test_what_the_project_imports_is_declared(folder: str) -> None:
    assert undeclared(ROOT / folder, TO_RUN) == {}


@pytest.mark.parametrize("folder", ["tests", "benchmarks", "deploy", "docs"])
def test_what_its_developers_import_is_declared(folder: str) -> None:
    assert undeclared(ROOT / folder, TO_DEVELOP) == {}


def test_an_import_that_is_not_declared_is_found_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(
        "def f():\n    from yaml.reader import ReaderError\n    import os, duckdb.typing\n"
    )
    assert undeclared(tmp_path, ["duckdb>=1"]) == {"yaml": {"late.py"}}
