"""The site's data and picture, for publications of every kind of corpus."""

from __future__ import annotations

import json
import re
import struct
import warnings
from dataclasses import replace

import pandas as pd
import pytest

from exposure_dagster.corpora.onet import NAME as ONET_CORPUS
from exposure_dagster.corpora.onet import TASKS_NAME as ONET_TASKS_CORPUS
from exposure_dagster.corpora.terms import EDUCATION_ORDER
from exposure_dagster.publishing.content import PublishedContent, PublishedTable
from exposure_dagster.publishing.exports import attribution
from exposure_dagster.publishing.site.document import site_document, site_titles
from exposure_dagster.publishing.site.picture import map_picture
from exposure_dagster.publishing.tables import SECTIONS
from exposure_dagster.tables import TASK_ROLLUPS
from tests.unit.publishing.site_content import HANDBOOK, HOSTILE_TITLE, site_content, two_onet_codes


@pytest.fixture(scope="module")
def content() -> PublishedContent:
    return site_content()


@pytest.fixture(scope="module")
def own_documents(content: PublishedContent) -> PublishedContent:
    """A publication about documents of one's own, of which neither jobs nor pay are known."""
    prompt = content.prompts[0]
    rankings = prompt.rankings.assign(jobs=None, median_pay_annual=None, wages=None, category=None)
    return PublishedContent((replace(prompt, rankings=rankings, corpus="roles"),))


@pytest.fixture(scope="module")
def tasks_alone(content: PublishedContent) -> PublishedContent:
    """A publication of one prompt about tasks, without any other about O*NET."""
    prompt = replace(content.prompts[0], name="task_exposure", corpus=ONET_TASKS_CORPUS)
    rows = pd.DataFrame({"onet_code": ["29-1141.00", "11-1011.00"], "title": ["Nurses", "Chiefs"], "score": [0.2, 0.6]})
    rows = rows.assign(prompt=prompt.name, rank=[2, 1], tasks=3, scored_tasks=3, scored_weight=1.0, scorer="baseline")
    return PublishedContent((prompt,), tables=(PublishedTable(TASK_ROLLUPS, "task_rollups", rows, prompt.name),))


@pytest.fixture(scope="module")
def two_codes(content: PublishedContent) -> PublishedContent:
    return two_onet_codes(content)


def with_onet(content: PublishedContent, **columns: object) -> PublishedContent:
    return replace(content, shown={ONET_CORPUS: content.shown[ONET_CORPUS].assign(**columns)})


def test_every_prompt_of_the_corpus_is_a_layer_found_by_itself(content: PublishedContent) -> None:
    document = site_document(content)
    layers = [layer["id"] for layer in document["layers"] if layer["kind"] == "score"]
    assert layers == ["exposure", "robotics", "two_variable"]
    assert [documents["name"] for documents in document["sets"]] == ["ooh"]


def test_documents_of_ones_own_have_a_map_of_their_own(own_documents: PublishedContent) -> None:
    document = site_document(own_documents)
    assert [documents["name"] for documents in document["sets"]] == ["roles"]
    assert {layer["set"] for layer in document["layers"]} == {"roles"}


def test_tasks_alone_are_shown_by_their_occupations(tasks_alone: PublishedContent) -> None:
    document = site_document(tasks_alone)
    (documents,) = document["sets"]
    assert documents["name"] == ONET_CORPUS
    assert documents["id"] == ["11-1011.00", "29-1141.00"]
    assert document["layers"][0]["value"] == [0.6, 0.2]


def test_jobs_of_an_onet_occupation_say_of_what_they_are_a_share(two_codes: PublishedContent) -> None:
    (documents,) = site_document(two_codes)["sets"]
    assert documents["id"] == ["29-1141.00", "29-1141.01"]
    assert documents["shares"] == [[1, 3, 30, "29-1141"], [2, 3, 30, "29-1141"]]


def test_an_occupation_that_is_the_whole_of_its_row_shares_nothing(two_codes: PublishedContent) -> None:
    whole = with_onet(two_codes, sharing=two_codes.shown[ONET_CORPUS]["shares"])
    (documents,) = site_document(whole)["sets"]
    assert documents["shares"] == [None, None]


def test_figures_of_onet_name_their_sources_release_edition_and_years(two_codes: PublishedContent) -> None:
    document = site_document(two_codes)
    (documents,) = document["sets"]
    sources = {layer["column"]: layer["sources"] for layer in document["layers"] if layer["kind"] == "figure"}
    assert sources["outlook"] == ["U.S. Bureau of Labor Statistics, Employment Projections 2024–2034"]
    database, projections = sorted(sources["education"])
    assert database.startswith("O*NET Database 30.2, U.S. Department of Labor")
    assert database.endswith("CC BY 4.0 (for 1)")
    assert projections.endswith("2024–2034 (for 1)")
    assert documents["years"] == {"base": 2024, "projection": 2034, "pay": None}, "pages do not say the year of pay"
    all_projected = with_onet(two_codes, pay_origin="projections")
    assert site_document(all_projected)["sets"][0]["years"]["pay"] == 2023


def test_each_set_has_a_list_of_its_own_levels_in_their_order(
    content: PublishedContent, two_codes: PublishedContent
) -> None:
    of_onet = replace(two_codes.prompts[0], name="of_onet")
    both = replace(content, prompts=(*content.prompts, of_onet), shown={**content.shown, **two_codes.shown})
    document = site_document(both)
    names = {documents["name"]: documents["education"]["names"] for documents in document["sets"]}
    assert names[ONET_CORPUS] == ["High school diploma", "Bachelor's degree"]
    assert names["ooh"] == [name for name in EDUCATION_ORDER if name in set(HANDBOOK["entry_education"])]
    named = {name for levels in names.values() for name in levels}
    assert document["education"] == [name for name in EDUCATION_ORDER if name in named]


def norwegian(content: PublishedContent) -> PublishedContent:
    """A publication about another country's occupations alone: with a currency, levels and a source of their own."""
    levels = ["Grunnskole", "Fagbrev", "Bachelor"]
    rows = pd.DataFrame({"doc_id": ["a", "b", "c", "d"], "title": ["Kokk", "Rørlegger", "Lærer", "Gjest"]})
    rows = rows.assign(
        jobs=[10, 20, 30, 5],
        median_pay_annual=[400_000.0, 520_000.0, 610_000.0, 50_000.0],
        pay_currency=["NOK", "NOK", "NOK", "EUR"],
        entry_education=[*levels, None],
        education_order=[1, 2, 3, None],
        isco_codes=[["5120"], ["7126"], ["2341"], None],
        source="Statistisk eksempel",
        source_url="https://eksempel.example/",
        source_licence="CC BY 4.0.",
    )
    prompt = content.prompts[0]
    rankings = prompt.rankings.head(4).assign(doc_id=rows["doc_id"], title=rows["title"], pay_currency="NOK")
    return PublishedContent((replace(prompt, rankings=rankings, corpus="yrker"),), shown={"yrker": rows})


def test_pay_of_another_country_is_shown_in_its_currency_and_another_is_not_mixed_in(content: PublishedContent) -> None:
    (documents,) = site_document(norwegian(content))["sets"]
    assert documents["money"]["sign"] == "NOK "
    assert documents["money"]["bands"][0]["label"] == "below NOK 450K"
    assert documents["pay"] == [400_000, 520_000, 610_000, None]
    assert documents["classifications"] == {"ISCO-08": [["5120"], ["7126"], ["2341"], []]}


def test_levels_of_education_are_those_of_the_file_in_its_order(content: PublishedContent) -> None:
    document = site_document(norwegian(content))
    assert document["education"] == ["Grunnskole", "Fagbrev", "Bachelor"]
    assert document["sets"][0]["education"]["names"] == document["education"]


def test_only_sources_of_what_is_shown_are_credited(content: PublishedContent) -> None:
    own = norwegian(content)
    assert own.sources == (("Statistisk eksempel", "https://eksempel.example/", "CC BY 4.0."),)
    assert [one["source"] for one in site_document(own)["sources"]] == ["Statistisk eksempel"]
    assert "Bureau of Labor" not in attribution(own)
    both = replace(content, prompts=(*content.prompts, *own.prompts), shown={**content.shown, **own.shown})
    credited = [title for title, _, _ in both.sources]
    assert any("Bureau of Labor" in title for title in credited) and "Statistisk eksempel" in credited


def test_the_document_of_another_country_has_no_word_of_the_united_states(content: PublishedContent) -> None:
    text = json.dumps(site_document(norwegian(content)))
    assert re.findall(r"USD|\bBLS\b|O\*NET|SOC|U\.S\.|[Hh]andbook|\$\d", text) == []


@pytest.mark.parametrize(
    ("title", "is_drawn"), [("Kokk", True), ("Повар", True), ("数据分析师", False), ("نویسنده", False)]
)
def test_a_title_that_the_picture_has_no_glyphs_for_is_left_to_the_site(
    content: PublishedContent, title: str, is_drawn: bool
) -> None:
    own = norwegian(content)
    rows = own.shown["yrker"].assign(title=title)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = map_picture(site_document(replace(own, shown={"yrker": rows})))
        nameless = map_picture(site_document(replace(own, shown={"yrker": rows.assign(title="数")})))
    assert (picture != nameless) == is_drawn


def test_where_the_figures_of_onet_come_from_is_part_of_the_publication(two_codes: PublishedContent) -> None:
    other = with_onet(two_codes, onet_release="31.0")
    assert other.digest != two_codes.digest


def test_what_more_is_known_of_an_occupation_stands_with_it_under_headings(two_codes: PublishedContent) -> None:
    rows = pd.DataFrame(
        [
            {"corpus": ONET_CORPUS, "doc_id": "29-1141.01", "section": "software", "items": ["Tables", "Abacus"]},
            {"corpus": ONET_CORPUS, "doc_id": "29-1141.00", "section": "related", "items": ["Nurses"]},
            {"corpus": ONET_CORPUS, "doc_id": "47-2181.00", "section": "software", "items": ["Of none that is shown"]},
            {"corpus": "another", "doc_id": "29-1141.00", "section": "software", "items": ["Of another corpus"]},
        ]
    )
    (documents,) = site_document(replace(two_codes, tables=(PublishedTable(SECTIONS, "sections", rows),)))["sets"]
    assert documents["id"] == ["29-1141.00", "29-1141.01"]
    assert documents["sections"] == [
        {"title": "Software", "names": ["Abacus", "Tables"], "at": [[], [1, 0]]},
        {"title": "Related occupations", "names": [], "at": [[-2], []], "are_relatives": True},
    ]
    assert "sections" not in site_document(two_codes)["sets"][0]


def test_what_a_prompt_includes_is_said_with_the_question(two_codes: PublishedContent) -> None:
    (prompt,) = two_codes.prompts
    including = replace(prompt, asked=prompt.asked.model_copy(update={"include": ("skills", "software")}))
    asked = [site_document(replace(two_codes, prompts=(one,)))["layers"][0]["asked"] for one in (prompt, including)]
    assert [one.get("include") for one in asked] == [None, ["skills", "software"]]


def test_titles_that_a_set_does_not_have_itself_are_apart_and_part_of_the_publication(
    two_codes: PublishedContent,
) -> None:
    known = with_onet(two_codes, sample_titles=[["Ward nurse"], []])
    listed = pd.DataFrame({"doc_id": "29-1141.01", "title": ["Night nurse", "Nurses", "Ward nurse"]})
    content = replace(known, titles={ONET_CORPUS: listed})
    document = site_document(content)
    assert document["sets"][0]["aliases"] == [[], ["Ward nurse"]]
    assert site_titles(content, document) == {ONET_CORPUS: [[], ["Night nurse"]]}
    assert site_titles(known, document) == {}
    assert content.digest != known.digest


@pytest.mark.parametrize("kind", ["content", "own_documents", "tasks_alone", "two_codes"])
def test_a_picture_of_the_map_is_drawn_without_a_browser(kind: str, request: pytest.FixtureRequest) -> None:
    picture = map_picture(site_document(request.getfixturevalue(kind)))
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (720, 400)
    assert len(picture) < 100_000, "it is stored with the materialization"


def test_the_same_content_has_the_same_picture_and_another_another(content: PublishedContent) -> None:
    rows = content.prompts[0].rankings
    other = replace(content.prompts[0], rankings=rows.assign(score=10 - rows["score"]))
    picture = map_picture(site_document(content))
    assert map_picture(site_document(content)) == picture
    assert map_picture(site_document(replace(content, prompts=(other,)))) != picture


def test_hostile_titles_are_passed_on_as_they_are(content: PublishedContent) -> None:
    (documents,) = site_document(content)["sets"]
    assert HOSTILE_TITLE in documents["title_of"]


def test_another_name_of_an_occupation_makes_another_publication(content: PublishedContent) -> None:
    pages = content.shown["ooh"]
    aliases = [[*names, "Further name"] for names in pages["aliases"]]
    assert replace(content, shown={"ooh": pages.assign(aliases=aliases)}).digest != content.digest
