"""Composites: layers weighed into one number by a file, without asking a model."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from exposure_dagster.pipeline.published import publish_content, with_composites
from exposure_dagster.prompts.composites import Composite, load_composites
from exposure_dagster.publishing.publication import left_out
from exposure_dagster.publishing.site.document import site_document
from tests.unit.publishing.site_content import site_content


def composite(**weights: float) -> Composite:
    return Composite(name="my_mix", title="My mix", weights=weights)


def scores(**weights: float) -> dict[str, float]:
    content = with_composites(site_content(), [composite(**weights)])
    (table,) = (one for one in content.tables if one.stem == "composites")
    return dict(zip(table.rows["doc_id"], table.rows["score"], strict=True))


def test_a_weight_alone_is_the_layer_itself_and_below_zero_it_is_turned_round() -> None:
    assert scores(exposure=2)["clerks"] == 9.0
    assert scores(exposure=-1)["clerks"] == 1.0


def test_the_mean_is_weighted_by_how_far_from_zero_a_weight_is() -> None:
    exposure, robotics = scores(exposure=1)["nurses"], scores(robotics=1)["nurses"]
    assert scores(exposure=3, robotics=-1)["nurses"] == pytest.approx((3 * exposure + (10 - robotics)) / 4)


def test_figures_are_put_to_their_scales() -> None:
    assert scores(outlook=1)["tellers"] == pytest.approx(10 * (20 - 13) / 40)
    assert scores(pay=1)["clerks"] == pytest.approx(10 * math.log(43_000 / 20_000) / math.log(10), abs=1e-6)
    assert scores(education=1)["physicians"] == 10


def test_whoever_lacks_one_of_the_values_has_no_composite_and_stands_last() -> None:
    content = with_composites(site_content(), [composite(exposure=1, pay=1)])
    rows = content.tables[-1].rows
    assert rows["rank"].iloc[0] == 1
    assert set(rows.loc[rows["score"].isna(), "doc_id"]) == {"actors", "military"}
    assert list(rows["doc_id"][-2:]) == ["actors", "military"]


def test_it_is_a_layer_of_the_site_that_says_what_it_is_made_of() -> None:
    document = site_document(with_composites(site_content(), [composite(exposure=3, pay=-1)]))
    layer = next(one for one in document["layers"] if one["id"] == "my_mix")
    assert (layer["title"], layer["low"], layer["high"]) == ("My mix", 0, 10)
    assert layer["formula"] == [
        "The weighted mean of layers, each put to 0–1 on its scale, times ten: "
        "Exposure to AI 75%; Median annual pay (turned round) 25%."
    ]
    assert {answer["scorer"] for answer in layer["answers"]} == {"baseline"}, "it says that it rests on estimates"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (composite(nothing=1), "my_mix: nothing published is called nothing"),
        (Composite(name="exposure", title="T", weights={"pay": 1}), "exposure: a prompt has this name"),
    ],
)
def test_one_that_cannot_be_made_is_left_out_and_takes_no_other_along(made: Composite, reason: str) -> None:
    good = Composite(name="good", title="Good", weights={"exposure": 1})
    content = with_composites(site_content(), [made, good])
    assert content.left_out == (reason,)
    assert content.composites == (good,)


def test_what_is_left_out_is_said_with_the_publication(tmp_path: Path) -> None:
    content = with_composites(site_content(), [composite(nothing=1)])
    publish_content(content, tmp_path / "published")
    assert left_out(tmp_path / "published") == ["my_mix: nothing published is called nothing"]


def test_a_publication_changes_with_its_composites() -> None:
    content = site_content()
    digests = {with_composites(content, made).digest for made in ([], [composite(exposure=1)], [composite(exposure=2)])}
    assert len(digests) == 3


def test_files_are_read_by_their_ending(tmp_path: Path) -> None:
    (tmp_path / "my_mix.composite.yaml").write_text("title: My  mix\nweights: {exposure: 2, two_variable.remote: -1}\n")
    (tmp_path / "other.yaml").write_text("a: 1\n")
    good, problems = load_composites(tmp_path)
    assert problems == ()
    assert good == (Composite(name="my_mix", title="My mix", weights={"exposure": 2, "two_variable.remote": -1}),)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("My Mix", "title: T\nweights: {a: 1}", "cannot be named"),
        ("m", "title: T\nweights: {}", "weights"),
        ("m", "title: T\nweights: {a: 0}", "a weight of 0 counts nothing"),
        ("m", "title: T\nweights: {a: .inf}", "weights.a"),
        ("m", "title: T\nweights: {a: 1}\nwieghts: {}", "wieghts"),
        ("m", "title: [\n", "no YAML"),
        ("m", "- a\n- b", "it has to be title"),
        ("m", "name: other\ntitle: T\nweights: {a: 1}", "it has to be title"),
        ("m", "[" * 15_000, "no YAML"),
        ("m", "title: T\n" + "#" * 30_000, "larger than"),
        ("m", b"title: \xff\xfe", "UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, name: str, text: str | bytes, what: str) -> None:
    path = tmp_path / f"{name}.composite.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    good, (problem,) = load_composites(tmp_path)
    assert good == ()
    assert what in str(problem)
