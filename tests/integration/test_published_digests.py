"""The published files, byte for byte: whoever changes one of them says so here, and in the changelog.

The answers are made up, so that the files are the same on every machine; figures and texts are the sample's.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import duckdb
import pytest

from exposure_dagster.pipeline.occupations import join_occupations
from exposure_dagster.pipeline.published import publish_content, read_content
from exposure_dagster.pipeline.ranked import rank_prompt, summarize_prompt, tell_uncertainty
from exposure_dagster.store.warehouse import Warehouse

KEPT = Path(__file__).with_name("published_digests.json")
SHARED = "site/share/"
"""The pages of single occupations, of which one digest stands for all."""
SUMS = {"SHA256SUMS", "site/data.js", "site/more.js"}
"""Made from the others."""

MADE_UP = """
    UPDATE scored.scores SET score = (length(doc_id) * 7 + ascii(doc_id)) % 11, rationale = 'Because of ' || doc_id,
        scored_at = TIMESTAMP '2026-01-02 03:04:05', standard_errors = NULL
"""
THEN = "TIMESTAMP '2026-01-01 00:00:00'"


@pytest.fixture
def published(sample_home: Path, tmp_path: Path) -> Path:
    warehouse = Warehouse(sample_home / "exposure.duckdb")
    with warehouse.transaction() as connection:
        connection.execute(MADE_UP)
        connection.execute(f"UPDATE scored.prompt_versions SET first_seen_at = {THEN}")
        connection.execute(f"UPDATE raw.ooh_pages SET fetched_at = {THEN}")
    rank_prompt(warehouse, "exposure")
    tell_uncertainty(warehouse, "exposure")
    summarize_prompt(warehouse, "exposure")
    join_occupations(warehouse)
    return publish_content(read_content(warehouse), tmp_path / "published")


def content_of(path: Path, digest: str) -> bytes:
    """What a file says: of a Parquet file its columns and rows, of a workbook its unpacked parts, of others the bytes,
    without the publication's name."""
    if path.suffix == ".parquet":
        with duckdb.connect() as connection:
            rows = connection.execute("FROM read_parquet(?)", [str(path)])
            return repr((rows.description, rows.fetchall())).encode()
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as members:
            return repr([(name, members.read(name)) for name in members.namelist()]).encode()
    return path.read_bytes().replace(digest.encode(), b"digest")


def test_the_published_files_are_what_they_were(published: Path) -> None:
    found: dict[str, str] = {}
    for path in sorted(published.rglob("*")):
        name = path.relative_to(published).as_posix()
        if path.is_file() and path.suffix != ".png" and name not in SUMS:
            digest = hashlib.sha256(content_of(path, published.name)).hexdigest()
            if name.startswith(SHARED):
                name, digest = SHARED, hashlib.sha256(f"{found.get(SHARED)} {name} {digest}".encode()).hexdigest()
            found[name] = digest
    assert found == json.loads(KEPT.read_text(encoding="utf-8")), (
        "If the change is meant: raise PUBLICATION_VERSION, say in CHANGELOG.md what changed, and keep these digests: "
        + json.dumps(found, indent=1)
    )
