"""What is learnt of a request by sending it: the same for single requests and for those in batches."""

from __future__ import annotations

from dataclasses import dataclass

from exposure_dagster.scoring.asking import Asking
from exposure_dagster.scoring.judging import Judgement, Next

_ENOUGH_DRAWS = 3


@dataclass(slots=True)
class Course:
    """How often a request was tried, how many of its answers would not do, and how much the next may write.

    `cut_short_at_most` counts answers that were cut short though they had all the room that there is.
    """

    max_tokens: int
    tries: int = 0
    bad_answers: int = 0
    cut_short_at_most: int = 0

    def learn(self, judgement: Judgement, asking: Asking, *, documents: int = 1, is_try: bool = True) -> None:
        """Take note of what an attempt came to. One that was told to come back later is no try."""
        self.tries += is_try
        self.bad_answers += judgement.next is Next.SAME_AT_ONCE and not judgement.is_cut_short
        if judgement.is_cut_short:
            more = asking.more_tokens(self.max_tokens, documents)
            self.cut_short_at_most += more <= self.max_tokens
            self.max_tokens = more

    @property
    def is_hopeless(self) -> bool:
        """Whether no more room will help, nor another draw."""
        return self.cut_short_at_most >= _ENOUGH_DRAWS
