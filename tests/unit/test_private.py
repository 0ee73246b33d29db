"""Folders for their owner alone, and what others can look into."""

from __future__ import annotations

from pathlib import Path

import pytest

from exposure_dagster.core.private import make_private, open_to_others


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_folder_is_made_with_those_above_it_for_its_owner_alone(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "b")
    make_private(tmp_path / "a" / "b")
    assert mode_of(tmp_path / "a") == mode_of(tmp_path / "a" / "b") == 0o700


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private(tmp_path)
    assert mode_of(tmp_path) == 0o755


@pytest.mark.parametrize(
    ("mode", "inner", "is_open"),
    [
        (0o755, 0o600, "home"),
        (0o750, 0o600, "home"),
        (0o701, 0o600, None),
        (0o711, 0o644, "home/ledger"),
        (0o710, 0o640, "home/ledger"),
        (0o711, 0o600, None),
        (0o700, 0o644, None),
        (0o733, 0o600, "home"),
    ],
)
def test_what_others_can_look_into_is_found_but_for_what_is_meant_for_them(
    tmp_path: Path, mode: int, inner: int, is_open: str | None
) -> None:
    home = tmp_path / "home"
    (home / "published").mkdir(parents=True)
    (home / "ledger").write_text("")
    (home / "ledger").chmod(inner)
    home.chmod(mode)
    assert open_to_others(home, meant=home / "published") == (is_open and tmp_path / is_open)
    assert open_to_others(tmp_path / "none", meant=tmp_path) is None
