"""O*NET's files and the projections of a site, fetched and parsed."""

from __future__ import annotations

from pathlib import Path

from exposure_dagster.corpora.onet import fetching as onet_raw
from exposure_dagster.corpora.onet.parsing import OnetReport, join_codes, parse_employment_projections, parse_onet
from exposure_dagster.pipeline.documents import collect_documents
from exposure_dagster.sources.kept import FetchReport
from exposure_dagster.sources.sites import Site, open_site
from exposure_dagster.store.warehouse import Warehouse

HOURS = 24.0


def fetch(
    warehouse: Warehouse,
    site: Site,
    *,
    release: str | None = None,
    database: Path | None = None,
    projections: Path | None = None,
) -> dict[str, FetchReport]:
    with site.fetcher() as fetcher:
        return {
            "list": onet_raw.refresh_onet_list(warehouse, site, fetcher, refetch_after_hours=HOURS),
            "database": onet_raw.refresh_onet_database(
                warehouse, site, fetcher, release=release, saved=database, refetch_after_hours=HOURS
            ),
            "projections": onet_raw.refresh_projections(
                warehouse, site, fetcher, saved=projections, refetch_after_hours=HOURS
            ),
            "pages": onet_raw.refresh_onet_pages(warehouse, site, fetcher, is_wanted=True, refetch_after_hours=HOURS),
        }


def parse(warehouse: Warehouse) -> OnetReport:
    parse_employment_projections(warehouse)
    report = parse_onet(warehouse)
    join_codes(warehouse)
    collect_documents(warehouse)
    return report


def load(warehouse: Warehouse, sites: Path) -> OnetReport:
    fetch(warehouse, open_site(str(sites), contact=None))
    return parse(warehouse)
