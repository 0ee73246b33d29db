"""What a test needs and a machine may lack."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def skip_without(what: str) -> NoReturn:
    """Skip a test that needs what is not here; on CI, where none may be skipped, it fails."""
    if os.environ.get("CI"):
        pytest.fail(f"this test needs {what}, and on CI it may not be skipped")
    pytest.skip(f"needs {what}")
