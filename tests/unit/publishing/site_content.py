"""A small publication with everything that the site can show, and with text that tries to be more than text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pandas as pd

from exposure_dagster.corpora.onet import NAME as ONET_CORPUS
from exposure_dagster.corpora.terms import soc_major_group
from exposure_dagster.prompts.model import (
    AskedAttribute,
    AskedPrompt,
    QuadrantLabels,
    Quadrants,
    RankedAttribute,
    RankingDefinition,
    Tier,
)
from exposure_dagster.publishing.content import PublishedContent, PublishedPrompt, PublishedTable
from exposure_dagster.ranking.agreement import ALL, Compared, agree
from exposure_dagster.ranking.rankings import FACT_COLUMNS, rank_documents
from exposure_dagster.ranking.summaries import summarize
from exposure_dagster.ranking.uncertainty import uncertainty
from exposure_dagster.tables import AGREEMENT, UNCERTAINTY

HOSTILE_TITLE = '<img src=x onerror="window.hacked=1"> "quoted" & \u202etfel ot thgir\u2066'
HOSTILE_REASON = "</script><script>window.hacked=1</script> <b>bold</b> %{label} $x$ " + "W" * 300
FORMULA_TITLE = '=HYPERLINK("http://evil.example","click")'

TIERS = (Tier(label="Low", range=(0, 3)), Tier(label="Middle", range=(4, 6)), Tier(label="High", range=(7, 10)))

_BACHELOR, _SCHOOL, _NONE = "Bachelor's degree", "High school diploma or equivalent", "No formal educational credential"
_MUCH, _FASTER, _AVERAGE, _LITTLE = (
    "Much faster than average",
    "Faster than average",
    "As fast as average",
    "Little or no change",
)
_OFFICE, _BUILDING = "office-and-administrative-support", "construction-and-extraction"
_COMPUTER, _TEACHING = "computer-and-information-technology", "education-training-and-library"

HANDBOOK = pd.DataFrame(
    [
        ("nurses", "Registered Nurses", "healthcare", 3_000_000, 90_000.0, 5.0, _FASTER, _BACHELOR, 4.0),
        ("aides", "Home Health Aides", "healthcare", 4_000_000, 34_000.0, 17.0, _MUCH, _NONE, 3.0),
        (
            "physicians",
            "Physicians",
            "healthcare",
            800_000,
            239_200.0,
            3.0,
            _AVERAGE,
            "Doctoral or professional degree",
            4.0,
        ),
        ("clerks", "Office Clerks", _OFFICE, 2_500_000, 43_000.0, -7.0, "Decline", _SCHOOL, 9.0),
        ("tellers", "Tellers", _OFFICE, 350_000, 39_000.0, -13.0, "Decline", _SCHOOL, 8.0),
        ("developers", "Software Developers", _COMPUTER, 1_800_000, 131_000.0, 15.0, _MUCH, _BACHELOR, 8.6),
        ("roofers", "Roofers", _BUILDING, 160_000, 50_000.0, 6.0, _FASTER, _NONE, 1.0),
        ("electricians", "Electricians", _BUILDING, 800_000, 62_000.0, 9.0, _MUCH, None, 2.0),
        ("teachers", "High School Teachers", _TEACHING, 1_000_000, 64_000.0, 0.0, _LITTLE, _BACHELOR, 6.5),
        ("actors", "Actors", "entertainment-and-sports", 57_000, None, 0.0, _LITTLE, "Some college, no degree", 5.0),
        ("military", "Military Careers", "military", None, None, None, None, None, 3.0),
        ("hostile", HOSTILE_TITLE, "legal", 700_000, 80_000.0, 4.0, _AVERAGE, "Master's degree", 7.0),
        ("formula", FORMULA_TITLE, "legal", 300_000, 70_000.0, 2.0, "Slower than average", "Associate's degree", 6.0),
    ],
    columns=[
        *("slug", "title", "category", "jobs", "median_pay_annual"),
        *("outlook_pct", "outlook_desc", "entry_education", "score"),
    ],
)

ALIASES = pd.DataFrame(
    [
        ("Registered Nurses", "nurses", False),
        ("RN", "nurses", True),
        ("Coder", "developers", True),
        ("Bank Cashier", "tellers", True),
        ("Café Nurse", "nurses", True),
    ],
    columns=["title", "slug", "is_alias"],
)


def site_content() -> PublishedContent:
    """Three prompts: the baseline's, a model's with two answers each and two without one, and one of two attributes.

    Of the last each document has a single answer. The first is held against an index.
    """
    prompts = (_exposure(), _robotics(), _two_variable())
    values = _index_values()
    found = agree("exposure", [Compared(ALL, prompts[0].rankings, values)], (0, 10), {INDEX: None})
    tables = (
        *(PublishedTable(UNCERTAINTY, "uncertainty", _uncertainty(prompt), prompt.name) for prompt in prompts),
        PublishedTable(AGREEMENT, "agreement", found.agreement),
    )
    return PublishedContent(
        prompts,
        tables=tables,
        index_values=values.assign(corpus="ooh"),
        shown={"ooh": _handbook().assign(doc_id=HANDBOOK["slug"], aliases=[_aliases(one) for one in HANDBOOK["slug"]])},
        changes=_changes(),
    )


INDEX = '<b>an "index"</b>'
LEFT_OUT_ERROR = 1.2
"""Standard error of every estimate of prompt `exposure`."""


def _index_values() -> pd.DataFrame:
    """An index that is silent on one occupation, and sees roofers where the prompt sees developers."""
    value = HANDBOOK["score"] / 10
    value = value.where(HANDBOOK["slug"] != "roofers", 0.91)
    frame = pd.DataFrame({"index": INDEX, "doc_id": HANDBOOK["slug"], "value": value})
    return frame[frame["doc_id"] != "actors"].reset_index(drop=True)


def _uncertainty(prompt: PublishedPrompt) -> pd.DataFrame:
    """By left-out examples, by two samples, or by nothing, as `site_content` says."""
    rankings = prompt.rankings
    scored = rankings[rankings["score"].notna()]
    offsets = {"exposure": (0.0,), "robotics": (-0.5, 0.5), "two_variable": (0.0,)}[prompt.name]
    answers = pd.concat(
        [
            scored[["doc_id"]].assign(variant="claude-haiku-5-5", wording="", score=scored["score"] + by)
            for by in offsets
        ]
    )
    is_estimated = prompt.name == "exposure"
    if is_estimated:
        answers = answers.iloc[:0]
    error = LEFT_OUT_ERROR if is_estimated else float("nan")
    errors = pd.Series(error, index=rankings["doc_id"])
    return uncertainty(prompt.name, rankings, answers, prompt.definition, errors)


def _aliases(slug: str) -> list[str]:
    return sorted(ALIASES.loc[ALIASES["is_alias"] & (ALIASES["slug"] == slug), "title"])


def _handbook() -> pd.DataFrame:
    frame = HANDBOOK.drop(columns="score").astype({"jobs": "Int64"})
    return frame.assign(
        pay_currency="USD",
        url="https://www.bls.gov/ooh/" + frame["category"] + "/" + frame["slug"] + ".htm",
        soc_code="29-1141",
        onet_codes=[["29-1141.00"] if slug == "nurses" else [] for slug in frame["slug"]],
        median_pay_hourly=[23.33 if slug == "actors" else None for slug in frame["slug"]],
        pay_basis=["hourly_only" if slug == "actors" else "annual" for slug in frame["slug"]],
        pay_is_top_coded=frame["slug"] == "physicians",
        pay_year=2024,
        work_experience="None",
        training="None",
        employment_change=(frame["jobs"] * frame["outlook_pct"] / 100).round().astype("Int64"),
        base_year=2024,
        projection_year=2034,
        last_modified=pd.Timestamp("2025-08-28"),
        description=[HOSTILE_REASON if slug == "hostile" else f"The work of {slug}." for slug in frame["slug"]],
    )


def _exposure() -> PublishedPrompt:
    scores = _answers(HANDBOOK["score"], scorer="baseline", model="baseline 1")
    return _ranked("exposure", "Exposure to AI", scores, _definition("Exposure to AI", "score"))


def _robotics() -> PublishedPrompt:
    scores = _answers((10 - HANDBOOK["score"]).round(), scorer="claude", model="claude-haiku-5-5")
    scores["score_sd"] = 0.5
    for slug, status in (("roofers", "refused"), ("tellers", "failed")):
        scores.loc[scores["doc_id"] == slug, ["score", "score_sd", "rationale", "status"]] = [None, None, None, status]
    return _ranked("robotics", "Exposure to robots", scores, _definition("Exposure to robots", "score"))


def _two_variable() -> PublishedPrompt:
    scores = _answers(None, scorer="claude", model="claude-haiku-5-5")
    digital, remote = HANDBOOK["score"], (HANDBOOK["score"] - 2).clip(lower=0)
    scores["attributes"] = [json.dumps({"digital": d, "remote": r}) for d, r in zip(digital, remote, strict=True)]
    labels = QuadrantLabels(both="Digital and remote", x_only="Digital only", y_only="Remote only", neither="Neither")
    definition = _definition("Digital and remote", "digital", "remote").model_copy(
        update={"quadrants": Quadrants(x="digital", y="remote", labels=labels)}
    )
    return _ranked("two_variable", "Digital and remote", scores, definition)


def _answers(score: pd.Series | None, *, scorer: str, model: str) -> pd.DataFrame:
    reasons = [HOSTILE_REASON if slug == "hostile" else f"Because of {slug}." for slug in HANDBOOK["slug"]]
    return pd.DataFrame(
        {
            "doc_id": HANDBOOK["slug"],
            "score": score,
            "attributes": None,
            "score_sd": None,
            "rationale": reasons,
            "status": "ok",
            "scorer": scorer,
            "model": model,
            "prompt_hash": "abcdef0123456789" * 4,
            "scored_at": datetime(2026, 11, 20, 12, 0),  # noqa: DTZ001 (the tables hold UTC without a zone)
        }
    )


def _definition(title: str, *keys: str) -> RankingDefinition:
    levels = tuple((tier.label, tier.range) for tier in TIERS)
    return RankingDefinition(
        title=title,
        description=f"What {title} means.",
        scale_low=0,
        scale_high=10,
        attributes=tuple(
            RankedAttribute(key=key, title=f"{key.capitalize()} work", level_labels=levels, weight=1) for key in keys
        ),
        tiers=TIERS,
    )


def _ranked(name: str, title: str, scores: pd.DataFrame, definition: RankingDefinition) -> PublishedPrompt:
    facts = _handbook().rename(columns={"slug": "doc_id"})
    facts["soc_major_group"] = [soc_major_group(code, []) for code in facts["soc_code"]]
    rankings = rank_documents(name, scores, facts[list(FACT_COLUMNS)], definition)
    asked = AskedPrompt(
        system=f"Rate {title}.\n<script>window.hacked=1</script>",
        attributes=tuple(AskedAttribute(key=a.key, allowed=(0.0, 10.0)) for a in definition.attributes),
        answer_schema={},
        document_format="",
        model="claude-haiku-5-5",
        effort=None,
        samples=1,
        documents_per_request=1,
    )
    errors = pd.Series(LEFT_OUT_ERROR, index=rankings["doc_id"]) if name == "exposure" else pd.Series(dtype=float)
    return PublishedPrompt(name, asked, definition, rankings, summarize(name, rankings, definition, errors))


def _changes() -> pd.DataFrame:
    after = HANDBOOK["score"]
    before = after.where(HANDBOOK["slug"] != "clerks", 5.0).where(HANDBOOK["slug"] != "teachers")
    return pd.DataFrame(
        {
            "prompt": "exposure",
            "doc_id": HANDBOOK["slug"],
            "score_before": before,
            "score_after": after,
            "rationale_before": "Judged before.",
            "rationale_after": HOSTILE_REASON,
            "from_version": 1,
            "to_version": 2,
            "from_prompt_hash": "1111" * 16,
            "to_prompt_hash": "2222" * 16,
            "from_model": "claude-haiku-5-5",
            "to_model": "baseline 1",
        }
    )


def two_onet_codes(content: PublishedContent) -> PublishedContent:
    """A publication about two O*NET occupations: two of three parts of a row of the projections."""
    prompt = content.prompts[0]
    codes = ["29-1141.01", "29-1141.00"]
    rankings = prompt.rankings.head(2).assign(doc_id=codes)
    onet = pd.DataFrame({"doc_id": codes, "title": ["Nurses", "Chiefs"], "jobs": [20, 10], "soc_code": "29-1141"})
    onet = onet.assign(shares=[2, 1], sharing=3, row_jobs=30, outlook_pct=4.0, median_pay_annual=90_000.0)
    onet["entry_education"] = ["Bachelor's degree", "High school diploma"]
    onet = onet.assign(projection_soc_code="29-1141", base_year=2024, projection_year=2034, wage_year=2023)
    onet = onet.assign(pay_origin=["projections", "page"], outlook_origin="projections", onet_release="30.2")
    onet["education_origin"] = ["database", "projections"]
    return PublishedContent((replace(prompt, rankings=rankings, corpus=ONET_CORPUS),), shown={ONET_CORPUS: onet})
