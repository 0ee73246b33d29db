"""Digests of our own source: what code makes is made anew when the code changes, whatever its version number says."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parent
_IGNORED = {".pyc"}


@cache
def code_version(*parts: str) -> str:
    """SHA-256 over source files: each part is a file or a folder, relative to the package."""
    digest = hashlib.sha256()
    for part in parts:
        place = _ROOT / part
        files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
        for path in files:
            if path.suffix not in _IGNORED:
                digest.update(f"{path.relative_to(_ROOT).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()
