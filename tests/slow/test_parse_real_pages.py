"""The real handbook, all pages of the 2025 edition, against figures that are known of it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from exposure_dagster.corpora.ooh.index import index_pages, parse_index, unread_entries
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.parsing.figures import imputed_annual_pay
from exposure_dagster.parsing.records import IndexEntry, Occupation, ParsedPage

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def ooh(shared_dir: Path) -> Path:
    return shared_dir / "data" / "sites" / "www.bls.gov" / "ooh"


@pytest.fixture(scope="module")
def entries(ooh: Path) -> list[IndexEntry]:
    return parse_index((ooh / "a-z-index.htm").read_bytes())


@pytest.fixture(scope="module")
def pages(ooh: Path, entries: list[IndexEntry]) -> list[ParsedPage]:
    return [
        parse_page((ooh / page.category / f"{page.slug}.htm").read_bytes(), url=page.url)
        for page in index_pages(entries)
    ]


@pytest.fixture(scope="module")
def occupations(pages: list[ParsedPage]) -> dict[str, Occupation]:
    return {page.occupation.slug: page.occupation for page in pages}


def imputed_pay(occupation: Occupation) -> int | None:
    """Annual pay as the published figures have it: hourly pay made annual where there is nothing else."""
    if occupation.median_pay_annual is None and occupation.median_pay_hourly is not None:
        return imputed_annual_pay(occupation.median_pay_hourly)
    return occupation.median_pay_annual


def test_the_index_names_342_pages_by_4875_titles(ooh: Path, entries: list[IndexEntry]) -> None:
    assert len(entries) == 4875
    assert len(index_pages(entries)) == 342
    assert sum(not entry.is_alias for entry in entries) == 342
    assert unread_entries((ooh / "a-z-index.htm").read_bytes()) == []


def test_no_field_of_any_page_is_unread(pages: list[ParsedPage]) -> None:
    assert len(pages) == 342
    assert [unread for page in pages for unread in page.unread] == []


def test_all_pages_but_one_have_codes(occupations: dict[str, Occupation]) -> None:
    without = [slug for slug, occupation in occupations.items() if not occupation.onet_codes]
    assert without == ["military-careers"]
    assert [slug for slug, occupation in occupations.items() if not occupation.soc_codes] == without
    codes = Counter(code for occupation in occupations.values() for code in occupation.onet_codes)
    assert (len(codes), max(codes.values())) == (700, 1)
    assert sum(occupation.soc_code is None for occupation in occupations.values()) == 52


def test_pay_is_of_the_known_forms(occupations: dict[str, Occupation]) -> None:
    forms = Counter(
        (
            occupation.pay_basis,
            occupation.median_pay_annual is not None,
            occupation.median_pay_hourly is not None,
            occupation.pay_is_top_coded,
        )
        for occupation in occupations.values()
    )
    assert forms == {
        ("annual", True, True, False): 321,
        ("annual", True, False, False): 14,
        ("hourly_only", False, True, False): 4,
        ("annual", True, True, True): 1,
        ("none", False, False, False): 2,
    }
    assert occupations["physicians-and-surgeons"].pay_is_top_coded
    assert occupations["fishers-and-related-fishing-workers"].pay_basis == "none"


def test_jobs_and_wages_add_up_to_the_published_totals(occupations: dict[str, Occupation]) -> None:
    assert sum(occupation.jobs or 0 for occupation in occupations.values()) == 143_066_500
    wages = sum((occupation.jobs or 0) * (imputed_pay(occupation) or 0) for occupation in occupations.values())
    assert wages == 8_924_992_174_300


def test_years_are_those_of_the_edition(occupations: dict[str, Occupation]) -> None:
    years = {
        (occupation.pay_year, occupation.base_year, occupation.projection_year)
        for slug, occupation in occupations.items()
        if slug != "military-careers"
    }
    assert years == {(2024, 2024, 2034)}


def test_rows_that_are_no_totals_add_up_to_their_page(pages: list[ParsedPage]) -> None:
    for page in pages:
        parts = [row.employment or 0 for row in page.projections if not row.is_total]
        assert abs(sum(parts) - (page.occupation.jobs or 0)) <= 200, page.occupation.slug
    assert sum(len(page.projections) for page in pages) == 702
    assert sum(len(page.projections) > 1 for page in pages) == 97


def test_the_totals_of_physicians_are_not_counted_twice(pages: list[ParsedPage]) -> None:
    physicians = next(page for page in pages if page.occupation.slug == "physicians-and-surgeons")
    totals = [row.occupation_title for row in physicians.projections if row.is_total]
    assert totals == ["Physicians and surgeons", "Physicians", "Surgeons"]


def test_quick_facts_agree_with_another_parser(shared_dir: Path, occupations: dict[str, Occupation]) -> None:
    """The other parser imputes what BLS does not give, and takes a pointer for a level."""
    with (shared_dir / "data" / "reference" / "ooh_facts_half.csv").open(encoding="utf-8") as file:
        published = list(csv.DictReader(file))
    assert len(published) == 197
    for row in published:
        ours = occupations[row["slug"]]
        assert (ours.title or "").casefold() == row["title"].casefold()
        assert (ours.category, ours.url) == (row["category"], row["url"])
        assert _words(ours.soc_code) == row["soc_code"]
        assert _words(imputed_pay(ours)) == row["median_pay_annual"]
        if ours.median_pay_hourly is not None or ours.median_pay_annual is None:
            assert ours.median_pay_hourly == _number(row["median_pay_hourly"])
        else:
            assert _number(row["median_pay_hourly"]) == round(ours.median_pay_annual / 2080, 2)
        for field in ("entry_education", "work_experience", "training"):
            assert _words(getattr(ours, field)) == row[field].replace("See How to Become One", "")
        assert _words(ours.jobs) == row["num_jobs_2024"]
        assert _words(ours.projected_jobs) == row["projected_employment_2034"]
        assert _words(ours.outlook_pct) == row["outlook_pct"]
        assert _words(ours.outlook_desc) == row["outlook_desc"]
        assert _words(ours.employment_change) == row["employment_change"]


def _words(value: str | int | None) -> str:
    return "" if value is None else str(value)


def _number(words: str) -> float | None:
    return float(words) if words else None


def test_texts_are_clean_and_whole(occupations: dict[str, Occupation]) -> None:
    clutter = re.compile(
        r"empty heading|About this section|<-|->|youtube|javascript|Get data|\xa0|<div|<p\b|<span|cms-bar|"
        r"Please enable|SOURCE:|(?<=[^|\s])  +(?=[^|\s])|\n\n\n"
    )
    for slug, occupation in occupations.items():
        assert clutter.findall(occupation.text) == [], slug
        assert len(re.findall(r"^# ", occupation.text, re.MULTILINE)) == 1, slug
        assert len(re.findall(r"^## ", occupation.text, re.MULTILINE)) == 5, slug
        assert 5_000 < len(occupation.text) < 40_000, slug
    assert 3_400_000 < sum(len(occupation.text) for occupation in occupations.values()) < 3_700_000


def test_pages_as_a_server_sends_them_read_the_same(ooh: Path, pages: list[ParsedPage]) -> None:
    """The saved pages have been through a browser, whose scripts gave the projections table its id."""
    file = ooh / "healthcare" / "physicians-and-surgeons.htm"
    body = file.read_bytes().replace(b' id="outlook-table"', b"").replace(b' style="display: none;"', b"")
    page = next(page for page in pages if page.occupation.slug == "physicians-and-surgeons")
    assert parse_page(body, url=page.occupation.url) == page


def test_the_edition_of_another_year_parses_without_a_change(ooh: Path) -> None:
    body = (ooh / "entertainment-and-sports" / "actors.htm").read_text(encoding="utf-8")
    for old, new in (("2034", "2035"), ("2024–34", "2025–35"), ("2024", "2025")):
        body = body.replace(old, new)
    page = parse_page(body.encode(), url="https://www.bls.gov/ooh/entertainment-and-sports/actors.htm")
    assert page.unread == []
    record = page.occupation
    assert (record.pay_year, record.base_year, record.projection_year) == (2025, 2025, 2035)
