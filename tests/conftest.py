"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: the tests of the daemon, of the UI and of the server mostly wait."""
    return (os.cpu_count() or 1) + 2


LONG = ("test_daemon.py", "test_wheel.py", "test_dagster_ui.py", "test_staleness.py", "test_site.py")
"""Files that take longest, mostly with waiting: they are begun first, so that no worker is left with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests reaches them: no key is spent, no home is touched."""
    for name in list(os.environ):
        if name.startswith(("EXPOSURE_", "ANTHROPIC_", "DAGSTER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("EXPOSURE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The reference data beside a developer's checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the reference data in {SHARED.name}/ beside the checkout, which users do not have")
    return SHARED
