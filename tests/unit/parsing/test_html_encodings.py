"""Which encoding a body is read in."""

from __future__ import annotations

import codecs

import pytest

from exposure_dagster.parsing.html import encoding_of, squeezed, text_of, tree_of


def paragraph(body: bytes) -> str:
    node = tree_of(body).css_first("p")
    assert node is not None
    return text_of(node)


@pytest.mark.parametrize(
    "body",
    [
        "<p>naïve – café</p>".encode(),
        codecs.BOM_UTF8 + "<p>naïve – café</p>".encode(),
        codecs.BOM_UTF16_LE + "<p>naïve – café</p>".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "<p>naïve – café</p>".encode("utf-16-be"),
        "<p>naïve – café</p>".encode("cp1252"),
        '<meta charset="windows-1252"><p>naïve – café</p>'.encode("cp1252"),
        '<meta charset="ISO-8859-1"><p>naïve – café</p>'.encode("cp1252"),
        "<meta http-equiv='Content-Type' content='text/html; charset=utf-8'><p>naïve – café</p>".encode(),
        '<meta charset="utf-16"><p>naïve – café</p>'.encode(),
    ],
)
def test_a_body_is_read_as_it_was_written(body: bytes) -> None:
    assert paragraph(body) == "naïve – café"


@pytest.mark.parametrize("label", ["no-such-encoding", "hex", "rot13", "idna", "x"])
def test_a_declaration_that_is_no_encoding_of_text_is_passed_over(label: str) -> None:
    assert paragraph(f'<meta charset="{label}"><p>naïve</p>'.encode()) == "naïve"


def test_a_byte_that_does_not_belong_is_replaced_and_the_rest_stays() -> None:
    assert paragraph(b'<meta charset="utf-8"><p>caf\xe9 \xc3\xa9</p>') == "caf\ufffd é"


def test_an_undeclared_body_that_is_no_utf_8_is_windows_1252() -> None:
    assert encoding_of(b"<p>\x96</p>") == ("cp1252", True)


@pytest.mark.parametrize("text", ["a  b", " a b ", "a\n\tb", "a\u00a0b", "a\u2003 b", "a\u2028b"])
def test_any_run_of_whitespace_becomes_one_space(text: str) -> None:
    assert squeezed(text) == "a b"
