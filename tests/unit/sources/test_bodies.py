"""What counts as a whole body of the kind that was asked for."""

from __future__ import annotations

import io
import zipfile

import pytest

from exposure_dagster.sources.bodies import problem_of

PAGE = "<!DOCTYPE html>\n<html><head><title>Bakers</title></head><body>Crème brûlée</body></html>\n"


def a_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Occupation Data.txt", "Code\tTitle\n" * 500)
    return buffer.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
def test_a_page_is_good_in_any_encoding(encoding: str) -> None:
    assert problem_of(PAGE.encode(encoding), "html", content_type="text/html") is None


@pytest.mark.parametrize("start", ["<!-- saved from somewhere -->\n", "<?xml version='1.0'?>\n", "\n\n"])
def test_a_page_may_begin_with_something_before_its_doctype(start: str) -> None:
    assert problem_of((start + PAGE).encode(), "html") is None


def test_a_page_may_have_a_little_after_its_end() -> None:
    assert problem_of((PAGE + "<!-- served by node 7 -->").encode(), "html") is None


@pytest.mark.parametrize("content_type", ["text/html; charset=UTF-8", "TEXT/HTML", "application/xhtml+xml"])
def test_servers_may_call_html_by_several_names(content_type: str) -> None:
    assert problem_of(PAGE.encode(), "html", content_type=content_type) is None


@pytest.mark.parametrize("body", [b"", b" \r\n\t "])
@pytest.mark.parametrize("expects", ["html", "csv", "zip"])
def test_an_empty_body_is_never_good(body: bytes, expects: str) -> None:
    assert problem_of(body, expects) == "the body is empty"  # type: ignore[arg-type]


def test_a_page_without_its_end_is_cut_off() -> None:
    body = PAGE.encode().removesuffix(b"</html>\n")
    assert problem_of(body, "html") == "the page is cut off: it does not end with </html>"


def test_an_end_tag_in_the_middle_does_not_make_a_page_whole() -> None:
    body = PAGE.encode() + b"<p>x</p>" * 1000
    assert problem_of(body, "html") == "the page is cut off: it does not end with </html>"


def test_another_media_type_is_named() -> None:
    problem = problem_of(PAGE.encode(), "html", content_type="application/pdf")
    assert problem == "not HTML: the server calls it application/pdf"


@pytest.mark.parametrize("body", [b'{"error": "busy"}', b"%PDF-1.7 ...", b"Just words."])
def test_something_else_under_the_name_of_html_is_found_out(body: bytes) -> None:
    assert problem_of(body, "html", content_type="text/html") == "not HTML: it does not begin like a page"


@pytest.mark.parametrize("content_type", ["text/csv", "application/octet-stream", "text/html", None])
def test_csv_may_be_served_under_any_type(content_type: str | None) -> None:
    assert problem_of(b"Code,Occupation\n11-1011.00,Chief\n", "csv", content_type=content_type) is None


def test_a_page_instead_of_csv_is_found_out() -> None:
    assert problem_of(PAGE.encode(), "csv") == "an HTML page came instead of CSV"


def test_a_spreadsheet_instead_of_csv_is_found_out() -> None:
    assert problem_of(a_zip(), "csv") == "binary data came instead of CSV"


def test_a_whole_archive_is_good() -> None:
    assert problem_of(a_zip(), "zip") is None


def test_half_an_archive_is_not() -> None:
    archive = a_zip()
    problem = problem_of(archive[: len(archive) // 2], "zip")
    assert problem == "not a zip archive, or not the whole of one"


def test_a_page_instead_of_an_archive_is_found_out() -> None:
    assert problem_of(PAGE.encode(), "zip") == "an HTML page came instead of a zip archive"
