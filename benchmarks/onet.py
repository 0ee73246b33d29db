"""How long loading all O*NET tables from nothing takes, and how much memory: from saved files to parsed tables.

    python benchmarks/onet.py SITES_FOLDER ONET_DATABASE PROJECTIONS_CSV

SITES_FOLDER holds one folder a host, with the list of occupations below www.onetonline.org;
ONET_DATABASE is a saved release, zip archive or folder. The warehouse is a new file in a temporary folder.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from exposure_dagster.corpora.onet.fetching import (
    refresh_onet_database,
    refresh_onet_list,
    refresh_onet_pages,
    refresh_projections,
)
from exposure_dagster.corpora.onet.parsing import join_codes, parse_employment_projections, parse_onet
from exposure_dagster.pipeline.documents import collect_documents
from exposure_dagster.sources.sites import open_site
from exposure_dagster.store.warehouse import Warehouse


def load(warehouse: Warehouse, sites: str, database: Path, projections: Path) -> dict[str, int]:
    """All raw and parsed tables of O*NET; returns rows by table."""
    site = open_site(sites, contact=None)
    with site.fetcher() as fetcher:
        refresh_onet_list(warehouse, site, fetcher, refetch_after_hours=24)
        refresh_onet_database(warehouse, site, fetcher, saved=database, refetch_after_hours=24)
        refresh_projections(warehouse, site, fetcher, saved=projections, refetch_after_hours=24)
        refresh_onet_pages(warehouse, site, fetcher, is_wanted=True, refetch_after_hours=24)
    rows = {"employment_projections": parse_employment_projections(warehouse).rows}
    rows |= {name: report.rows for name, report in parse_onet(warehouse).tables.items()}
    return {**rows, "soc_crosswalk": join_codes(warehouse).rows, "documents": collect_documents(warehouse).documents}


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sites, database, projections = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        rows = load(Warehouse(Path(folder) / "exposure.duckdb"), sites, database.resolve(), projections.resolve())
        seconds = time.perf_counter() - started
    for name, count in rows.items():
        print(f"{name:24} {count:8,} rows")
    cpu = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{seconds:.1f} s ({cpu.ru_utime + cpu.ru_stime:.1f} s of CPU), at most {cpu.ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
