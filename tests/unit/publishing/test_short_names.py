"""Short names: a table of ours for long titles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exposure_dagster.publishing.site.document import site_document
from exposure_dagster.publishing.site.short_names import short_names
from tests.unit.publishing.site_content import site_content

LONG = "Software Developers, Quality Assurance Analysts, and Testers"


def test_a_long_title_has_a_name_that_fits_a_tile() -> None:
    assert short_names([LONG, "Heating, Air Conditioning, and Refrigeration Mechanics and Installers"]) == [
        "Software Developers",
        "HVAC Technicians",
    ]


@pytest.mark.parametrize("title", ["Actors", "Chief of Whatever, Including Everything Else of the Sort", "", None])
def test_a_title_that_is_not_in_the_table_is_left_as_it_is(title: str | None) -> None:
    assert short_names([title]) == [None]


def test_the_sites_data_have_short_names_only_where_they_differ() -> None:
    content = site_content()
    assert "short" not in site_document(content)["sets"][0]
    shown = content.shown["ooh"]
    renamed = shown.assign(title=shown["title"].replace("Software Developers", LONG))
    documents = site_document(replace(content, shown={"ooh": renamed}))["sets"][0]
    named = {doc_id: short for doc_id, short in zip(documents["id"], documents["short"], strict=True) if short}
    assert named == {"developers": "Software Developers"}
