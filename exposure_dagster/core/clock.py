"""What time it is."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, as a naive UTC time: what the warehouse's TIMESTAMP columns hold."""
    return datetime.now(UTC).replace(tzinfo=None)
