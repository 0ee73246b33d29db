"""Digests: the same content has the same one."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(content: Any) -> str:
    """SHA-256 (hex) of a JSON-able value, whatever the order of its keys."""
    return hashlib.sha256(_CANONICAL.encode(content).encode()).hexdigest()


def frame_digest(frame: pd.DataFrame) -> str:
    """Digest of a frame's content, in its order."""
    return content_hash(frame.to_csv(index=False))
