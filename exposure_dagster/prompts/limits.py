"""How much the front matter of a prompt file may hold.

A few lines of YAML can stand for more than any machine holds, by aliases of aliases, or nest deeper than a reader
can follow. So the parser's events are counted first, which takes no more room than the text, and nothing is built
from a front matter that is beyond a limit. The largest bundled prompt has 1,567 values in 6 levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

MAX_VALUES = 10_000
"""Keys, texts, numbers, lists and mappings; what an alias stands for counts each time."""

MAX_LEVELS = 20
MAX_ALIASES = 100

MAX_VALUE_LENGTH = 20_000
"""Characters of one text; the instruction is below the front matter and not meant."""

_ALLOWED_TAGS = (None, "!", "tag:yaml.org,2002:str")


class LimitError(Exception):
    """A front matter is beyond a limit: which, how much may be, and the line of the front matter, from 0."""

    def __init__(self, what: str, allowed: str, event: yaml.Event) -> None:
        super().__init__(what)
        self.what = what
        self.allowed = allowed
        self.line = event.start_mark.line if event.start_mark else 0


@dataclass
class _Size:
    """Of a value that is open or known by an anchor: its values with all below it, and its levels."""

    anchor: str | None
    values: int = 1
    levels: int = 0


def check_limits(text: str, loader: type[yaml.SafeLoader]) -> None:
    """Raises LimitError at the first place that is beyond a limit, YAMLError where it is no YAML."""
    known: dict[str | None, _Size] = {}
    within: list[_Size] = []
    values = aliases = 0
    for event in yaml.parse(text, Loader=loader):
        size = _Size(getattr(event, "anchor", None))
        _check_tag(event)
        match event:
            case yaml.CollectionStartEvent():
                size.levels = 1
                within.append(size)
                values += 1
                _check_size(values, len(within), event)
                continue
            case yaml.CollectionEndEvent():
                size = within.pop()
            case yaml.AliasEvent():
                aliases += 1
                if aliases > MAX_ALIASES:
                    raise LimitError(f"has more than {MAX_ALIASES} aliases", f"at most {MAX_ALIASES}", event)
                if any(one.anchor == event.anchor for one in within):
                    what = f"holds itself, by the alias *{event.anchor:.40}"
                    raise LimitError(what, "an alias of something else", event)
                size = known.get(event.anchor, size)
                values += size.values
            case yaml.ScalarEvent():
                values += 1
                if len(event.value) > MAX_VALUE_LENGTH:
                    what = f"is a text of {len(event.value):,} characters"
                    raise LimitError(what, f"at most {MAX_VALUE_LENGTH:,}", event)
            case _:
                continue
        if size.anchor is not None:
            known[size.anchor] = size
        _check_size(values, len(within) + size.levels, event)
        if within:
            within[-1].values += size.values
            within[-1].levels = max(within[-1].levels, size.levels + 1)


def _check_size(values: int, levels: int, event: yaml.Event) -> None:
    if levels > MAX_LEVELS:
        raise LimitError(f"lies deeper than {MAX_LEVELS} levels", f"at most {MAX_LEVELS} levels", event)
    if values > MAX_VALUES:
        what = f"has more than {MAX_VALUES:,} values, what aliases stand for counted each time"
        raise LimitError(what, f"at most {MAX_VALUES:,}", event)


def _check_tag(event: yaml.Event) -> None:
    """A tag forces text into a kind that it may not be fit for, and nothing in a prompt file needs one."""
    tag = getattr(event, "tag", None)
    if tag not in _ALLOWED_TAGS:
        name = str(tag).replace("tag:yaml.org,2002:", "!!")
        raise LimitError(f"has the tag {name:.40}", "no tags; put text in quotes", event)
