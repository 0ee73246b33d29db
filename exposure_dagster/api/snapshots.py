"""A publication in memory: read once from its files, whole, and never changed.

Every request takes one snapshot and answers from it alone, so that a publish meanwhile is never seen half. What is
damaged is left out of it and named, and what stands in whole files is served.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any, BinaryIO

import duckdb

from exposure_dagster.core.errors import PublicationError, not_allowed
from exposure_dagster.core.tables import Table
from exposure_dagster.publishing.publication import CHECKSUMS, checksums, sha256_of
from exposure_dagster.publishing.site import SITE_FILES, SITE_FOLDER
from exposure_dagster.publishing.tables import (
    HANDBOOK,
    OF_PROMPT,
    PROVENANCE,
    PUBLISHED_PROMPTS,
    PUBLISHED_VERSIONS,
    SECTIONS,
    TITLES,
)
from exposure_dagster.tables import (
    AGREEMENT,
    CHANGES,
    DISAGREEMENTS,
    OCCUPATIONS,
    RANKINGS,
    RELIABILITY,
    RESILIENCE,
    SUMMARIES,
    TASK_ROLLUPS,
    UNCERTAINTY,
)

Record = dict[str, Any]
"""A row as JSON can hold it: no NaN, times with their zone, JSON columns as objects. Never changed."""

ATTEMPTS = 5
"""How often a publication that goes away while it is read is looked for again."""

_PAUSE_S = 0.02

MANIFEST = "manifest.json"

_OF_ALL_PROMPTS = (CHANGES, AGREEMENT, DISAGREEMENTS)
"""Tables with the rows of every prompt, in files that are named as they are."""

_DIFFERS = "is damaged: it is not what was written"
_MISSING = "is missing"
_UNREADABLE = "is damaged: it cannot be read"
_ANEW = "Publish again, with `exposure run` or by materializing published/exports."


@dataclass(frozen=True, kw_only=True)
class PublishedRecords:
    """All of one prompt. `head` is the prompt's own row, with what the manifest says of it; versions oldest first."""

    head: Record
    versions: Sequence[Record]
    rankings: Sequence[Record]
    summaries: Sequence[Record]
    changes: Sequence[Record]
    resilience: Sequence[Record]
    task_rollups: Sequence[Record]
    uncertainty: Sequence[Record]
    reliability: Sequence[Record]
    agreement: Sequence[Record]
    disagreements: Sequence[Record]
    ranking_of: Mapping[str, Record]
    provenance_of: Mapping[str, Record]
    uncertainty_of: Mapping[str, Record]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One publication. `occupations` are handbook pages by title, `sizes` those of all its files, in bytes.

    `sections` has for documents, by their ids, what more is known of them. `damaged` says of files, by their paths,
    what is wrong; whoever uses what they hold asks `require` first.
    `version` is null where the manifest cannot be read. `site` holds the files of the site by name, packed by gzip
    once and for all readers; empty where the publication holds none.
    """

    folder: Path
    digest: str
    version: str | None
    published_at: datetime
    sample_note: str | None
    sources: Sequence[Record]
    occupations: Sequence[Record]
    aliases: Mapping[str, Sequence[str]]
    sections: Mapping[str, Sequence[Record]]
    prompts: Mapping[str, PublishedRecords]
    sizes: Mapping[str, int]
    site: Mapping[str, bytes]
    damaged: Mapping[str, str]
    identity: int

    @property
    def files(self) -> dict[str, int]:
        """The exported files with their sizes in bytes: those that are no part of the site."""
        return {name: size for name, size in self.sizes.items() if not name.startswith(f"{SITE_FOLDER}/")}

    def require(self, *names: str) -> None:
        """Raises PublicationError that names the first of the files that is damaged."""
        for name in names:
            if name in self.damaged:
                raise PublicationError(
                    f"the file {name} of the publication {self.damaged[name]}", where=str(self.folder), remedy=_ANEW
                )


class Publications:
    """The published folder. Hands out the snapshot of whatever is current, and reads each only once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = Lock()
        self._latest: Snapshot | None = None

    def cached(self) -> Snapshot | None:
        """The current snapshot if it was read already; does not wait."""
        latest = self._latest
        if latest is None or latest.folder.name != self._current_digest():
            return None
        identity = _identity(self._root / "current")
        return latest if identity in (None, latest.identity) else None  # a folder that is gone was read whole

    def current(self) -> Snapshot:
        """The current snapshot, read now if need be.

        Raises PublicationError where nothing is published, or what is cannot be read.
        """
        with self._lock:
            for _ in range(ATTEMPTS):
                found = self.cached()
                if found is not None:
                    return found
                digest = self._current_digest() or ""
                if not digest:
                    raise PublicationError(
                        "nothing is published yet",
                        where=str(self._root),
                        remedy="Run `exposure run` first, or set EXPOSURE_HOME to the folder that holds it.",
                    )
                try:
                    self._latest = _read(self._root / digest)
                except FileNotFoundError:
                    time.sleep(_PAUSE_S)  # removed or replaced since: another one is current by now, or soon
                except PermissionError as error:
                    raise not_allowed(error, PublicationError) from error
                else:
                    if not self._latest.damaged or self.cached() is not None:  # else it was being removed
                        return self._latest
        raise PublicationError("the publication is not there", where=str(self._root / digest), remedy=_ANEW)

    def open_file(self, name: str) -> tuple[Snapshot, BinaryIO] | None:
        """A file of the current publication, by its path in it; None where it holds none of that name.

        Whoever gets it closes it: it can be read to its end although a publish removes it meanwhile. Raises
        PublicationError as `current` does, and where the file is damaged.
        """
        for _ in range(ATTEMPTS):
            snapshot = self.cached() or self.current()
            snapshot.require(name)
            if name not in snapshot.sizes:
                return None
            try:
                file = (snapshot.folder / name).open("rb")
            except FileNotFoundError:
                time.sleep(_PAUSE_S)
                continue
            if os.fstat(file.fileno()).st_size == snapshot.sizes[name]:
                return snapshot, file
            file.close()
            what = f"the file {name} of the publication has been changed since"
            raise PublicationError(what, where=str(snapshot.folder), remedy=_ANEW)
        raise PublicationError(f"the publication lacks {name}", where=str(snapshot.folder), remedy=_ANEW)

    def _current_digest(self) -> str | None:
        try:
            return (self._root / "current").readlink().name
        except PermissionError as error:
            raise not_allowed(error, PublicationError) from error
        except OSError:
            return None


def _identity(folder: Path) -> int | None:
    """Tells a folder from one that was written anew in its place; None where it is not there."""
    try:
        return folder.stat().st_ino
    except OSError:
        return None


def _read(folder: Path) -> Snapshot:
    """Raises FileNotFoundError where the folder goes away."""
    identity = folder.stat().st_ino
    damaged = _damaged_files(folder)
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    site = [name for name in SITE_FILES if f"{SITE_FOLDER}/{name}" in sizes]
    manifest = _read_manifest(folder, damaged)
    with duckdb.connect() as connection:
        reader = _Reader(connection, folder, sizes, damaged)
        heads = reader.rows(PUBLISHED_PROMPTS, "prompts", is_required=True)
        versions = _by(reader.rows(PUBLISHED_VERSIONS, "prompt_versions", is_required=True), "prompt")
        common = {table.name: _by(reader.rows(table, table.name), "prompt") for table in _OF_ALL_PROMPTS}
        aliases: dict[str, list[str]] = defaultdict(list)
        for title in reader.rows(TITLES, "titles"):
            if title["is_alias"]:
                aliases[title["slug"]].append(title["title"])
        sections = _by(reader.rows(SECTIONS, SECTIONS.name), "doc_id")
        occupations = _occupations(reader)
        if any(head["prompt"] not in manifest.prompts for head in heads):
            damaged.setdefault(MANIFEST, "does not say of every prompt how it was scored")
        prompts = {
            head["prompt"]: _prompt(reader, {**manifest.prompts.get(head["prompt"], {}), **head}, versions, common)
            for head in heads
        }
    return Snapshot(
        folder=folder,
        digest=folder.name,
        version=manifest.version,
        published_at=datetime.fromtimestamp(folder.stat().st_mtime, UTC),
        sample_note=manifest.sample_note,
        sources=manifest.sources,
        occupations=occupations,
        aliases=MappingProxyType(dict(aliases)),
        sections=MappingProxyType(dict(sections)),
        prompts=MappingProxyType(prompts),
        sizes=MappingProxyType(dict(sorted(sizes.items()))),
        site=MappingProxyType(
            {
                name: gzip.compress((folder / SITE_FOLDER / name).read_bytes())
                for name in site
                if f"{SITE_FOLDER}/{name}" not in damaged
            }
        ),
        damaged=MappingProxyType(dict(sorted(damaged.items()))),
        identity=identity,
    )


def _damaged_files(folder: Path) -> dict[str, str]:
    """What is wrong with files, by their checksums; of a publication of an earlier version nothing is known."""
    try:
        expected = checksums(folder)
    except ValueError:
        return {CHECKSUMS: _UNREADABLE}
    damaged = {}
    for name, sha256 in expected.items():
        found = sha256_of(folder / name)
        if found != sha256:
            damaged[name] = _DIFFERS if found else _UNREADABLE if (folder / name).exists() else _MISSING
    return damaged


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    """What the manifest says; of prompts, by name, what their own rows do not."""

    version: str | None = None
    sample_note: str | None = None
    prompts: Mapping[str, Record] = field(default_factory=dict)
    sources: Sequence[Record] = ()


def _read_manifest(folder: Path, damaged: dict[str, str]) -> _Manifest:
    if MANIFEST in damaged:
        return _Manifest()
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        prompts = {one["prompt"]: {**one, "scored_at": _time(one["scored_at"])} for one in content["prompts"]}
        return _Manifest(
            version=content["version"],
            sample_note=content["sample"],
            prompts=prompts,
            sources=content.get("sources", ()),  # an earlier version wrote none here
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        damaged[MANIFEST] = _MISSING if isinstance(error, OSError) else _UNREADABLE
        return _Manifest()


def _prompt(
    reader: _Reader,
    head: Record,
    versions: Mapping[str, Sequence[Record]],
    common: Mapping[str, Mapping[str, Sequence[Record]]],
) -> PublishedRecords:
    name = head["prompt"]
    rankings = reader.rows(RANKINGS, f"{name}/ranking", is_required=True)
    provenance = reader.rows(PROVENANCE, f"{name}/provenance")
    uncertainty = reader.rows(UNCERTAINTY, f"{name}/uncertainty")
    return PublishedRecords(
        head=head,
        versions=versions.get(name, ()),
        rankings=rankings,
        summaries=reader.rows(SUMMARIES, f"{name}/summaries", is_required=True),
        **{table: rows.get(name, ()) for table, rows in common.items()},
        resilience=reader.rows(RESILIENCE, f"{name}/ai_resilience"),
        task_rollups=reader.rows(TASK_ROLLUPS, f"{name}/task_rollups"),
        uncertainty=uncertainty,
        reliability=reader.rows(RELIABILITY, f"{name}/reliability"),
        ranking_of=MappingProxyType({row["doc_id"]: row for row in rankings}),
        provenance_of=MappingProxyType({row["doc_id"]: row for row in provenance}),
        uncertainty_of=MappingProxyType({row["doc_id"]: row for row in uncertainty}),
    )


def _occupations(reader: _Reader) -> Sequence[Record]:
    """Handbook pages with their facts and what is joined to them: all O*NET codes that they cover, and by prompt the
    scores."""
    joined = _by(reader.rows(OCCUPATIONS, "occupations"), "slug")
    handbook = {row["slug"]: row for row in reader.rows(HANDBOOK, "handbook")}
    empty = dict.fromkeys((*HANDBOOK.column_names, *OCCUPATIONS.column_names))
    rows = []
    for slug in {**handbook, **joined}:
        of_page = joined.get(slug, [{}])
        row = {**empty, **of_page[0], **handbook.get(slug, {})}
        row["onet_codes"] = of_page[0].get("onet_codes", row["onet_codes"])
        row["by_prompt"] = {
            one["prompt"]: {name: one[name] for name in OF_PROMPT if name != "prompt"}
            for one in of_page
            if one.get("prompt")
        }
        rows.append({name: value for name, value in row.items() if name not in OF_PROMPT})
    return sorted(rows, key=lambda row: (row["title"] or "", row["slug"]))


@dataclass(frozen=True)
class _Reader:
    connection: duckdb.DuckDBPyConnection
    folder: Path
    sizes: Mapping[str, int]
    damaged: dict[str, str]

    def rows(self, table: Table, stem: str, *, is_required: bool = False) -> Sequence[Record]:
        """The rows of a Parquet file; none where one that may be left out is not there, or where it is damaged, which
        is noted."""
        name = f"{stem}.parquet"
        if name not in self.sizes and is_required:
            self.damaged.setdefault(name, _MISSING)
        if name not in self.sizes or name in self.damaged:
            return ()
        kinds = {column.name: column.type for column in table.columns}
        empty = dict.fromkeys(kinds) if is_required else {}  # an earlier version published fewer columns
        try:
            found = self.connection.execute("FROM read_parquet(?)", [str(self.folder / name)])
            columns = [(column[0], kinds.get(column[0])) for column in found.description or ()]
            rows = [
                empty
                | {column: _plain(value, kind) for (column, kind), value in zip(columns, row, strict=True) if kind}
                for row in found.fetchall()
            ]
        except (duckdb.Error, ValueError):
            self.damaged[name] = _UNREADABLE
            return ()
        if not {name for name, _ in columns}.issuperset(table.key):
            self.damaged[name] = _UNREADABLE
            return ()
        return rows


def _plain(value: Any, kind: str | None) -> Any:
    if value is None:
        return None
    if kind == "DOUBLE":
        return value if math.isfinite(value) else None
    if kind == "JSON":
        return json.loads(value)
    if kind == "TIMESTAMP":
        return value.replace(tzinfo=UTC)
    return value


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _by(rows: Sequence[Record], column: str) -> Mapping[str, Sequence[Record]]:
    groups: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups
