"""A question's versions, replayed on the map."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

from exposure_dagster.publishing.site import build_site
from tests.slow.browser.conftest import BuiltSite, Visit, Visits
from tests.unit.publishing.site_content import site_content

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def replayed_site(tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    """Three versions of a question: everything 1, then everything 9, then what stands."""
    content = site_content()
    (prompt,) = (one for one in content.prompts if one.name == "exposure")
    scores = prompt.rankings[["doc_id", "score"]]
    versions = [scores.assign(score=1.0), scores.assign(score=9.0), scores]
    history = pd.concat(
        [
            rows.assign(
                prompt="exposure", version=number, versioned_at=pd.Timestamp(2026, number, 3), model=f"m{number}"
            )
            for number, rows in enumerate(versions, start=1)
        ],
        ignore_index=True,
    )
    content = replace(content, history=history)
    folder = Path(tmp_path_factory.mktemp("replayed")) / "site"
    build_site(content, folder)
    return BuiltSite(folder, content)


def test_the_map_shows_a_question_as_it_was_answered_in_an_earlier_version(
    visits: Visits, replayed_site: BuiltSite
) -> None:
    visit = visits(replayed_site)
    page = visit.open()
    says = page.locator("#replay-says")
    expect(says).to_contain_text("3, which stands")
    now = page.locator("#finding").inner_text()
    slider = page.locator("#replay-version")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(says).to_contain_text("2: ")
    expect(says).to_contain_text("m2")
    expect(page.locator('[aria-pressed="true"]').first).to_have_text("Exposure to AI")
    expect(page).to_have_url(re.compile("version=2"))
    assert page.locator("#finding").inner_text() != now
    page.locator("#replay-version").press("ArrowRight")
    expect(says).to_contain_text("3, which stands")
    assert page.locator("#finding").inner_text() == now
    visit.check()


def test_an_address_opens_a_version_and_replay_ends_with_the_one_that_stands(
    visits: Visits, replayed_site: BuiltSite
) -> None:
    visit = visits(replayed_site)
    page = visit.open("version=1")
    expect(page.locator("#replay-says")).to_contain_text("1: ")
    page.locator("#replay").click()
    expect(page.locator("#replay-says")).to_contain_text("2: ", timeout=10_000)
    expect(page.locator("#replay-says")).to_contain_text("3, which stands", timeout=10_000)
    expect(page.locator("#replay")).to_have_text("Replay")
    visit.check()


def test_a_question_of_one_version_has_no_replay(visit: Visit) -> None:
    page = visit.open("layer=robotics")
    assert page.locator("#replay").count() == 0
