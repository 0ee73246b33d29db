"""What only the site shows of a publication, read from the warehouse."""

from __future__ import annotations

from exposure_dagster.publishing.content import PublishedContent
from exposure_dagster.publishing.site import SiteContent, with_aliases
from exposure_dagster.warehouse import Warehouse


def read_site_content(warehouse: Warehouse, published: PublishedContent) -> SiteContent:
    """The publication with the handbook's facts and other titles, the corpus of each prompt, and what changed."""
    with warehouse.connect(read_only=True) as connection:
        handbook = connection.execute("SELECT * EXCLUDE (text) FROM parsed.ooh_occupations ORDER BY slug").df()
        titles = connection.execute("SELECT title, slug, is_alias FROM parsed.ooh_titles").df()
        changes = connection.execute("SELECT * FROM ranked.changes ORDER BY prompt, doc_id").df()
        corpora = dict(connection.execute("SELECT prompt, corpus FROM scored.prompts").fetchall())
    return SiteContent(published=published, corpora=corpora, handbook=with_aliases(handbook, titles), changes=changes)
