"""Bytes to a tree, and the text of a node: what every reader of a page needs first."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED_ENCODING = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([a-z\d.:_-]+)""", re.IGNORECASE)
_SNIFFED_BYTES = 4096
_ANY_BYTES = bytes(range(256))

# Browsers read these labels as windows-1252, and pages are written for browsers.
_READ_AS_WINDOWS_1252 = frozenset({"iso-8859-1", "iso8859-1", "latin1", "latin-1", "ascii", "us-ascii"})

# None of these is text to read, wherever it stands. `:is` keeps a node from being listed twice.
_CLUTTER = ':is(br,script,style,noscript,iframe,.youtube-player,.about-this-section,a[href*="youtube."])'
_VIDEO_TRANSCRIPT = "video transcript"


def encoding_of(body: bytes) -> str:
    """By byte order mark, else as declared, else UTF-8 if it is, else windows-1252.

    A body that declares UTF-8 and holds not one character of it beyond ASCII was saved by a program in its own
    encoding: windows-1252 as a rule.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return encoding
    declared = _DECLARED_ENCODING.search(body, 0, _SNIFFED_BYTES)
    known = _known_encoding(declared[1].decode("ascii").lower()) if declared is not None else None
    if known is not None and known != "utf-8":
        return known
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252" if known is None or body.decode("utf-8", errors="ignore").isascii() else "utf-8"
    return "utf-8"


@lru_cache(maxsize=32)
def _known_encoding(label: str) -> str | None:
    """The codec of a declared encoding. One that is none, or no encoding of text, tells nothing."""
    if label in _READ_AS_WINDOWS_1252:
        return "cp1252"
    try:
        name = codecs.lookup(label).name
        _ANY_BYTES.decode(label, errors="replace")
    except (LookupError, UnicodeError):
        return None
    # A declaration that can be read as ASCII cannot be true of UTF-16 or UTF-32.
    return "utf-8" if name.startswith(("utf-16", "utf-32")) else name


def tree_of(body: bytes) -> LexborHTMLParser:
    """The tree of a page; malformed HTML is mended as a browser would."""
    encoding = encoding_of(body)
    if encoding == "utf-8":  # which the parser decodes itself, and faster
        return LexborHTMLParser(body.removeprefix(codecs.BOM_UTF8))
    return LexborHTMLParser(body.decode(encoding, errors="replace"))


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
    text = text.strip()
    # Of all whitespace only the plain space counts as printable: most texts need not be taken apart.
    return text if text.isprintable() and "  " not in text else " ".join(text.split())


def text_of(node: LexborNode) -> str:
    """The text of a node and all below it, squeezed."""
    return squeezed(node.text_lexbor())


def classes_of(node: LexborNode) -> list[str]:
    return (node.attributes.get("class") or "").split()
