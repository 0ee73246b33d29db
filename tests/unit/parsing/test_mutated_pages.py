"""Damaged pages: no crash, and no cell that is wrong without a finding. `benchmarks/mutated_pages.py` tries 10,000."""

from __future__ import annotations

import random
from functools import cache

import pytest

from exposure_dagster.settings import SAMPLE_SITES
from tests.unit.parsing.mutations import DAMAGERS, Damager, Reading, Subject, judge, subjects_in, summary_page
from tests.unit.parsing.summary_page import URL, WHOLE, a_page

EACH = 24


@cache
def subjects() -> list[tuple[Subject, Reading]]:
    """The index and pages of the sample and a summary page, each with what is read of it when it is whole."""
    of_onet = summary_page("summary page", a_page(*WHOLE).decode(), URL)
    return [(subject, subject.read(subject.source.encode())) for subject in [*subjects_in(SAMPLE_SITES), of_onet]]


def test_whole_pages_have_no_finding() -> None:
    assert {subject.name: whole.findings for subject, whole in subjects() if whole.findings} == {}


@pytest.mark.parametrize("damager", DAMAGERS, ids=lambda damager: damager.__name__)
def test_a_damaged_page_reads_as_the_whole_one_or_has_a_finding(damager: Damager) -> None:
    of_kind: dict[str, list[tuple[Subject, Reading]]] = {}
    for subject, whole in subjects():
        of_kind.setdefault(subject.kind, []).append((subject, whole))
    findings = 0
    for seed in range(EACH):
        draw = random.Random(f"{damager.__name__} {seed}")
        subject, whole = draw.choice(of_kind[draw.choice(list(of_kind))])
        damage = damager(draw, subject.source)
        verdict = judge(subject, whole, damage)
        assert (verdict.crash, verdict.wrong) == (None, {}), f"{subject.name}, {damage.how}"
        findings += verdict.has_finding
    print(f"{damager.__name__}: {EACH} damaged pages, {findings} with a finding, none wrong without one")
