"""Characters that act instead of being read, in texts that pages, documents, models and servers wrote.

Control characters move a cursor, clear a screen or rename a window; marks of direction turn the rest of a line
round; others take no room and hide what is there. All are named here, once. Joiners (U+200C, U+200D), which Persian,
the scripts of India and emoji need, and soft hyphens are left alone, as are tabs and line ends.
"""

from __future__ import annotations

import re

_LINE_ENDS = "\r\v\f\x1c-\x1e\x85\u2028\u2029"
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = (
    "\u180e\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_SURROGATES = "\ud800-\udfff"

_LINE_END = re.compile(f"\r\n|[{_LINE_ENDS}]")
_HARMFUL = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_UNSEEN}{_SURROGATES}]")
_ACTING = re.compile(f"[{_CONTROLS}{_DIRECTIONS}]")
_CONTROL = re.compile(f"(?!\r)[{_CONTROLS}]")


def harmless(text: str) -> str:
    """The text without such characters, for what is stored or exported. Line ends of every kind become one."""
    if not _HARMFUL.search(text):
        return text
    return _HARMFUL.sub("", _LINE_END.sub("\n", text))


def harmless_in_sql(expression: str) -> str:
    """`harmless` of a text, as an expression of DuckDB's SQL."""
    harmful, ends = (_as_class(_CONTROLS + _DIRECTIONS + _UNSEEN), f"\\r\\n|{_as_class(_LINE_ENDS)}")
    one_end = f"regexp_replace({expression}, '{ends}', chr(10), 'g')"
    return (
        f"CASE WHEN regexp_matches({expression}, '{harmful}') THEN regexp_replace({one_end}, '{harmful}', '', 'g')"
        f" ELSE {expression} END"
    )


def _as_class(characters: str) -> str:
    """The class of a regular expression, each character by its number."""
    return "[" + "".join(one if one == "-" else f"\\x{{{ord(one):x}}}" for one in characters) + "]"


def visible(text: str) -> str:
    """The text with such characters spelt out, as `\\x1b` or `\\u202e`, for a terminal: nothing is hidden."""
    if not _HARMFUL.search(text):
        return text
    return _HARMFUL.sub(_spelt, text.replace("\r\n", "\n"))


def acting_in(text: str) -> list[str]:
    """The control characters and marks of direction of a text, in order; the return of a line end is none."""
    return _ACTING.findall(text.replace("\r\n", "\n"))


def first_control(text: str) -> str | None:
    """The first control character that is neither a tab nor a line end; None if there is none."""
    found = _CONTROL.search(text)
    return None if found is None else found[0]


def _spelt(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
