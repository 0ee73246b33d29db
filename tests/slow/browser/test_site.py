"""The static site in a browser: layers, search, filters, threshold, panel, table, keyboard, phone, dark, history."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
import shutil
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Download, Locator, Page, expect

from exposure_dagster.corpora.onet import NAME as ONET_CORPUS
from exposure_dagster.corpora.terms import EDUCATION_ORDER
from exposure_dagster.publishing.content import (
    BASELINE_METHOD,
    BASELINE_NOTE,
    BASELINE_QUADRANTS_NOTE,
    CAVEATS,
    SAMPLE_NOTE,
    PublishedTable,
)
from exposure_dagster.publishing.site import (
    PICTURE,
    POLICY,
    SITE_FILES,
    build_site,
    missing_site_files,
)
from exposure_dagster.publishing.tables import SECTIONS
from tests.slow.browser.conftest import BuiltSite, Visit, Visits
from tests.unit.publishing.site_content import (
    FORMULA_TITLE,
    HANDBOOK,
    HOSTILE_TITLE,
    INDEX,
    site_content,
    two_onet_codes,
)

pytestmark = pytest.mark.browser

VIEWS = ("map", "table", "bubble", "ranked", "outlook", "quadrants", "compare", "agreement", "changes", "method")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def layer_ids(page: Page) -> list[str]:
    """The layers that can be chosen: those with a button."""
    ids: list[str] = page.eval_on_selector_all("#layers button", "buttons => buttons.map((one) => one.dataset.layer)")
    return ids


def choose_layer(page: Page, layer: str) -> None:
    page.locator(f'#layers [data-layer="{layer}"]').click()


def tile(page: Page, title: str) -> Locator:
    """The tile that is called so."""
    return page.locator("#chart .slice").and_(page.get_by_role("button", name=re.compile(f"^{re.escape(title)}:")))


def fill_of(page: Page, title: str) -> str:
    colour: str = tile(page, title).evaluate("rect => getComputedStyle(rect).fill")
    return colour


def chosen_layer(page: Page) -> Locator:
    return page.locator('#layers [aria-pressed="true"]')


def chosen_on_map(page: Page) -> Locator:
    return page.locator('#chart .ring[visibility="visible"]')


def come_down(page: Page) -> None:
    """Looks at what lies below the first screen: it is made when somebody comes there."""
    page.locator("#lower").scroll_into_view_if_needed()
    page.locator("#lower:not([aria-busy])").wait_for(state="attached")


def titles(page: Page) -> list[str]:
    come_down(page)
    return page.locator("#table-body .row-button").all_inner_texts()


def group(page: Page, card: str, name: str) -> list[str]:
    """The figures of a group in a breakdown."""
    come_down(page)
    row = page.locator("#breakdowns section", has=page.get_by_role("heading", name=card)).locator("tr", has_text=name)
    return row.locator("td").all_inner_texts()


def counts(page: Page) -> dict[str, list[str]]:
    """What lies at or above the threshold."""
    come_down(page)
    rows = page.locator("#threshold-counts tr")
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows.all()}


def hatched(page: Page) -> int:
    """How many tiles are hatched: the outlines of the two paths that hatch them."""
    count: int = page.locator("#chart .hatch").evaluate_all(
        "paths => paths.reduce((count, path) => count + path.getAttribute('d').split('M').length - 1, 0)"
    )
    return count


def assert_framed(page: Page, title: str) -> None:
    """That the frame of the map lies around the tile that is called so."""
    frame, box = chosen_on_map(page).bounding_box(), tile(page, title).bounding_box()
    assert frame is not None
    assert box is not None
    assert [frame[side] for side in ("x", "y")] == pytest.approx([box[side] for side in ("x", "y")], abs=4)


def violations(page: Page, *, rules: dict[str, Any] | None = None) -> list[str]:
    options = {"resultTypes": ["violations"], "preload": False, **(rules or {})}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def content_of(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


# --- what it shows ---


def test_the_page_opens_with_the_question_who_answered_and_when(visit: Visit) -> None:
    page = visit.open()
    expect(page.get_by_role("heading", level=1)).to_have_text("5.3 million jobs, one in three, score 7 or higher")
    expect(page.locator("#lead")).to_have_text(
        "Each tile is an occupation, its area the jobs in 2024; its colour: Exposure to AI."
    )
    byline = page.locator("#byline")
    expect(byline).to_contain_text("13 occupations, 15.5M jobs")
    expect(byline).to_contain_text("Estimated by the bundled baseline")
    expect(byline).to_contain_text("November 20, 2026")
    expect(byline).not_to_contain_text("abcdef012345")
    expect(page.locator("footer")).to_contain_text(CAVEATS)
    expect(page.locator("footer")).to_contain_text("U.S. Bureau of Labor Statistics")
    expect(page.locator("footer")).not_to_contain_text("O*NET")


def test_the_baselines_note_stands_wherever_its_scores_do_and_nowhere_else(visit: Visit) -> None:
    page = visit.open()
    expect(page.locator("#notes")).to_contain_text(BASELINE_NOTE)
    for state in ("layer=robotics", "layer=pay"):
        visit.open(state)
        expect(page.locator("#notes")).not_to_contain_text(BASELINE_NOTE)
    visit.open("layer=robotics&view=compare&with=exposure")
    expect(page.locator("#notes")).to_contain_text(BASELINE_NOTE)


def test_quadrants_of_the_baseline_are_said_to_need_a_model(visits: Visits, sample_site: BuiltSite) -> None:
    visit = visits(sample_site)
    for state in ("layer=two_variable", "layer=two_variable.remote", "layer=two_variable&view=quadrants"):
        expect(visit.open(state).locator("#notes")).to_contain_text(BASELINE_QUADRANTS_NOTE)
    come_down(visit.page)
    with visit.page.expect_download() as waiting:
        visit.page.get_by_role("button", name="JSON").click()
    assert BASELINE_QUADRANTS_NOTE in json.loads(content_of(waiting.value))["note"]
    for state in ("layer=exposure", "layer=pay"):
        expect(visit.open(state).locator("#notes")).not_to_contain_text(BASELINE_QUADRANTS_NOTE)


def test_every_layer_colours_the_map_by_its_own_scale(visit: Visit) -> None:
    page = visit.open()
    layers = layer_ids(page)
    assert layers == ["exposure", "robotics", "two_variable", "outlook", "pay", "education"]
    legends = set()
    for layer in layers:
        choose_layer(page, layer)
        visit.drawn()
        expect(page.locator("#lead")).to_contain_text(chosen_layer(page).inner_text())
        assert fill_of(page, "Home Health Aides") != fill_of(page, "Software Developers")
        legends.add(page.locator("#legend-ticks").inner_text())
    assert len(legends) == 4, "scores of one scale share a legend, each figure has its own"


def test_tiles_have_the_area_of_their_jobs(visit: Visit) -> None:
    page = visit.open()
    boxes = {title: tile(page, title).bounding_box() for title in ("Home Health Aides", "Office Clerks")}
    assert all(boxes.values())
    aides, clerks = (box["width"] * box["height"] for box in boxes.values() if box)
    assert aides / clerks == pytest.approx(4_000_000 / 2_500_000, rel=0.05)


def test_figures_agree_with_the_published_summaries(visit: Visit, small_site: BuiltSite) -> None:
    page = visit.open()
    for prompt in small_site.content.prompts:
        choose_layer(page, prompt.name)
        summaries = prompt.summaries.set_index(["grouping", "group_label"])
        whole = summaries.loc[("all", "All")]
        expect(page.locator("#headline")).to_contain_text(f"{whole['job_weighted_mean']:.2f}")
        expect(page.locator("#headline")).to_contain_text(f"{whole['mean_score']:.2f}")
        for card, grouping, label in (
            ("Tiers", "tier", "High"),
            ("Median annual pay", "pay_band", "$50K to $75K"),
            ("Median annual pay", "pay_band", "No annual pay"),
            ("Entry-level education", "education", "Bachelor's degree"),
        ):
            expected = summaries.loc[(grouping, label)]
            jobs, _, mean = group(page, card, label)
            assert float(jobs.rstrip("MK")) == pytest.approx(
                expected["jobs"] / {"M": 1e6, "K": 1e3}[jobs[-1]], abs=0.06
            )
            assert mean.split(" ±")[0] == ("–" if expected["scored"] == 0 else f"{expected['job_weighted_mean']:.2f}")


def test_what_has_no_score_or_no_jobs_is_named_and_counted_apart(visit: Visit) -> None:
    page = visit.open("layer=robotics")
    expect(page.locator("#unscored")).to_contain_text("2 occupations have no value")
    expect(page.locator("#view-caption")).to_contain_text("1 occupation has no job figure")
    assert group(page, "Tiers", "No score")[0] == "510.0K"
    visit.open("layer=robotics&id=roofers")
    expect(page.locator("#detail")).to_contain_text("refused to answer")
    visit.open("layer=robotics&id=tellers")
    expect(page.locator("#detail")).to_contain_text("no valid answer")


def test_moving_the_threshold_changes_the_counts_and_the_map(visit: Visit) -> None:
    page = visit.open()
    assert counts(page)["Occupations"] == ["4", "30.8%"]
    assert counts(page)["Jobs"][0] == "5.3M"
    before = fill_of(page, "Home Health Aides")
    page.evaluate("performance.clearMeasures()")
    slider = page.locator("#threshold")
    slider.focus()
    for _ in range(15):
        slider.press("ArrowRight")
    expect(page.locator("#threshold-value")).to_have_text("8.5")
    assert counts(page)["Occupations"] == ["2", "15.4%"]
    assert counts(page)["Jobs"] == ["4.3M", "27.8%"]
    assert counts(page)["Jobs where decline is projected"][0] == "2.5M"
    page.wait_for_function("performance.getEntriesByName('site:threshold-map').length > 0")
    assert fill_of(page, "Home Health Aides") != before
    page.evaluate("new Promise((done) => requestAnimationFrame(done))")  # several moves can share a frame
    page.evaluate("performance.clearMeasures()")
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator("#threshold-value")).to_have_text("7")
    page.wait_for_function("performance.getEntriesByName('site:threshold-map').length > 0")
    assert fill_of(page, "Home Health Aides") == before


def test_search_finds_titles_and_other_names(visit: Visit) -> None:
    page = visit.open()
    box = page.get_by_role("combobox", name="Find an occupation")
    box.fill("bank")
    option = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    expect(option).to_have_text("Bank Cashier in Tellers")
    box.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    expect(page.locator("#detail-title")).to_have_text("Tellers")
    box.fill("cafe nur")
    expect(option.first).to_contain_text("Registered Nurses")
    box.fill("no such thing")
    expect(page.locator("#search-status")).to_have_text("No occupation has such a title")


@pytest.fixture(scope="module")
def onet_site(tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    """Two O*NET occupations of which more is known than the map shows."""
    of_one = {"corpus": ONET_CORPUS, "doc_id": "29-1141.01"}
    sections = pd.DataFrame(
        [
            {**of_one, "section": "software", "items": ["Tables", HOSTILE_TITLE]},
            {**of_one, "section": "related", "items": ["Chiefs"]},
        ]
    )
    content = replace(
        two_onet_codes(site_content()),
        tables=(PublishedTable(SECTIONS, "sections", sections),),
        titles={ONET_CORPUS: pd.DataFrame({"doc_id": ["29-1141.00"], "title": ["Supreme Boss"]})},
    )
    folder = tmp_path_factory.mktemp("onet-site")
    build_site(content, folder)
    return BuiltSite(folder, content)


def test_the_panel_lists_what_more_is_known_and_leads_to_relatives(visits: Visits, onet_site: BuiltSite) -> None:
    titles_of = dict(onet_site.content.shown[ONET_CORPUS][["doc_id", "title"]].itertuples(index=False, name=None))
    page = visits(onet_site).open("id=29-1141.01")
    expect(page.locator("#detail-title")).to_have_text(titles_of["29-1141.01"])
    software = page.locator("#detail .facts div", has_text="Software").locator("li")
    expect(software).to_have_text(["Tables", HOSTILE_TITLE])
    page.locator("#detail .facts div", has_text="Related occupations").get_by_role("link").click()
    expect(page.locator("#detail-title")).to_have_text(titles_of["29-1141.00"])
    expect(page.locator("#detail .facts div", has_text="Software")).to_have_count(0)


def test_titles_of_the_longer_list_are_found_once_somebody_searches(visits: Visits, onet_site: BuiltSite) -> None:
    visit = visits(onet_site)
    page = visit.open()
    assert not any(url.endswith("titles.js") for url in visit.requests)
    box = page.get_by_role("combobox", name="Find an occupation")
    box.fill("supreme")
    option = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    expect(option).to_contain_text("Supreme Boss in ")
    assert any(url.endswith("titles.js") for url in visit.requests)


def test_without_the_longer_list_the_other_titles_are_found(
    visits: Visits, onet_site: BuiltSite, tmp_path: Path
) -> None:
    shutil.copytree(onet_site.folder, tmp_path / "site")
    (tmp_path / "site" / "titles.js").unlink()
    visit = visits(BuiltSite(tmp_path / "site", onet_site.content))
    page = visit.open()
    box = page.get_by_role("combobox", name="Find an occupation")
    box.fill("nurse")
    expect(page.get_by_role("listbox", name="Suggestions").get_by_role("option")).to_have_count(1)
    visit.complaints.clear()  # the browser says that the file is not there


def test_filters_narrow_map_table_and_figures_and_say_how_many_match(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("button", name="Filters", exact=True).click()
    page.select_option("#filter-education", label="Bachelor's degree")
    expect(page.locator("#match-count")).to_have_text("3 of 13 occupations match")
    assert titles(page) == ["Software Developers", "High School Teachers", "Registered Nurses"]
    page.fill("#filter-pay-low", "70000")
    expect(page.locator("#match-count")).to_have_text("2 of 13 occupations match")
    page.fill("#filter-low", "5")
    expect(page.locator("#match-count")).to_have_text("1 of 13 occupations match")
    expect(page.locator("#headline")).to_contain_text("1.8M")
    chips = page.get_by_role("list", name="Filters in force").get_by_role("button")
    expect(chips).to_have_text(["Bachelor's degree ✕", "Pay at least $70,000 ✕", "Score at least 5 ✕"])
    chips.nth(1).click()
    expect(page.locator("#match-count")).to_have_text("2 of 13 occupations match")
    page.get_by_role("button", name="Clear all").click()
    page.select_option("#filter-category", "Healthcare")
    expect(page.locator("#match-count")).to_have_text("3 of 13 occupations match")
    page.keyboard.press("Escape")
    expect(page.get_by_role("form", name="Filters")).to_be_hidden()
    expect(page.locator(":focus")).to_have_text("Filters (1)")
    visit.drawn()
    expect(tile(page, "Office Clerks")).to_have_count(0)
    page.get_by_role("button", name="Show all categories", exact=True).click()
    visit.drawn()
    expect(tile(page, "Office Clerks")).to_be_visible()


def test_a_filter_that_nothing_matches_says_so(visit: Visit) -> None:
    page = visit.open("payLow=900000")
    expect(page.locator("#match-count")).to_have_text("0 of 13 occupations match")
    expect(page.locator("#table-empty")).to_be_visible()


def test_the_table_sorts_by_every_column_with_missing_values_last(visit: Visit) -> None:
    page = visit.open("view=table")
    expect(page.locator("#table-head [aria-sort]")).to_have_text(re.compile("Score"))
    assert titles(page)[0] == "Office Clerks"
    head = page.locator("#table-head")
    head.get_by_role("button", name="Jobs").click()
    assert titles(page)[0] == "Home Health Aides"
    assert titles(page)[-1] == "Military Careers"
    head.get_by_role("button", name="Jobs").click()
    assert titles(page)[0] == "Actors"
    assert titles(page)[-1] == "Military Careers"
    expect(head.locator("[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    for name in ("Occupation", "Tier", "Median pay", "Outlook", "Education", "Category"):
        head.get_by_role("button", name=name).click()
        expect(head.locator("[aria-sort]")).to_contain_text(name)
    assert len(titles(page)) == len(HANDBOOK)


def test_the_panel_tells_score_reason_author_layers_figures_and_sources(visit: Visit) -> None:
    page = visit.open("layer=robotics&id=physicians")
    panel = page.locator("#detail")
    for text in (
        *("Physicians", "on a scale of 0 to 10", "Middle", "rank", "± 0.5", "Because of physicians."),
        *("Answered by claude-haiku-5-5", "November 20, 2026", "abcdef012345"),
        *("800,000", "≥ $239,200 a year", "+3% (as fast as average)", "Doctoral or professional degree"),
        *("All layers", "Exposure to AI", "Digital work", "August 28, 2025"),
    ):
        expect(panel).to_contain_text(text)
    link = panel.get_by_role("link", name="Page at bls.gov")
    expect(link).to_have_attribute("href", "https://www.bls.gov/ooh/healthcare/physicians.htm")
    visit.open("id=actors")
    expect(panel).to_contain_text("$23.33/hour, no annual figure")
    panel.get_by_role("link", name="Exposure to robots").click()
    expect(chosen_layer(page)).to_have_text("Exposure to robots")
    expect(panel.locator("h2")).to_have_text("Actors")


def test_map_table_and_panel_share_the_selection(visit: Visit) -> None:
    page = visit.open()
    tile(page, "Office Clerks").click()
    expect(page.locator("#detail-title")).to_have_text("Office Clerks")
    expect(page.locator("#table-body tr[aria-current]")).to_contain_text("Office Clerks")
    assert_framed(page, "Office Clerks")
    page.locator("#table-body").get_by_role("button", name="Registered Nurses").click()
    expect(page.locator("#detail-title")).to_have_text("Registered Nurses")
    page.wait_for_timeout(100)
    assert_framed(page, "Registered Nurses")


def test_a_category_of_the_map_can_be_enlarged(visit: Visit) -> None:
    page = visit.open()
    page.locator("#chart .heading", has_text="Healthcare").click(position={"x": 40, "y": 8})
    expect(page.locator("#filter-category")).to_have_value("Healthcare")
    visit.drawn()
    expect(tile(page, "Office Clerks")).to_have_count(0)


def test_each_further_view_draws_points_that_open_the_panel(visit: Visit) -> None:
    for view in ("bubble", "ranked", "outlook", "quadrants", "compare", "changes"):
        page = visit.open(f"view={view}")
        expect(page.locator(f"#views [data-view={view}]")).to_have_attribute("aria-current", "page")
        points = page.locator("#chart .point")
        assert points.count() >= 10
        points.first.scroll_into_view_if_needed()
        box = points.first.bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(page.locator("#detail")).to_be_visible()


def test_quadrants_have_their_jobs_and_wages(visit: Visit) -> None:
    page = visit.open("layer=two_variable&view=quadrants")
    card = page.locator("#view-notes .card", has=page.get_by_role("heading", name="Digital and remote", exact=True))
    expect(card).to_contain_text("5.3M (34.6%)")
    expect(card).to_contain_text("$412.9B")
    expect(card).to_contain_text("Office Clerks")


def test_two_layers_can_be_held_against_each_other(visit: Visit) -> None:
    page = visit.open("view=compare&with=robotics")
    expect(page.locator("#view-notes")).to_contain_text("Rank correlation (Spearman) over 11 occupations: −")
    page.select_option("#compare-with", "pay")
    visit.drawn()
    expect(page.locator("#view-notes")).to_contain_text("Median annual pay")


def test_what_changed_is_counted_and_the_largest_movers_have_both_reasons(visit: Visit) -> None:
    page = visit.open("view=changes")
    notes = page.locator("#view-notes")
    for text in ("version 1", "version 2", "claude-haiku-5-5", "baseline 1", "Judged before.", "5 to 9 (+4)"):
        expect(notes).to_contain_text(text)
    figures = dict(
        zip(notes.locator("dt").all_inner_texts()[:5], notes.locator("dd").all_inner_texts()[:5], strict=True)
    )
    assert figures == {"Up": "1", "Down": "0", "The same": "11", "New": "1", "Gone": "0"}


def test_the_method_page_has_questions_formula_sources_and_caveats(visit: Visit) -> None:
    page = visit.open("view=method")
    notes = page.locator("#view-notes")
    for text in (
        CAVEATS,
        "Rate Exposure to AI.",
        "weighted mean of its attributes",
        "employment of 2024",
        "pay of 2024",
        BASELINE_METHOD,
    ):
        expect(notes).to_contain_text(text)
    expect(page.locator("#table-body")).to_be_hidden()


def test_hostile_text_is_shown_as_text(visit: Visit) -> None:
    page = visit.open("id=hostile")
    expect(page.locator("#detail-title")).to_have_text(HOSTILE_TITLE)
    expect(page.locator("#detail")).to_contain_text("</script><script>window.hacked=1</script> <b>bold</b>")
    assert page.locator("#content img[src=x], #content b").count() == 0
    for view in ("map", "ranked", "compare", "quadrants", "changes"):
        visit.open(f"view={view}&cat=Legal&id=hostile")
        if view == "ranked":
            shown = page.locator("#chart").evaluate("chart => chart.textContent")
            assert '<img src=x onerror="window.hacked=1">' in shown
        assert page.locator("#chart img").count() == 0
    visit.open("cat=Legal")
    tile(page, HOSTILE_TITLE).hover()
    expect(page.locator("#card")).to_contain_text('<img src=x onerror="window.hacked=1"> "quoted" &')
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# --- how it is used ---


def test_a_keyboard_alone_is_enough(visit: Visit) -> None:
    page = visit.open()
    page.reload()
    visit.drawn()
    focused = page.locator(":focus")
    page.keyboard.press("Tab")
    expect(focused).to_have_text("Skip to the map")
    page.keyboard.press("Enter")
    expect(focused).to_have_attribute("aria-label", re.compile("^Home Health Aides: 3.0, Low, 4.0M jobs"))
    expect(page.locator("#card")).to_contain_text("Home Health Aides")
    page.keyboard.press("ArrowRight")
    expect(focused).not_to_have_attribute("aria-label", re.compile("^Home Health Aides"))
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(focused).to_have_id("detail-title")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(focused).to_have_attribute("aria-label", re.compile("^Home Health Aides"))
    page.reload()
    visit.drawn()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(focused).to_have_text("Skip to the table")
    page.keyboard.press("Enter")
    expect(focused).to_have_text("Office Clerks")
    page.reload()
    visit.drawn()
    page.keyboard.press("Tab")
    while focused.get_attribute("id") != "search":
        page.keyboard.press("Tab")
    page.keyboard.type("coder")
    page.keyboard.press("Enter")
    expect(focused).to_have_id("detail-title")
    expect(focused).to_have_text("Software Developers")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(focused).to_have_id("search")
    while focused.get_attribute("data-view") != "table":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_attribute("data-view", "table")
    while "row-button" not in (focused.get_attribute("class") or ""):
        page.keyboard.press("Tab")
    expect(focused).to_have_text("Office Clerks")
    page.keyboard.press("ArrowDown")
    expect(focused).to_have_text("Software Developers")
    page.keyboard.press("End")
    expect(focused).to_have_text("Roofers")
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_have_text("Roofers")
    page.keyboard.press("Escape")
    expect(focused).to_have_text("Roofers")
    page.keyboard.press("Tab")
    assert "row-button" not in (focused.get_attribute("class") or ""), "the table is one stop"


def test_on_a_phone_nothing_is_wider_than_the_screen(visits: Visits, small_site: BuiltSite) -> None:
    visit = visits(small_site, **PHONE)
    for view in VIEWS:
        page = visit.open(f"view={view}&cat=Legal&id=hostile")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, view
        assert page.evaluate("document.getElementById('chart-place').scrollWidth") <= 390, view


def test_on_a_phone_the_panel_comes_up_over_the_page_and_goes_again(visits: Visits, small_site: BuiltSite) -> None:
    page = visits(small_site, **PHONE).open()
    tile(page, "Office Clerks").tap()
    panel = page.locator("#detail")
    expect(panel).to_be_in_viewport()
    box = panel.bounding_box()
    assert box
    assert box["y"] + box["height"] == pytest.approx(844, abs=1)
    page.get_by_role("button", name="Close").tap()
    expect(panel).to_be_hidden()


def test_light_and_dark_follow_the_system_until_the_reader_chooses(visits: Visits, small_site: BuiltSite) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = visits(small_site, color_scheme="light").open().evaluate(paper)
    dark_visit = visits(small_site, color_scheme="dark")
    page = dark_visit.open()
    dark = page.evaluate(paper)
    assert light != dark
    night = fill_of(page, "Home Health Aides")
    page.get_by_role("button", name="Theme: Auto").click()
    dark_visit.drawn()
    assert page.evaluate(paper) == light
    assert fill_of(page, "Home Health Aides") != night
    page.reload()
    assert page.evaluate(paper) == light, "the choice is kept"


def test_the_back_button_returns_through_views_layers_and_selections(visit: Visit) -> None:
    page = visit.open()
    choose_layer(page, "robotics")
    page.locator("#views [data-view=bubble]").click()
    page.locator("#table-body .row-button").first.click()
    expect(page.locator("#detail")).to_be_visible()
    page.go_back()
    expect(page.locator("#detail")).to_be_hidden()
    expect(page.locator("body")).to_have_attribute("data-view", "bubble")
    page.go_back()
    expect(page.locator("body")).to_have_attribute("data-view", "map")
    page.go_back()
    expect(chosen_layer(page)).to_have_text("Exposure to AI")
    page.go_forward()
    expect(chosen_layer(page)).to_have_text("Exposure to robots")


def test_the_address_brings_back_the_whole_view(visits: Visits, small_site: BuiltSite) -> None:
    page = visits(small_site).open()
    choose_layer(page, "robotics")
    page.get_by_role("button", name="Filters", exact=True).click()
    page.select_option("#filter-category", "Healthcare")
    page.get_by_role("button", name="Done").click()
    page.locator("#threshold").press("ArrowLeft")
    page.locator("#table-head").get_by_role("button", name="Jobs").click()
    page.locator("#table-body .row-button").first.click()
    page.wait_for_function("location.hash.includes('id=')")
    address = page.evaluate("location.hash")
    other = visits(small_site).open(address.removeprefix("#"))
    expect(chosen_layer(other)).to_have_text("Exposure to robots")
    expect(other.locator("#match-count")).to_have_text("3 of 13 occupations match")
    expect(other.get_by_role("form", name="Filters")).to_be_hidden()
    expect(other.locator("#threshold-value")).to_have_text(page.locator("#threshold-value").inner_text())
    assert titles(other) == titles(page)
    expect(other.locator("#detail-title")).to_have_text(page.locator("#detail-title").inner_text())


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_opens_from_its_address(visits: Visits, small_site: BuiltSite, view: str) -> None:
    page = visits(small_site).open(f"view={view}&id=nurses")
    expect(page.locator("body")).to_have_attribute("data-view", view)
    expect(page.locator("#detail")).to_contain_text("Because of nurses.")
    if view == "changes":
        expect(page.locator("#view-notes")).to_contain_text("Judged before.")


def test_an_address_of_what_is_not_there_shows_what_is(visit: Visit) -> None:
    page = visit.open("layer=gone&id=nobody&cat=Nothing&view=nowhere&at=high&edu=77&with=x&order=up")
    expect(chosen_layer(page)).to_have_text("Exposure to AI")
    expect(page.locator("#detail")).to_be_hidden()
    expect(page.locator("body")).to_have_attribute("data-view", "map")
    expect(page.locator("#match-count")).to_have_text("13 occupations")
    page = visit.open("at=999")
    expect(page.locator("#threshold-value")).to_have_text("10")


def test_changes_are_shown_of_the_question_that_is_chosen_alone(visit: Visit) -> None:
    page = visit.open("view=changes")
    expect(page.locator("#view-caption")).to_contain_text("Exposure to AI: score before and now")
    expect(page.locator("#view-caption")).to_contain_text("orange: lower")
    choose_layer(page, "robotics")
    visit.drawn()
    expect(page.locator("body")).to_have_attribute("data-view", "map")
    expect(page.locator("#views a[data-view=changes]")).to_be_hidden()


def test_what_is_shown_can_be_downloaded(visit: Visit) -> None:
    page = visit.open("cat=Legal")
    come_down(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(content_of(waiting.value).decode("utf-8-sig"))))
    assert [row["title"] for row in rows] == [HOSTILE_TITLE, f"'{FORMULA_TITLE}"]
    assert rows[0]["exposure"] == "7"
    assert rows[0]["scorer"] == "baseline"
    assert float(rows[0]["lo90"]) < 7 < float(rows[0]["hi90"])
    assert rows[0]["interval_from"] == "left-out examples"
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON").click()
    document = json.loads(content_of(waiting.value))
    assert document["note"] == BASELINE_NOTE
    assert [row["title"] for row in document["rows"]] == [HOSTILE_TITLE, FORMULA_TITLE]


def test_the_chart_can_be_downloaded_as_a_picture(visit: Visit) -> None:
    for view in ("map", "quadrants", "ranked"):
        page = visit.open(f"view={view}")
        come_down(page)
        with page.expect_download() as waiting:
            page.get_by_role("button", name="PNG of the chart").click()
        picture = content_of(waiting.value)
        assert picture.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", picture[16:24])
        assert width > 1000
        assert height > 800


CATCH_PICTURE = """() => {
  const Own = Image;
  globalThis.Image = function () {
    const image = new Own();
    const set = (address) => image.setAttribute("src", (globalThis.pictured = address));
    Object.defineProperty(image, "src", { set });
    return image;
  };
}"""

TEXTS_OF_PICTURE = """() => {
  const holder = document.createElement("div");
  holder.innerHTML = decodeURIComponent(globalThis.pictured.split(",").slice(1).join(","));
  document.body.append(holder);
  const svg = holder.firstElementChild;
  const texts = [...svg.children].filter((child) => child.tagName === "text");
  return { width: svg.width.baseVal.value, texts: texts.map((text) => text.textContent),
    right: Math.max(...texts.map((text) => text.getBBox().x + text.getBBox().width)) };
}"""


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_a_picture_names_the_data_with_the_whole_of_their_licences(
    visits: Visits, sample_site: BuiltSite, options: dict[str, Any]
) -> None:
    page = visits(sample_site, bypass_csp=True, **options).open("layer=resilience")
    page.evaluate(CATCH_PICTURE)
    with page.expect_download():
        page.locator("#download-png").evaluate("button => button.click()")
    picture = page.evaluate(TEXTS_OF_PICTURE)
    for _, _, licence in sample_site.content.sources:
        assert licence is None or licence.rstrip(".") in " ".join(picture["texts"])
    assert picture["right"] <= picture["width"]


CONTRAST_ALONE = {"runOnly": ["color-contrast"]}
ALL_BUT_CONTRAST = {"rules": {"color-contrast": {"enabled": False}}}


@pytest.mark.parametrize(
    ("options", "rules"),
    [({"color_scheme": "light"}, {}), ({"color_scheme": "dark"}, CONTRAST_ALONE), (PHONE, ALL_BUT_CONTRAST)],
    ids=["light", "dark", "phone"],
)
def test_no_view_has_an_accessibility_violation(
    visits: Visits, small_site: BuiltSite, options: dict[str, Any], rules: dict[str, Any]
) -> None:
    visit = visits(small_site, bypass_csp=True, **options)
    for view in VIEWS:
        page = visit.open(f"view={view}&id=nurses&at=6")
        assert violations(page, rules=rules) == [], view
    page = visit.open("layer=education")
    page.fill("#search", "nurse")
    assert violations(page, rules=rules) == []


# --- how sure it is ---


def rows_of_uncertainty(site: BuiltSite, prompt: str) -> pd.DataFrame:
    (rows,) = (one.rows for one in site.content.tables if (one.stem, one.prompt) == ("uncertainty", prompt))
    return rows.set_index("doc_id")


def test_the_panel_tells_the_interval_of_score_and_rank_and_by_what_it_is_known(
    visit: Visit, small_site: BuiltSite
) -> None:
    for prompt, kind in (("exposure", "Error: left-out examples"), ("robotics", "Error: repeated answers (2)")):
        row = rows_of_uncertainty(small_site, prompt).loc["nurses"]
        page = visit.open(f"layer={prompt}&id=nurses")
        panel = page.locator("#detail")
        expect(panel).to_contain_text(f"90% interval {row['lo90']:.1f}–{row['hi90']:.1f}")
        expect(panel).to_contain_text(f"rank {row['rank_lo90']} to {row['rank_hi90']}")
        expect(panel).to_contain_text(f"{100 * row['p_tier']:.0f}% likely in this tier")
        expect(panel.locator(".badge summary")).to_contain_text(kind)


def test_a_score_without_an_interval_says_why(visit: Visit) -> None:
    page = visit.open("layer=two_variable&id=nurses")
    panel = page.locator("#detail")
    expect(panel).not_to_contain_text("90% interval")
    panel.get_by_text("No interval", exact=True).click()
    expect(panel.locator(".badge")).to_contain_text("each document has a single answer")
    expect(panel.locator(".badge")).to_contain_text("samples: 3")
    visit.open("layer=two_variable.digital&id=nurses")
    panel.get_by_text("No interval", exact=True).click()
    expect(panel.locator(".badge")).to_contain_text("not for its parts")
    visit.open("layer=pay")
    expect(page.locator("#figures .badge")).to_have_count(0)


def test_tiles_are_hatched_where_the_tier_is_less_than_eighty_percent_likely(
    visit: Visit, small_site: BuiltSite
) -> None:
    has_tile = HANDBOOK.set_index("slug")["jobs"].notna()
    unsure = rows_of_uncertainty(small_site, "exposure")["p_tier"] < 0.795
    page = visit.open()
    assert hatched(page) == (unsure & has_tile.reindex(unsure.index)).sum()
    assert 0 < unsure.sum() < len(HANDBOOK)
    expect(page.locator("#legend-unsure")).to_be_visible()
    visit.open("layer=two_variable")
    assert hatched(page) == 0
    expect(page.locator("#legend-unsure")).to_be_hidden()


def test_hatching_follows_threshold_and_filter(visit: Visit) -> None:
    page = visit.open()
    before = hatched(page)
    visit.open("at=6")
    assert 0 < hatched(page) < before


def test_mean_and_share_have_the_intervals_of_the_published_summaries(visit: Visit, small_site: BuiltSite) -> None:
    summaries = small_site.content.prompts[0].summaries.set_index(["grouping", "group_label"])
    whole, share = summaries.loc[("all", "All")], summaries.loc[("score_threshold", "score ≥ 7")]
    page = visit.open()
    expect(page.locator("#headline")).to_contain_text(f"({whole['lo90']:.1f}–{whole['hi90']:.1f})")
    tier = summaries.loc[("tier", "High")]
    assert group(page, "Tiers", "High")[2].endswith(f"±{(tier['hi90'] - tier['lo90']) / 2:.1f}")
    row = "Jobs expected, as sure as each score is"
    low, high = (round(100 * share[name]) for name in ("share_lo", "share_hi"))
    assert counts(page)[row] == [f"{low}–{high}%", f"about {100 * share['expected_share']:.0f}%"]
    visit.open("at=7.01")
    near = [int(bound) for bound in counts(page)[row][0].rstrip("%").split("–")]
    assert near == pytest.approx([low, high], abs=4), "computed by the page, elsewhere than at a published threshold"


def test_table_and_ranking_show_intervals(visit: Visit, small_site: BuiltSite) -> None:
    row = rows_of_uncertainty(small_site, "exposure").loc["nurses"]
    page = visit.open("view=table")
    expect(page.locator('#table-body tr[data-id="nurses"]')).to_contain_text(
        f"4.0 ({row['lo90']:.1f}–{row['hi90']:.1f})"
    )
    visit.open("view=ranked")
    expect(page.locator("#view-caption")).to_contain_text("Whiskers: 90% intervals.")
    assert page.locator("#chart .whisker").count() >= len(HANDBOOK)


def test_agreement_with_an_index_is_told_drawn_and_its_widest_gaps_have_our_reasons(
    visit: Visit, small_site: BuiltSite
) -> None:
    (row,) = next(one.rows for one in small_site.content.tables if one.stem == "agreement").to_dict("records")
    page = visit.open("view=agreement")
    notes = page.locator("#view-notes")
    cells = notes.locator("table.agreement tbody tr").first
    expect(cells.locator("th")).to_have_text(INDEX)
    assert cells.locator("td").all_inner_texts()[:4] == [
        "12",
        f"{row['coverage']:.0%}",
        f"{row['spearman']:.2f}",
        f"{row['lo']:.2f} to {row['hi']:.2f}".replace("-", "−"),
    ]
    assert page.locator("#chart .point").count() == row["n"]
    lower = notes.locator("section", has=page.get_by_role("heading", name="Placed lower here")).locator("li").first
    expect(lower).to_contain_text("Roofers 0 of 100 by its score of 1.0, 100 by the index's 0.91")
    expect(lower).to_contain_text("Because of roofers.")
    lower.get_by_role("button", name="Roofers").click()
    expect(page.locator("#detail-title")).to_have_text("Roofers")


def test_there_is_no_agreement_where_no_index_is_set(visit: Visit) -> None:
    page = visit.open("layer=robotics&view=agreement")
    expect(page.locator("#views [data-view=agreement]")).to_be_hidden()
    expect(page.locator("#view-title")).to_have_text("Map")


# --- where it lives ---


def test_it_is_the_same_from_a_server_as_from_the_folder(
    visits: Visits, small_site: BuiltSite, served_site: str
) -> None:
    from_folder = visits(small_site).open()
    visit = visits(small_site)
    visit.page.goto(served_site)
    page = visit.drawn()
    come_down(page)
    come_down(from_folder)
    assert page.locator("main").inner_text() == from_folder.locator("main").inner_text()
    assert {url.removeprefix(served_site).split("#")[0] for url in visit.requests} == {"", *SITE_FILES} - {
        "index.html",
        "data.json",
        "more.js",
        "titles.js",
        PICTURE,
    }


def test_without_the_file_of_reasons_all_else_is_there(visits: Visits, small_site: BuiltSite, tmp_path: Path) -> None:
    shutil.copytree(small_site.folder, tmp_path / "site")
    (tmp_path / "site" / "more.js").unlink()
    visit = visits(BuiltSite(tmp_path / "site", small_site.content))
    page = visit.open("id=nurses")
    expect(page.locator("#detail")).to_contain_text("3,000,000")
    expect(page.locator("#detail")).not_to_contain_text("Because of")
    visit.complaints[:] = [text for text in visit.complaints if "ERR_FILE_NOT_FOUND" not in text]


def test_the_policy_is_strict_and_on_the_page(small_site: BuiltSite) -> None:
    policy = POLICY
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    page = (small_site.folder / "index.html").read_text(encoding="utf-8")
    assert policy.replace("'", "&#x27;") in page
    assert "<script>" not in page


def test_the_same_content_makes_the_same_files(small_site: BuiltSite, tmp_path: Path) -> None:
    build_site(site_content(), tmp_path / "again")
    for name in SITE_FILES:
        assert (tmp_path / "again" / name).read_bytes() == (small_site.folder / name).read_bytes(), name
    assert missing_site_files(tmp_path / "again") == []
    (tmp_path / "again" / "data.js").unlink()
    assert missing_site_files(tmp_path / "again") == ["data.js"]


def unpacked(file: Path) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(file.read_text(encoding="utf-8").split('"')[1])))


def test_the_two_packed_parts_make_the_json_file(small_site: BuiltSite) -> None:
    whole = json.loads((small_site.folder / "data.json").read_bytes())
    first, more = unpacked(small_site.folder / "data.js"), unpacked(small_site.folder / "more.js")
    for one in first["sets"]:
        one.update(more["sets"][one["name"]])
    for one in first["layers"]:
        parts = more["layers"].get(one["id"], {})
        changes = {"changes": one["changes"] | parts["changes"]} if "changes" in parts else {}
        one.update(parts | changes)
    missing = [
        (one["id"], name)
        for one, given in zip(whole["layers"], first["layers"], strict=True)
        for name, value in one.items()
        if value and given.get(name) != value
    ]
    assert missing == []
    assert [one["name"] for one in first["sets"]] == [one["name"] for one in whole["sets"]]
    assert all(one["aliases"] == given["aliases"] for one, given in zip(whole["sets"], first["sets"], strict=True))


def test_the_first_screen_needs_no_script_and_the_script_changes_no_word_of_it(
    visits: Visits, small_site: BuiltSite, sample_site: BuiltSite
) -> None:
    for site in (small_site, sample_site):
        with_script = visits(site).open()
        without = visits(site, java_script_enabled=False).page
        without.goto(site.address)
        for part in ("#finding", "#lead", "#about-title", "#notes", "#layers", "#views"):
            assert without.locator(part).inner_text() == with_script.locator(part).inner_text(), part
        figures = [page.locator("#headline dd").all_inner_texts() for page in (without, with_script)]
        assert [text.split(" (")[0] for text in figures[1]] == figures[0]
        assert without.locator("#chart .first-map.is-wide path").count() > 1


def test_site_and_data_stay_small(small_site: BuiltSite) -> None:
    assert sum(path.stat().st_size for path in small_site.folder.iterdir()) < 350_000


# --- the bundled sample, and all real pages ---


def test_the_sample_shows_both_systems(visits: Visits, sample_site: BuiltSite) -> None:
    visit = visits(sample_site, bypass_csp=True)
    page = visit.open()
    expect(page.locator("#notes")).to_contain_text(SAMPLE_NOTE)
    expect(page.locator("#byline")).to_contain_text("30 occupations")
    for layer in layer_ids(page):
        choose_layer(page, layer)
        visit.drawn()
        assert page.locator("#chart .slice").count() > 25
    choose_layer(page, "resilience")
    expect(page.locator("#byline")).to_contain_text("83 occupations")
    visit.open("layer=resilience&id=29-1141.00")
    panel = page.locator("#detail")
    for text in ("Registered Nurses", "Openings a year", "Job zone", "Legal or ethical accountability"):
        expect(panel).to_contain_text(text)
    expect(panel.get_by_role("link", name="Summary at O*NET OnLine")).to_have_attribute(
        "href", "https://www.onetonline.org/link/summary/29-1141.00"
    )
    visit.open("layer=resilience-pages&id=registered-nurses")
    expect(panel).to_contain_text("over its O*NET occupations")
    visit.open("view=method")
    expect(page.locator("#view-notes")).to_contain_text("0.65 × defensive + 0.35 × offensive")
    assert violations(page) == []


TILES = """
() => {
  const labels = [...document.querySelectorAll("#chart .label")].map((label) => label.getBoundingClientRect());
  const isWithin = (label, box) =>
    label.left > box.left - 2 && label.right < box.right + 3 &&
    label.top > box.top - 4 && label.bottom < box.bottom + 5;
  return [...document.querySelectorAll("#chart .slice")].map((tile) => {
    const box = tile.getBoundingClientRect();
    return { id: tile.dataset.id, area: box.width * box.height, isNamed: labels.some((label) => isWithin(label, box)) };
  });
}
"""


@pytest.mark.shared
@pytest.mark.parametrize(("width", "height", "least"), [(390, 844, 60), (1024, 768, 85), (1600, 1000, 160)])
def test_area_is_jobs_and_most_jobs_are_named_on_the_map(
    visits: Visits, real_site: BuiltSite, width: int, height: int, least: int
) -> None:
    visit = visits(real_site, viewport={"width": width, "height": height})
    page = visit.open()
    tiles = pd.DataFrame(page.evaluate(TILES))
    rankings = real_site.content.prompts[0].rankings.set_index("doc_id")
    tiles["jobs"] = tiles["id"].map(rankings["jobs"]).astype(float)
    tiles["category"] = tiles["id"].map(rankings["category"])
    by_category = tiles.groupby("category")[["area", "jobs"]].sum()
    by_category = by_category[by_category["jobs"] > 0.005 * by_category["jobs"].sum()]  # all but mathematics
    density = by_category["area"] / by_category["jobs"]
    assert density.max() / density.min() < 1.75, density.sort_values()
    all_jobs = tiles["jobs"].sum()
    assert tiles.loc[tiles["isNamed"], "jobs"].sum() > 0.7 * all_jobs
    assert tiles.loc[tiles["area"] < 1, "jobs"].sum() < 0.001 * all_jobs
    assert tiles["isNamed"].sum() >= least
    size = "label => Number(label.querySelector('text').getAttribute('font-size'))"
    assert min(page.locator("#chart .label").evaluate_all(f"labels => labels.map({size})")) >= 11


@pytest.mark.shared
def test_the_map_begins_high_and_fills_the_first_screen(visits: Visits, real_site: BuiltSite) -> None:
    for width, height, most in (
        (390, 844, 312),
        (768, 1024, 320),
        (1024, 768, 240),
        (1280, 800, 221),
        (1600, 1000, 222),
    ):
        page = visits(real_site, viewport={"width": width, "height": height}).open()
        box = page.locator("#chart").bounding_box()
        assert box is not None
        assert box["y"] <= most, width
        assert box["y"] + box["height"] >= height - 25, width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        expect(page.locator("#legend-strip")).to_be_in_viewport()


@pytest.mark.shared
def test_all_real_pages_are_on_the_map(visits: Visits, real_site: BuiltSite) -> None:
    visit = visits(real_site, bypass_csp=True)
    page = visit.open()
    expect(page.locator("#byline")).to_contain_text("342 occupations, 143.1M jobs")
    assert page.locator("#chart .slice").count() == 341, "all but the military"
    assert page.locator("#chart .heading").count() == 24
    suggestions = page.locator("#search-list li")
    page.fill("#search", "registered nurse")
    expect(suggestions.first).to_have_text("Registered Nurses")
    page.fill("#search", "RN")
    expect(suggestions.first).to_contain_text("Registered Nurses")
    summaries = real_site.content.prompts[0].summaries.set_index(["grouping", "group_label"])
    expected = summaries.loc[("score_threshold", "score ≥ 7")]
    assert counts(page)["Occupations"][0] == str(expected["occupations"])
    assert counts(page)["Jobs"][0] == f"{expected['jobs'] / 1e6:.1f}M"
    for layer in ("outlook", "pay", "education"):
        choose_layer(page, layer)
        visit.drawn()
    for view in ("bubble", "ranked", "table"):
        visit.open(f"view={view}")
    assert len(titles(page)) == 342
    assert violations(page) == []
    data = gzip.compress((real_site.folder / "data.json").read_bytes())
    assert len(data) < 400_000


# --- both systems, from the bundled sample ---


def test_no_level_below_a_bachelors_degree_stands_at_or_above_it(visits: Visits, sample_site: BuiltSite) -> None:
    visit = visits(sample_site)
    page = visit.open("layer=onet-education")
    (rankings,) = (one.rankings for one in sample_site.content.prompts if one.corpus == "onet")
    levels = page.locator("#legend-ticks li").all_inner_texts()
    assert levels == [name for name in EDUCATION_ORDER if name in set(rankings["entry_education"])]
    assert any("school" in level for level in levels)
    above = EDUCATION_ORDER[EDUCATION_ORDER.index("Bachelor's degree") :]
    expect(page.locator("#threshold-value")).to_have_text("Bachelor's degree")
    assert counts(page)["Occupations"][0] == str(rankings["entry_education"].isin(above).sum())
    assert not [level for level in levels[levels.index("Bachelor's degree") :] if "school" in level]


def test_the_handbooks_legend_has_the_handbooks_levels_alone(visits: Visits, sample_site: BuiltSite) -> None:
    page = visits(sample_site).open("layer=education")
    named = set(sample_site.content.shown["ooh"]["entry_education"].dropna())
    levels = page.locator("#legend-ticks li").all_inner_texts()
    assert levels == [name for name in EDUCATION_ORDER if name in named]


def test_a_resilience_score_has_the_rank_of_the_score_and_the_ranking_its_own(
    visits: Visits, sample_site: BuiltSite
) -> None:
    (rankings,) = (one.rankings for one in sample_site.content.prompts if one.corpus == "onet")
    by_score = rankings["score"].rank(method="min", ascending=False)
    other = rankings[by_score != rankings["rank"]].index[0]
    visit = visits(sample_site)
    code = rankings.loc[other, "doc_id"]
    page = visit.open(f"layer=resilience&id={code}")
    expect(page.locator("#detail .standing").first).to_contain_text(f"rank {by_score[other]:.0f} of {len(rankings)}")
    visit.open(f"layer=resilience-ranking&id={code}")
    expect(page.locator("#detail .standing").first).to_contain_text(f"rank {rankings.loc[other, 'rank']} of")


def test_every_score_of_the_sample_has_a_tier(visits: Visits, sample_site: BuiltSite) -> None:
    visit = visits(sample_site)
    for name in ("exposure", "two_variable", "resilience", "resilience-pages"):
        page = visit.open(f"layer={name}&view=table")
        tiers = page.locator("#table-body tr").evaluate_all(
            "rows => rows.map((row) => ['.number', '.column-tier'].map((cell) => row.querySelector(cell).innerText))"
        )
        assert {value for value, tier in tiers if tier == "–"} <= {"–"}, name


def test_jobs_that_several_occupations_share_are_named_a_share(visits: Visits, sample_site: BuiltSite) -> None:
    onet = sample_site.content.shown["onet"]
    shared = onet[onet["doc_id"] == "29-1141.00"].iloc[0]
    visit = visits(sample_site)
    page = visit.open("layer=resilience&id=29-1141.00")
    panel = page.locator("#detail")
    expect(panel).to_contain_text(f"(1/{shared['sharing']} of the {shared['row_jobs']:,.0f} of SOC 29-1141)")
    expect(panel).to_contain_text("(all of SOC 29-1141)")
    expect(page.locator("#view-caption")).to_contain_text("an equal share of the jobs of its SOC row")
    visit.open("id=registered-nurses")
    expect(panel).not_to_contain_text("all of SOC")
    expect(page.locator("#view-caption")).not_to_contain_text("share")


def test_each_figure_is_credited_to_where_it_comes_from(visits: Visits, sample_site: BuiltSite) -> None:
    visit = visits(sample_site)
    page = visit.open("layer=onet-education")
    byline = page.locator("#byline")
    expect(byline).to_contain_text("O*NET")
    expect(byline).to_contain_text("CC BY 4.0")
    expect(byline).not_to_contain_text("Handbook")
    visit.open("layer=onet-outlook")
    expect(byline).to_contain_text("Employment Projections 2024–2034")
    expect(page.locator("#lead")).to_contain_text("2024–2034")
    visit.open("layer=pay")
    expect(byline).to_contain_text("Occupational Outlook Handbook")
    visit.open("view=method")
    onet = page.locator("#view-notes li", has_text="O*NET occupations:")
    expect(onet).to_contain_text("employment of 2024 and its projection to 2034")


def test_tiers_are_explained_as_they_are_cut(visits: Visits, sample_site: BuiltSite) -> None:
    visit = visits(sample_site)
    page = visit.open("view=method")
    for title, rule in (
        ("Exposure to today's AI", "belongs to the tier of its rounded value"),
        ("Resilience to AI", "A tier reaches up to where the next one begins"),
    ):
        card = page.locator("#view-notes .card", has=page.get_by_role("heading", name=title, exact=True))
        expect(card).to_contain_text(rule)
