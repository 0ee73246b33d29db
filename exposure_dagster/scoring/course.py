"""What is learnt of a request by sending it: the same for single requests and for those in batches."""

from __future__ import annotations

from dataclasses import dataclass

from exposure_dagster.scoring.asking import Asking
from exposure_dagster.scoring.judging import Judgement, Next


@dataclass(slots=True)
class Course:
    """How often a request was tried, how many of its answers would not do, and how much the next may write."""

    max_tokens: int
    tries: int = 0
    bad_answers: int = 0

    def learn(self, judgement: Judgement, asking: Asking, *, documents: int = 1, is_try: bool = True) -> None:
        """Take note of what an attempt came to. One that was told to come back later is no try."""
        self.tries += is_try
        self.bad_answers += judgement.next is Next.SAME_AT_ONCE and not judgement.is_cut_short
        if judgement.is_cut_short:
            self.max_tokens = asking.more_tokens(self.max_tokens, documents)
