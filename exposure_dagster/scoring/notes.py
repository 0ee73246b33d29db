"""What a row of the ledger notes beside its answer: worded here, and read back here.

A note has no column for each thing that it may say, so that rows of all times and places can be read alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

FENCED = "read from a code fence"
AMID_TEXT = "read from amid other text"
NUMBER_AS_TEXT = "a number was given as text"
AT_ITS_WORST = "counted at the most that it can be"

COUNTED = {
    FENCED: "answers read from a code fence",
    AMID_TEXT: "answers read from amid other text",
    NUMBER_AS_TEXT: "answers with a number as text",
    AT_ITS_WORST: "answers whose usage could not be true",
}
"""What of it is counted over a run, by the words that say it."""

_CUT = re.compile(r"only the first ([\d,]+) of ([\d,]+) characters were sent")


def joined(*notes: str | None) -> str | None:
    """One note that says them all; None where none says anything."""
    return "; ".join(note for note in notes if note) or None


def cut_note(kept: int, characters: int, model: str, context_tokens: int) -> str:
    """That a document of so many characters was cut."""
    return f"only the first {kept:,} of {characters:,} characters were sent: {model} takes {context_tokens:,} tokens"


def counts(notes: Iterable[str | None]) -> Counter[str]:
    """How many of the notes say what is counted, by what it is called in a report."""
    found: Counter[str] = Counter()
    for note in filter(None, notes):
        found.update(label for words, label in COUNTED.items() if words in note)
    return found


@dataclass(frozen=True)
class Cuts:
    """Documents that were cut: how many, and how many characters of them were sent and left out."""

    documents: int
    sent: int
    left_out: int

    def __str__(self) -> str:
        what = "document is" if self.documents == 1 else "documents are"
        share = self.left_out / max(1, self.sent + self.left_out)
        left_out = f"{self.left_out:,} characters, {share:.1%} of their text, are left out at the end"
        return f"{self.documents:,} {what} longer than the model takes: {left_out}"


def cuts(notes: Iterable[str | None]) -> Cuts:
    """How much was cut, by the notes of documents."""
    found = [match for note in notes if note and (match := _CUT.search(note))]
    sent, whole = (sum(int(match[part].replace(",", "")) for match in found) for part in (1, 2))
    return Cuts(len(found), sent, whole - sent)
