"""Bytes to a tree, and the text of a node: what every reader of a page needs first."""

from __future__ import annotations

import codecs
import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED_ENCODING = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_SNIFFED_BYTES = 4096

# Browsers read these labels as windows-1252, and pages are written for browsers.
_READ_AS_WINDOWS_1252 = frozenset({"iso-8859-1", "iso8859-1", "latin1", "latin-1", "ascii", "us-ascii"})

# None of these is text to read, wherever it stands. `:is` keeps a node from being listed twice.
_CLUTTER = ':is(br,script,style,noscript,iframe,.youtube-player,.about-this-section,a[href*="youtube."])'
_VIDEO_TRANSCRIPT = "video transcript"


def decoded(body: bytes) -> str:
    """The text of a page: byte order mark, else declared encoding, else UTF-8, else windows-1252."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, errors="replace")
    declared = _DECLARED_ENCODING.search(body, 0, _SNIFFED_BYTES)
    if declared is not None:
        label = declared[1].decode("ascii", errors="replace").lower()
        # A declaration that can be read as ASCII cannot be true of UTF-16.
        known = "utf-8" if label.startswith("utf-16") else label
        try:
            return body.decode("cp1252" if known in _READ_AS_WINDOWS_1252 else known, errors="replace")
        except (LookupError, UnicodeError):
            pass  # an encoding that does not exist tells nothing
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def tree_of(body: bytes) -> LexborHTMLParser:
    """The tree of a page; malformed HTML is mended as a browser would."""
    return LexborHTMLParser(decoded(body))


def tidy(root: LexborNode) -> None:
    """Removes scripts, video and links to help from the tree, and puts a space where a line breaks."""
    # Inner nodes come after outer ones: from the end, no node is removed twice.
    for node in reversed(root.css(_CLUTTER)):
        if node.tag == "br":
            node.insert_before(" ")
        elif node.tag != "a" or "about-this-section" in classes_of(node) or _is_transcript(node):
            node.decompose()


def _is_transcript(link: LexborNode) -> bool:
    return text_of(link).casefold().startswith(_VIDEO_TRANSCRIPT)


def squeezed(text: str) -> str:
    """The text with every run of whitespace, no-break spaces included, made one space."""
    return " ".join(text.split())


def text_of(node: LexborNode) -> str:
    """The text of a node and all below it, squeezed."""
    return " ".join(node.text_lexbor().split())


def classes_of(node: LexborNode) -> list[str]:
    return (node.attributes.get("class") or "").split()
