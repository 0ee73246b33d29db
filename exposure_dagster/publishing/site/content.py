"""What the site shows, as records: everything that `build_site` needs, and nothing that it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from exposure_dagster.publishing.content import PublishedContent


@dataclass(frozen=True)
class SiteContent:
    """All that the site is made from: a publication, and what only the site shows of it.

    `corpora` is the corpus of each published prompt. `handbook` is parsed.ooh_occupations without `text`, with
    `aliases` (see `with_aliases`): one row a handbook page. `changes` is ranked.changes, for all prompts; it may
    be empty.
    """

    published: PublishedContent
    corpora: Mapping[str, str]
    handbook: pd.DataFrame
    changes: pd.DataFrame


def with_aliases(handbook: pd.DataFrame, titles: pd.DataFrame) -> pd.DataFrame:
    """`handbook` with a column `aliases`: the other titles (list of text) that lead to each page.

    `titles` is parsed.ooh_titles: `title, slug, is_alias`.
    """
    aliases = titles[titles["is_alias"].astype(bool)].groupby("slug")["title"].agg(sorted).to_dict()
    return handbook.assign(aliases=handbook["slug"].map(lambda slug: aliases.get(slug, [])))
