"""Bytes to a tree, and the text of a node: what every reader of a page needs first."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

_BEGINNINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED_ENCODING = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([a-z\d.:_-]+)""", re.IGNORECASE)
_SNIFFED_BYTES = 4096
_TAGS_OF_A_LONG_PAGE = 8_000
_DEEPEST = 1_000
TAG = re.compile(rb"<(/?[a-zA-Z][a-zA-Z0-9]*)")
"""The beginning of a tag: its name, with the slash of an end tag."""
WITHOUT_END = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
END_MAY_BE_LEFT_OUT = frozenset(
    b"html head body p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rt rp".split()
)
_ANY_BYTES = bytes(range(256))

# Browsers read these labels as windows-1252, and pages are written for browsers.
_READ_AS_WINDOWS_1252 = frozenset({"iso-8859-1", "iso8859-1", "latin1", "latin-1", "ascii", "us-ascii"})

# None of these is text to read, wherever it stands. `:is` keeps a node from being listed twice.
_CLUTTER = ":is(br,iframe,.youtube-player,.about-this-section,a)"
# Links to help and to transcripts, known by their words: a page that lost their class still has these.
_HELP = ("about this section", "video transcript")


class Encoding(NamedTuple):
    """The name of a codec, and whether nothing in the body speaks for it."""

    name: str
    is_guessed: bool = False


def encoding_of(body: bytes) -> Encoding:
    """By its first bytes, else UTF-8 if it is, else as declared, else windows-1252.

    Text that is no UTF-8 hardly ever reads as such, so a body that does is it, whatever it declares. One that
    declares UTF-8 and holds not one character of it beyond ASCII was saved by a program in its own encoding:
    windows-1252 as a rule.
    """
    for beginning, encoding in _BEGINNINGS:
        if body.startswith(beginning):
            return Encoding(encoding)
    declared = _DECLARED_ENCODING.search(body, 0, _SNIFFED_BYTES)
    known = _known_encoding(declared[1].decode("ascii").lower()) if declared is not None else None
    if body.isascii():  # which says nothing: some encodings write everything in ASCII
        return Encoding(known or "utf-8")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        if known is not None and known != "utf-8":
            return Encoding(known)
        if known is None or body.decode("utf-8", errors="ignore").isascii():
            return Encoding("cp1252", is_guessed=True)
    return Encoding("utf-8")


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


def as_utf8(body: bytes) -> bytes:
    """The page in UTF-8, without a byte order mark; bytes that its encoding does not have become U+FFFD."""
    encoding = encoding_of(body).name
    if encoding == "utf-8":
        return body.removeprefix(codecs.BOM_UTF8)
    return body.decode(encoding, errors="replace").encode(errors="replace").removeprefix(codecs.BOM_UTF8)


def tree_of(body: bytes) -> LexborHTMLParser:
    """The tree of a page; malformed HTML is mended as a browser would.

    Raises NestedTooDeeplyError before a tree is built that would take minutes to build.
    """
    page = as_utf8(body)
    if page.count(b"<") > _TAGS_OF_A_LONG_PAGE:
        _check_depth(page)
    return LexborHTMLParser(page)


def tree_of_words(body: bytes) -> LexborHTMLParser:
    """The tree without what no reader sees: scripts and styles."""
    tree = tree_of(body)
    tree.strip_tags(["script", "style", "noscript"])
    return tree


class NestedTooDeeplyError(Exception):
    """Elements stand in one another further than any page has them."""


def _check_depth(page: bytes) -> None:
    depth = 0
    for tag in TAG.findall(page.lower()):
        name = tag.lstrip(b"/")
        if name in WITHOUT_END or name in END_MAY_BE_LEFT_OUT:  # which do not stand in one another
            continue
        depth += 1 if tag == name else -1
        if depth > _DEEPEST:
            raise NestedTooDeeplyError


def tidy(root: LexborNode) -> None:
    """Removes video and links to help from the tree, and puts a space where a line breaks."""
    # Inner nodes come after outer ones: from the end, no node is removed twice.
    for node in reversed(root.css(_CLUTTER)):
        if node.tag == "br":
            node.insert_before(" ")
        elif node.tag != "a" or "about-this-section" in classes_of(node) or _is_help(node):
            node.decompose()


def _is_help(link: LexborNode) -> bool:
    return text_of(link).casefold().startswith(_HELP)


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
