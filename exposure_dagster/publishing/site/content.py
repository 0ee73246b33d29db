"""What the site shows, as records: everything that `build_site` needs, and nothing that it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.publishing.content import ATTRIBUTIONS, PublishedPrompt

HANDBOOK = "ooh"
"""Corpus whose documents are the handbook's pages: the rows of `SiteContent.occupations`."""

ONET = "onet"
"""Corpus whose documents are O*NET occupations: the rows of `SiteResilience.rows`."""


@dataclass(frozen=True)
class Quadrants:
    """The two-variable rule: two attributes, each low or high (at or above its cut-off), and four names.

    `labels` are the names of low x and low y, high x and low y, low x and high y, high x and high y.
    """

    x: str
    y: str
    x_cut: float
    y_cut: float
    labels: tuple[str, str, str, str]


@dataclass(frozen=True)
class PromptChanges:
    """What moved between two versions of a prompt, or two models.

    `rows` has one row a document that has an answer in either: `doc_id, score_before, score_after,
    rationale_before, rationale_after`; scores on the prompt's scale, null where there is no answer.
    """

    before_hash: str
    after_hash: str
    before_model: str
    after_model: str
    before_at: datetime | None
    after_at: datetime | None
    rows: pd.DataFrame


@dataclass(frozen=True)
class SitePrompt:
    """One prompt's results, and what only the site shows of it.

    Where the prompt asks for several attributes, `published.rankings` may have a column `attributes`: a JSON
    object of numbers by attribute key. Without `quadrants` a prompt of exactly two attributes is divided at
    the middle of its scale.
    """

    published: PublishedPrompt
    corpus: str = HANDBOOK
    quadrants: Quadrants | None = None
    changes: PromptChanges | None = None


@dataclass(frozen=True)
class SiteResilience:
    """The resilience ranking of O*NET occupations, one row a code.

    `rows` has the columns of ranked.resilience: `onet_code, title, job_zone, a1…a10, ai_proof_score,
    final_ranking, rank, key_drivers, median_wage_annual, growth_category, employment_change_pct, openings,
    sample_titles`; and, where known, `slug` (handbook page of the code), `jobs` (its share of the page's jobs,
    none counted twice), `scorer, model, prompt_hash, scored_at`. `scale` is that of attributes and score.
    """

    rows: pd.DataFrame
    title: str
    description: str
    asked: AskedPrompt | None
    attribute_titles: Mapping[str, str]
    scale: tuple[float, float] = (1, 5)


@dataclass(frozen=True)
class SiteContent:
    """All that the site is made from.

    `occupations` is parsed.ooh_occupations without `text`, with `aliases` (see `with_aliases`): one row a
    handbook page. `digest` is the publication's: it is printed on the page.
    """

    prompts: tuple[SitePrompt, ...]
    occupations: pd.DataFrame
    digest: str
    resilience: SiteResilience | None = None
    attributions: tuple[tuple[str, str, str], ...] = field(default=ATTRIBUTIONS)


def with_aliases(occupations: pd.DataFrame, titles: pd.DataFrame) -> pd.DataFrame:
    """`occupations` with a column `aliases`: the other titles (list of text) that lead to each page.

    `titles` is parsed.ooh_titles: `title, slug, is_alias`.
    """
    aliases = titles[titles["is_alias"].astype(bool)].groupby("slug")["title"].agg(sorted)
    return occupations.assign(
        aliases=[aliases[slug] if slug in aliases.index else [] for slug in occupations["slug"]],
    )
