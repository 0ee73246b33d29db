"""What a server says that an answer took, held against what it can have taken.

A server that is not the provider's own may say anything. What it says must neither make a budget larger nor be so
large that a budget never opens again: a count that cannot be true is counted at the most that can.
"""

from __future__ import annotations

from dataclasses import replace

from exposure_dagster.providers.exchange import Attempt, Fate
from exposure_dagster.providers.prices import Usage
from exposure_dagster.scoring.notes import AT_ITS_WORST

_SHOWN_UP_TO = 10**15


def believed(said: Usage | None, most: Usage) -> tuple[Usage, str | None]:
    """The usage that counts, and a note where it is not what was said. `said` is None where nothing can be read.

    What was read and what was written are held against `most` (see `MessageRequest.worst_usage`) each by itself.
    Only the instruction is asked to be cached, for five minutes: more than it, or for longer, cannot be.
    """
    if said is None:
        return most, f"the answer came without a usage that can be read: {AT_ITS_WORST}"
    read = (said.input_tokens, said.cache_read_tokens, said.cache_write_5m_tokens, said.cache_write_1h_tokens)
    is_read = (
        min(read) >= 0
        and said.cache_write_1h_tokens == 0
        and said.cache_write_5m_tokens <= most.cache_write_5m_tokens
        and said.prompt_tokens <= most.prompt_tokens
    )
    is_written = 0 <= said.output_tokens <= most.output_tokens
    doubts = [] if is_read else [f"{_shown(said.prompt_tokens)} tokens read"]
    doubts += [] if is_written else [f"{_shown(said.output_tokens)} tokens written"]
    if not doubts:
        return said, None
    reads, writes = (said if is_read else most), (said if is_written else most)
    usage = Usage(
        input_tokens=reads.input_tokens,
        output_tokens=writes.output_tokens,
        cache_read_tokens=reads.cache_read_tokens,
        cache_write_5m_tokens=reads.cache_write_5m_tokens,
    )
    return usage, f"the server's count of {' and '.join(doubts)} cannot be true: {AT_ITS_WORST}"


def weighed(attempt: Attempt, most: Usage) -> Attempt:
    """The attempt with the usage that counts. One that was not answered is as the provider has it."""
    if attempt.fate is not Fate.ANSWERED:
        return attempt
    usage, note = believed(attempt.usage, most)
    return replace(attempt, usage=usage, usage_note=note)


def _shown(tokens: int) -> str:
    return f"{tokens:,}" if abs(tokens) < _SHOWN_UP_TO else "far too many"
