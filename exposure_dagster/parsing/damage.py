"""What shows that a page did not arrive as it was written: torn markup, and characters that no text has.

A browser mends such a page without a word, and some of its words may then stand elsewhere or nowhere. So the page
is read as far as it goes, and the damage is named beside it.
"""

from __future__ import annotations

import re
from collections import Counter

from exposure_dagster.core.characters import acting_in
from exposure_dagster.parsing.html import END_MAY_BE_LEFT_OUT, TAG, WITHOUT_END, as_utf8, encoding_of

DAMAGE = "markup"
"""The field under which a page's damage is named, whatever it may have done to the other fields."""

# No tag is looked for in these. One that has no end goes to the end of the page.
_NO_MARKUP = re.compile(rb"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_LOOSE = rb"[\w\s:.=/?%#~+,;@!$*()-]*+"
_WHOLE = re.compile(
    rb"(?:[^<>]*+<(?:![dD][oO][cC][tT][yY][pP][eE][^<>]*+|/?[a-zA-Z][a-zA-Z0-9:-]*+"
    rb"(?:\s" + _LOOSE + rb"""(?:(?:"[^"<]*+"|'[^'<]*+')""" + _LOOSE + rb")*+)?/?)>)*+[^<>]*+"
)
"""Text and tags in turn, as far as each bracket belongs to a tag that has the form of one."""
_REPLACEMENT = "\ufffd"
_EXPECTED_ENCODINGS = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252"})
_SHOWN_TAGS = 5
_SHOWN_CHARACTERS = 40


def damage_of(body: bytes) -> list[str]:
    """The damage that a page bears, one clause each; none for a page that is whole."""
    page = as_utf8(body)
    markup = _NO_MARKUP.sub(b"", page)
    clauses = (_encoding(body), _characters(page), _torn_tag(markup), _unmatched_tags(page, markup))
    return [clause for clause in clauses if clause]


def _encoding(body: bytes) -> str:
    encoding = encoding_of(body)
    if encoding.name in _EXPECTED_ENCODINGS and not encoding.is_guessed:
        return ""
    why = "which is a guess" if encoding.is_guessed else "as it declares, and as no page of these sites is written"
    return f"read as {encoding.name}, {why}"


def _characters(page: bytes) -> str:
    text = page.decode("utf-8", errors="replace")
    found = acting_in(text) + [_REPLACEMENT] * text.count(_REPLACEMENT)
    if not found:
        return ""
    names = ", ".join(f"U+{ord(sign):04X}" for sign in sorted(set(found))[:_SHOWN_TAGS])
    return f"characters that belong to no text, or could not be read: {names} ({len(found):,} in all)"


def _torn_tag(markup: bytes) -> str:
    whole = _WHOLE.match(markup)
    if whole is None or whole.end() == len(markup):
        return ""
    shown = markup[whole.end() : whole.end() + _SHOWN_CHARACTERS].decode("utf-8", errors="replace")
    return f"a tag that is torn, or a bracket of none: {' '.join(shown.split())!r}"


def _unmatched_tags(page: bytes, markup: bytes) -> str:
    counts = Counter(TAG.findall(markup.lower()))
    unmatched = []
    if page.count(b"<!--") != page.count(b"-->"):
        unmatched.append(f"{page.count(b'<!--')} <!-- and {page.count(b'-->')} -->")
    for name in sorted({tag.lstrip(b"/") for tag in counts} - WITHOUT_END):
        starts, ends = counts[name], counts[b"/" + name]
        fewest = starts if name not in END_MAY_BE_LEFT_OUT else starts / 2 if ends else 0  # of a page that writes some
        if not fewest <= ends <= starts:
            unmatched.append(f"{starts} <{name.decode()}> and {ends} </{name.decode()}>")
    if not unmatched:
        return ""
    more = f", and {len(unmatched) - _SHOWN_TAGS} more" if len(unmatched) > _SHOWN_TAGS else ""
    return f"tags that do not match: {', '.join(unmatched[:_SHOWN_TAGS])}{more}"
