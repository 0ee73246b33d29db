"""What an index says of documents by their codes."""

from __future__ import annotations

import pytest

from exposure_dagster.indices.bundled import bundled_index, soc_2018_codes
from exposure_dagster.indices.expected import expected_band
from exposure_dagster.indices.index import CodedDocument, CodeSystem, Index, in_soc_2018, index_values, unused_codes
from exposure_dagster.indices.names import BUNDLED_NAMES, NamedIndex, named_indices

WRITERS = CodedDocument("writers", soc_codes=["27-3043"], onet_codes=["27-3043.00", "27-3043.05"])
SURGEONS = CodedDocument("surgeons", soc_codes=["29-1242", "29-1249"])
ROLE = CodedDocument("our-role", isco_codes=["2512", "2513"])
TASK = CodedDocument("27-3043.00-1", soc_codes=["27-3043"], onet_codes=["27-3043.00"], is_part=True)
DOCUMENTS = [WRITERS, SURGEONS, ROLE, TASK]


def said(system: CodeSystem, values: dict[str, float | None]) -> dict[str, tuple[object, ...]]:
    """By document, the value and the codes that it has and lacks."""
    found = index_values(Index("any", system, values, "digest"), DOCUMENTS, soc_2018_codes())
    return {one.doc_id: (one.value, one.codes_used, one.codes_missing) for one in found}


def test_a_document_has_the_mean_of_its_codes_and_a_missing_one_is_listed() -> None:
    found = said(CodeSystem.ONET_2019, {"27-3043.00": 0.2, "27-3043.05": 0.6, "29-1242.00": None})
    assert found["writers"] == (0.4, ("27-3043.00", "27-3043.05"), ())
    assert found["surgeons"] == (None, (), ("29-1242", "29-1249"))
    assert said(CodeSystem.ONET_2019, {"27-3043.05": 0.6})["writers"] == (0.6, ("27-3043.05",), ("27-3043.00",))


def test_an_index_by_onet_codes_speaks_of_soc_codes_by_the_mean_below_each() -> None:
    found = said(CodeSystem.ONET_2019, {"29-1242.00": 0.1, "29-1249.00": 0.2, "29-1249.01": 0.6})
    assert found["surgeons"] == (0.25, ("29-1242", "29-1249"), ())


def test_specialties_of_one_soc_code_count_it_once() -> None:
    assert said(CodeSystem.SOC_2018, {"27-3043": 0.7})["writers"] == (0.7, ("27-3043",), ())


def test_an_index_by_isco_speaks_of_documents_with_such_codes_alone() -> None:
    assert said(CodeSystem.ISCO, {"2512": 1.0, "27-3043": 5.0}) == {"our-role": (1.0, ("2512",), ("2513",))}


def test_of_a_task_an_index_speaks_by_its_id_and_never_by_its_occupation() -> None:
    assert "27-3043.00-1" not in said(CodeSystem.SOC_2018, {"27-3043": 0.7})
    by_id = said(CodeSystem.SLUG, {"27-3043.00-1": 1.0})
    assert by_id["27-3043.00-1"] == (1.0, ("27-3043.00-1",), ())
    assert by_id["writers"] == (None, (), ("writers",))
    assert said(CodeSystem.SLUG, {"a-page-of-another-corpus": 1.0}) == {}


def test_codes_of_2010_become_those_of_2018() -> None:
    crosswalk = soc_2018_codes()
    assert crosswalk["15-1131"] == ("15-1251",)  # computer programmers, renumbered
    assert in_soc_2018({"15-1131": 3.0}, crosswalk) == {"15-1251": 3.0}
    assert in_soc_2018({"11-1011": 3.0}, crosswalk) == {"11-1011": 3.0}  # stayed as it was
    assert len(crosswalk["11-3011"]) == 2  # administrative services managers, split
    joined = in_soc_2018({"15-1132": 1.0, "15-1133": 2.0}, crosswalk)["15-1252"]  # software developers, joined
    assert joined == 1.5


def test_codes_of_2010_taken_for_those_of_2018_lose_what_was_renumbered() -> None:
    programmers = CodedDocument("programmers", soc_codes=["15-1251"])
    values = {"15-1131": 3.0}
    right, wrong = (
        index_values(Index("any", system, values, "digest"), [programmers], soc_2018_codes())[0]
        for system in (CodeSystem.SOC_2010, CodeSystem.SOC_2018)
    )
    assert (right.value, wrong.value) == (3.0, None)
    assert wrong.codes_missing == ("15-1251",)


def test_codes_that_no_document_has_are_named() -> None:
    index = Index("any", CodeSystem.SOC_2010, {"15-1131": 1.0, "11-9999": 2.0, "11-1011": None}, "digest")
    assert unused_codes(index, {"15-1251"}, soc_2018_codes()) == ["11-9999"]
    onet = Index("any", CodeSystem.ONET_2019, {"29-1242.00": 1.0, "27-3043.00": 2.0}, "digest")
    assert unused_codes(onet, {"29-1242"}, soc_2018_codes()) == ["27-3043.00"]


def test_sums_of_equal_figures_are_equal() -> None:
    ours = CodedDocument("ours", soc_codes=["11-0001", "11-0002", "11-0003"])
    index = Index("any", CodeSystem.SOC_2018, {"11-0001": 0.1, "11-0002": 0.2, "11-0003": 0.3}, "digest")
    assert index_values(index, [ours], {})[0].value == 0.2


@pytest.mark.parametrize("name", BUNDLED_NAMES)
def test_bundled_indices_say_whose_they_are(name: str) -> None:
    index = bundled_index(name)
    assert index.licence in ("MIT", "CC BY 4.0")
    assert index.citation
    assert index.year
    assert all(value is not None and 0 <= value <= 1 for value in index.values.values())


def test_bundled_indices_are_as_large_as_they_were_published() -> None:
    sizes = {name: len(bundled_index(name).values) for name in ("gpts_human_beta", "gpts_task_human", "microsoft")}
    assert sizes == {"gpts_human_beta": 923, "gpts_task_human": 19_265, "microsoft": 785}


def test_what_is_expected_depends_on_prompt_and_index() -> None:
    assert expected_band("exposure", "webb") == (0.0, 0.4)
    assert expected_band("climate", "webb") is None
    assert expected_band("exposure", "mine") is None


def test_indices_are_named_with_commas_or_line_ends() -> None:
    found = named_indices("microsoft, aioe=a/b,c.csv\nwebb=webb.csv, gpts_dv_beta")
    assert [(one.name, str(one.path or "")) for one in found] == [
        ("microsoft", ""),
        ("aioe", "a/b,c.csv"),
        ("webb", "webb.csv"),
        ("gpts_dv_beta", ""),
    ]
    assert [one.name for one in named_indices("bundled")] == list(BUNDLED_NAMES)
    assert named_indices("microsoft,bundled")[0] == NamedIndex("microsoft")
    assert named_indices(" ,\n") == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("micrsoft", "micrsoft is no index that comes with the project"),
        ("aioe=", "names no file"),
        ("My Index=a.csv", "cannot be named"),
        ("bundled=a.csv", "cannot be named"),
        ("microsoft=a.csv", "comes with the project; choose another"),
        ("a=1.csv,a=2.csv", "named twice"),
    ],
)
def test_a_name_that_cannot_be_used_is_told(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        named_indices(text)
