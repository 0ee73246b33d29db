"""The corpora: what a prompt can be asked about, by name."""

from __future__ import annotations

OOH_CORPUS = "ooh"
"""Pages of the Occupational Outlook Handbook, one document a page."""

KNOWN_CORPORA: tuple[str, ...] = (OOH_CORPUS,)
