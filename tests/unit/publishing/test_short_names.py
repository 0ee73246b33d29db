"""Short names: a table of ours for long titles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exposure_dagster.publishing.site.document import site_document, site_titles
from exposure_dagster.publishing.site.everyday_names import everyday_names
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


def test_what_people_call_a_job_leads_to_the_titles_that_it_may_be() -> None:
    developers, drivers, unknown = everyday_names(
        [LONG, "Taxi Drivers, Shuttle Drivers, and Chauffeurs", "Chief of Sky"]
    )
    assert {"Data Engineer", "DevOps Engineer", "Software Engineer"} <= set(developers)
    assert "Uber Driver" in drivers
    assert unknown == ()


def test_such_names_are_for_searches_alone() -> None:
    content = site_content()
    shown = content.shown["ooh"].assign(title=content.shown["ooh"]["title"].replace("Software Developers", LONG))
    named = replace(content, shown={"ooh": shown})
    document = site_document(named)
    place = document["sets"][0]["id"].index("developers")
    assert "Data Engineer" in site_titles(named, document)["ooh"][place]
    assert "Data Engineer" not in str(document)
