"""A warehouse with four occupations and the standing answers of some prompts, ranked and summed up."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.corpora.ooh.tables import OOH_OCCUPATIONS
from exposure_dagster.pipeline.documents import collect_facts
from exposure_dagster.pipeline.ranked import rank_prompt, summarize_prompt
from exposure_dagster.prompts.model import Level, PromptFile, Scale, Tier
from exposure_dagster.prompts.render import asked_part, ranking_part
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import DEFINITIONS, PROMPT_VERSIONS, PROMPTS, SCORES

FORMULA = '=HYPERLINK("http://evil.example","click")'
HOSTILE = 'a "quoted" </script><script>alert(1)</script> | pipe,\r\nnew line \u202e turned \x1b[2J\u2028 日本 👩🏽‍⚕️'
AS_PUBLISHED = 'a "quoted" </script><script>alert(1)</script> | pipe,\nnew line  turned [2J\n 日本 👩🏽‍⚕️'
"""The same, without the characters that act on a terminal."""

OCCUPATIONS = pd.DataFrame(
    [
        {
            "slug": "roofers",
            "title": "Roofers",
            "category": "construction",
            "soc_code": "47-2181",
            "soc_codes": ["47-2181"],
            "median_pay_annual": 50_970,
            "jobs": 166_700,
            "outlook_pct": 6,
            "entry_education": "No formal educational credential",
            "outlook_desc": "Faster than average",
            "pay_basis": "annual",
            "pay_is_top_coded": False,
        },
        {
            "slug": "physicians",
            "title": "Physicians",
            "soc_codes": ["29-1211", "29-1215"],
            "median_pay_annual": 239_200,
            "jobs": 839_000,
            "pay_is_top_coded": True,
        },
        {"slug": "actors", "title": "-Actors", "soc_codes": ["27-2011"], "median_pay_hourly": 23.33, "jobs": 57_000},
        {"slug": "military", "title": "Military careers", "soc_codes": []},
    ]
)

PROMPT = PromptFile(
    title="Exposure to AI",
    corpus="ooh",
    model="claude-haiku-5-5",
    scale=Scale(min=0, max=10),
    levels=(Level(label="Any", range=(0, 10), description="Any work."),),
    tiers=(Tier(label="Low", range=(0, 4)), Tier(label="High", range=(5, 10))),
    instruction="How much of the work could an AI do?",
)


def fill(warehouse: Warehouse, *names: str) -> None:
    """Occupations, and for each prompt its definition and standing answers, ranked and summed up."""
    asked, definition = asked_part(PROMPT), ranking_part(PROMPT)
    warehouse.replace(OOH_OCCUPATIONS, OCCUPATIONS)
    collect_facts(warehouse)
    for name in names:
        mine = {"prompt": name}
        prompt = {**mine, "prompt_hash": asked.prompt_hash}
        warehouse.replace(PROMPTS, pd.DataFrame([{**prompt, "corpus": "ooh"}]), where=mine)
        warehouse.append(PROMPT_VERSIONS, pd.DataFrame([{**prompt, "definition": asked.model_dump_json()}]))
        row = {**mine, "ranking_hash": definition.ranking_hash, "definition": definition.model_dump_json()}
        warehouse.replace(DEFINITIONS, pd.DataFrame([row]), where=mine)
        answer(warehouse, name, [1.0, 5.0, 7.5, None], [FORMULA, HOSTILE, "Voice and face.", None])


def answer(warehouse: Warehouse, name: str, scores: list[float | None], rationales: list[str | None]) -> None:
    frame = pd.DataFrame(
        {
            "prompt": name,
            "prompt_hash": asked_part(PROMPT).prompt_hash,
            "doc_id": OCCUPATIONS["slug"],
            "score": scores,
            "rationale": rationales,
            "status": ["refused" if score is None else "ok" for score in scores],
            "scorer": "claude",
            "model": "claude-haiku-5-5",
            "scored_at": pd.Timestamp("2026-03-02 09:00:00"),
        }
    )
    warehouse.replace(SCORES, frame, where={"prompt": name})
    rank_prompt(warehouse, name)
    summarize_prompt(warehouse, name)
