"""The part of the lock file that an image needs: what the project and the named extras stand on, with hashes.

    python deploy/locked.py distributed openai > requirements.txt

The lock file holds what developers need besides. Below each package it says by what that is needed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE if (HERE / "requirements.lock").exists() else HERE.parent  # an image is built with all three side by side
BUILDS_THE_PROJECT = "setuptools"

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def locked(extras: list[str]) -> str:
    """The lines of the lock file for the project with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    named = [*project["dependencies"], *(line for extra in extras for line in optional[extra])]
    kept = {BUILDS_THE_PROJECT, *map(_name, named)}
    blocks = re.split(r"^(?=[A-Za-z0-9])", (ROOT / "requirements.lock").read_text(encoding="utf-8"), flags=re.MULTILINE)
    parents = {_name(block): _needed_by(block) for block in blocks if block[:1].isalnum()}
    while more := {name for name, by in parents.items() if name not in kept and by & kept}:
        kept |= more
    return "".join(block for block in blocks if block[:1].isalnum() and _name(block) in kept)


def _needed_by(block: str) -> set[str]:
    _, _, comment = block.partition("# via")
    return {_name(line) for line in comment.replace("#", " ").split("\n") if line.strip()}


def _name(requirement: str) -> str:
    """As the lock file writes it: in small letters, with hyphens."""
    found = _NAME.match(requirement.strip())
    assert found is not None, requirement
    return re.sub(r"[._-]+", "-", found[0]).lower()


if __name__ == "__main__":
    sys.stdout.write(locked(sys.argv[1:]))
