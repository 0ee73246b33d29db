"""The site's data and picture, for publications of every kind of corpus."""

from __future__ import annotations

import struct
from dataclasses import replace

import pandas as pd
import pytest

from exposure_dagster.corpora import ONET_CORPUS, ONET_TASKS_CORPUS
from exposure_dagster.publishing.content import PublishedContent, PublishedTable
from exposure_dagster.publishing.site import map_picture
from exposure_dagster.publishing.site.document import site_document
from exposure_dagster.tables import TASK_ROLLUPS
from tests.browser.site_content import HOSTILE_TITLE, site_content


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


@pytest.mark.parametrize("kind", ["content", "own_documents", "tasks_alone"])
def test_a_picture_of_the_map_is_drawn_without_a_browser(kind: str, request: pytest.FixtureRequest) -> None:
    picture = map_picture(request.getfixturevalue(kind))
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (720, 400)
    assert len(picture) < 100_000, "it is stored with the materialization"


def test_the_same_content_has_the_same_picture_and_another_another(content: PublishedContent) -> None:
    rows = content.prompts[0].rankings
    other = replace(content.prompts[0], rankings=rows.assign(score=10 - rows["score"]))
    assert map_picture(content) == map_picture(content)
    assert map_picture(replace(content, prompts=(other,))) != map_picture(content)


def test_hostile_titles_are_passed_on_as_they_are(content: PublishedContent) -> None:
    (documents,) = site_document(content)["sets"]
    assert HOSTILE_TITLE in documents["title_of"]


def test_another_name_of_an_occupation_makes_another_publication(content: PublishedContent) -> None:
    aliases = [[*names, "Further name"] for names in content.handbook["aliases"]]
    assert replace(content, handbook=content.handbook.assign(aliases=aliases)).digest != content.digest
