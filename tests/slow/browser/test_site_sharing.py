"""The site in a browser: passing on, comparing, weighing, asking, the tour, and searches by what people are called."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.pipeline.published import with_composites
from exposure_dagster.prompts.composites import load_composites
from exposure_dagster.prompts.files import load_prompt
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.publishing.content import Addresses
from exposure_dagster.publishing.site import build_site
from tests.slow.browser.conftest import BuiltSite, Visit, Visits
from tests.unit.publishing.site_content import HANDBOOK, HOSTILE_TITLE, site_content

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def values(page: Page) -> dict[str, str]:
    """The table's titles with their values of the layer that is shown."""
    page.locator("#list").scroll_into_view_if_needed()
    expect(page.locator("#table-body tr")).to_have_count(len(HANDBOOK))
    page.wait_for_timeout(700)  # it is made anew a moment after the map, when somebody comes near it
    return dict(
        page.eval_on_selector_all(
            "#table-body tr",
            "rows => rows.map((row) => [row.querySelector('.row-button'), row.querySelector('td')])"
            ".map((cells) => cells.map((cell) => cell.innerText.trim()))",
        )
    )


def suggestions(page: Page, text: str) -> list[str]:
    page.locator("#search").fill(text)
    return page.locator("#search-list [role=option]").all_inner_texts()


# --- searching ---


def test_a_name_with_a_typing_error_finds_what_comes_nearest_and_says_so(visit: Visit) -> None:
    page = visit.open()
    page.locator("#search").focus()
    assert suggestions(page, "sofware developper")[0].startswith("Software Developers")
    assert "come nearest" in page.locator("#search-list").inner_text()
    assert suggestions(page, "tellers") == ["Tellers"]
    assert "come nearest" not in page.locator("#search-list").inner_text()
    assert suggestions(page, "xyzzy") == []


def test_what_people_call_their_job_is_found_when_the_longer_lists_are_there(
    real_site: BuiltSite, visits: Visits
) -> None:
    visit = visits(real_site)
    page = visit.open()
    assert not [url for url in visit.requests if url.endswith("titles.js")], "only who searches loads them"
    page.locator("#search").focus()
    page.wait_for_timeout(1000)
    assert [url for url in visit.requests if url.endswith("titles.js")]
    expected = {
        "data engineer": "Database Administrators|Software Developers",
        "UX designer": "Web Developers",
        "product manager": "Project Management|Marketing Managers",
        "devops": "Software Developers|Network",
        "uber driver": "Taxi Drivers",
        "programer": "Computer Programmers|Software Developers",
    }
    for text, title in expected.items():
        assert re.search(title, suggestions(page, text)[0]), text


# --- passing on ---


def test_all_that_passes_a_view_on_is_in_one_place(visit: Visit) -> None:
    page = visit.open("layer=robotics&id=nurses")
    page.locator("#share").click()
    dialog = page.get_by_role("dialog", name="Share")
    expect(dialog.get_by_role("heading", name="Share")).to_be_focused()
    assert dialog.get_by_label("Link to this view", exact=True).input_value().endswith("#layer=robotics&id=nurses")
    assert "?embed#layer=robotics" in dialog.get_by_label("Embed", exact=True).input_value()
    cited = dialog.get_by_label("Cite", exact=True).input_value()
    assert "claude" in cited
    assert "publication" in cited
    assert (
        dialog.get_by_label("Page of Registered Nurses", exact=True)
        .input_value()
        .endswith("share/robotics/nurses.html")
    )
    assert violations(page) == []
    with page.expect_download() as download:
        dialog.get_by_role("button", name="CSV of the table").click()
    assert download.value.suggested_filename == "robotics-map.csv"
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("#share")).to_be_focused()
    assert page.locator("#detail").is_visible(), "Escape closes the dialog alone"


def test_the_page_of_an_occupation_runs_no_script_and_leads_to_the_map(small_site: BuiltSite, visits: Visits) -> None:
    visit = visits(small_site, color_scheme="dark", viewport={"width": 390, "height": 844})
    page = visit.page
    page.goto((small_site.folder / "share" / "exposure" / "clerks.html").as_uri())
    assert page.locator("img").evaluate("image => image.naturalWidth") == 1200
    page.goto((small_site.folder / "share" / "exposure" / "hostile.html").as_uri())
    assert page.locator("h1").inner_text() == HOSTILE_TITLE
    assert page.locator("script, img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    page.get_by_role("link", name="Open it on the map").click()
    visit.drawn()
    expect(page.locator("#detail-title")).to_have_text(HOSTILE_TITLE)


def test_a_frame_shows_the_map_and_the_way_to_the_page(small_site: BuiltSite, visits: Visits) -> None:
    visit = visits(small_site)
    visit.page.goto(f"{small_site.address}?embed#layer=robotics")
    page = visit.drawn()
    assert page.locator("#chart .slice").first.is_visible()
    assert not page.locator("#list").is_visible()
    assert not page.locator("#search").is_visible()
    expect(page.get_by_role("link", name="Open the whole page")).to_have_attribute("href", "index.html#layer=robotics")


def test_links_name_the_address_that_others_reach(tmp_path: Path, visits: Visits) -> None:
    addresses = Addresses(site="https://example.org/jobs/", code="https://example.org/code/tree/main")
    content = replace(site_content(), addresses=addresses)
    build_site(content, tmp_path / "site")
    page = visits(BuiltSite(tmp_path / "site", content)).open("layer=robotics")
    page.locator("#share").click()
    link = page.get_by_label("Link to this view", exact=True).input_value()
    assert link == "https://example.org/jobs/index.html#layer=robotics"
    assert page.locator("meta[property='og:image']").get_attribute("content") == "https://example.org/jobs/map.png"
    assert page.locator("#own-data a").last.get_attribute("href") == addresses.code


# --- comparing ---


def test_occupations_stand_beside_each_other_over_all_layers_and_in_the_address(visit: Visit) -> None:
    page = visit.open("view=side&of=nurses,clerks")
    table = page.get_by_role("table", name="Occupations beside each other")
    assert table.locator("thead th a").all_inner_texts() == [
        "Registered Nurses",
        "Office Clerks",
    ]
    row = table.get_by_role("row", name=re.compile("^Exposure to AI"))
    assert [cell.split("\n")[0].strip()[:3] for cell in row.locator("td").all_inner_texts()] == ["4.0", "9.0"]
    page.locator("#side-add").select_option("hostile")
    assert page.evaluate("location.hash") == "#view=side&of=nurses%2Cclerks%2Chostile"
    assert violations(page) == []
    page.get_by_role("button", name="Remove Registered Nurses").click()
    assert table.locator("thead th").count() == 2


def test_an_address_that_names_nobody_asks_whom_to_compare(visit: Visit) -> None:
    page = visit.open("view=side&of=nobody,%25E0%25A4%25A")
    expect(page.locator("#side-add")).to_be_visible()
    assert page.locator(".side-by-side").count() == 0


def test_from_the_panel_an_occupation_joins_the_comparison(visit: Visit) -> None:
    page = visit.open("id=nurses")
    page.locator("#detail").get_by_role("link", name="Compare").click()
    assert page.evaluate("location.hash") == "#view=side&of=nurses"


# --- weighing ---


def test_layers_are_weighed_into_one_colour_with_its_ranking(visit: Visit) -> None:
    page = visit.open("layer=mix&mix=exposure:1")
    assert values(page)["Office Clerks"] == "9.0"
    visit.open("layer=mix&mix=exposure:-1")
    assert values(page)["Office Clerks"] == "1.0"
    visit.open("layer=mix&mix=exposure:1,pay:1")
    assert values(page)["Actors"] == "–", "whoever lacks one of the values has no mix"
    assert violations(page) == []


def test_a_slider_moves_the_map_and_the_address(visit: Visit) -> None:
    page = visit.open("layer=mix&mix=exposure:1")
    slider = page.get_by_role("slider", name="Exposure to robots")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("robotics%3A1"))
    assert slider.get_attribute("aria-valuetext") == "+1"
    expect(slider).to_be_focused()


def test_weights_that_are_none_are_passed_over(visit: Visit) -> None:
    page = visit.open("layer=mix&mix=nothing:3,exposure:99,exposure:x,exposure:1")
    assert values(page)["Office Clerks"] == "9.0"


def test_the_file_of_a_mix_makes_the_project_compute_the_same(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("layer=mix&mix=exposure:2,pay:-1,education:1,outlook:3")
    shown = values(page)
    page.get_by_role("button", name="Write it as a file").click()
    text = page.get_by_label("File", exact=True).input_value()
    (tmp_path / "my_mix.composite.yaml").write_text(text, encoding="utf-8")
    made, problems = load_composites(tmp_path)
    assert problems == ()
    rows = with_composites(site_content(), made).tables[-1].rows.dropna(subset="score")
    computed = dict(zip(rows["title"], rows["score"], strict=True))
    assert {title: float(value) for title, value in shown.items() if value != "–"} == {
        title: pytest.approx(score, abs=0.0501) for title, score in computed.items()
    }
    assert violations(page) == []
    page.keyboard.press("Escape")


# --- asking ---


def test_the_file_that_the_form_writes_is_one_that_the_project_reads(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    page.locator("#ask").click()
    answers = {
        "ask-title": 'Time "outdoors": {x} # 100 %',
        "ask-question": "How much is outdoors?\n---\nIn any weather, $HOME ${x} {{y}}.",
        "ask-low": "Indoors: 'never' \\ outside",
        "ask-middle": "- some\n- more",
        "ask-high": "Ständig draußen <b>",
    }
    for field, text in answers.items():
        page.locator(f"#{field}").fill(text)
    assert violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Write the file").click()
        page.get_by_role("button", name=re.compile("^Save ")).click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "time_outdoors_x_100.md"
    prompt = load_prompt(path, known_corpora=KNOWN_CORPORA, known_models=load_prices())
    assert prompt.file.title == answers["ask-title"]
    assert f"--prompt {path.stem}" in page.get_by_label("Command", exact=True).input_value()
    page.keyboard.press("Escape")


# --- the tour ---


def test_five_steps_move_the_map_and_stand_in_the_address(visit: Visit) -> None:
    page = visit.open()
    page.locator("#story-start").click()
    story = page.locator("#story")
    expect(story).to_contain_text("1 of 5")
    assert violations(page) == []
    story.get_by_role("button", name="Next").click()
    expect(story).to_contain_text("2 of 5")
    assert page.locator("#detail").is_visible()
    for _ in range(3):
        story.get_by_role("button", name="Next").click()
    expect(page.locator("#search")).to_be_focused()
    assert "step=5" in page.evaluate("location.hash")
    page.go_back()
    expect(story).to_contain_text("4 of 5")
    story.get_by_role("button", name="Leave").click()
    expect(story).to_be_hidden()


def test_a_step_can_be_sent_to_somebody(small_site: BuiltSite, visits: Visits) -> None:
    page = visits(small_site).open("step=2")
    expect(page.locator("#story")).to_contain_text("2 of 5")
    assert page.locator("#detail").is_visible()


@pytest.mark.parametrize("state", ["view=side&of=nurses,clerks,hostile,formula", "layer=mix", "step=1"])
def test_on_a_phone_nothing_is_wider_than_the_screen(small_site: BuiltSite, visits: Visits, state: str) -> None:
    page = visits(small_site, **PHONE).open(state)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(page) == []


def test_data_of_a_layer_of_ones_own_are_exported_as_shown(visit: Visit) -> None:
    page = visit.open("layer=mix&mix=exposure:1")
    page.locator("#share").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON of the table").click()
    exported = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert exported["layer"] == "Your own mix"
    page.keyboard.press("Escape")


# --- how firm it is ---


def test_the_finding_says_between_what_it_lies_and_what_another_threshold_would_say(visit: Visit) -> None:
    page = visit.open()
    assert re.fullmatch(r"As sure as the scores are: \d.*M to \d.*M jobs", page.locator("#finding-range").inner_text())
    page.locator("#figures").scroll_into_view_if_needed()
    around = page.locator("#threshold-around")
    expect(around).to_contain_text(re.compile(r"at 6 it would be .*M jobs \(.*\), at 8 it would be"))
    visit.open("layer=pay")
    expect(around).to_be_hidden()
    assert page.locator("#finding-range").inner_text() == ""


def test_what_flips_between_two_layers_is_listed_each_way_and_follows_the_threshold(visit: Visit) -> None:
    page = visit.open("view=compare&with=robotics")
    one_way = page.locator("#view-notes .card", has_text="Exposure to AI, and not Exposure to robots")
    expect(one_way).to_contain_text("reach 7 in the one")
    page.locator("#threshold").fill("9")
    expect(one_way).to_contain_text("1 occupation reaches 9 in the one")
    expect(one_way.get_by_role("button", name="Office Clerks")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="See the map change").click()
    visit.drawn()
    assert "layer=robotics" in page.evaluate("location.hash")
