"""A publication of four occupations with hostile texts, and a real server over a published folder."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from starlette.types import ASGIApp

from exposure_dagster.api import Publications, ServerLimits, create_app, names_of, server_of
from exposure_dagster.corpora.onet.tables import ONET_FEATURES
from exposure_dagster.corpora.ooh.tables import OOH_PAGES, OOH_TITLES
from exposure_dagster.pipeline.published import read_content
from exposure_dagster.prompts.render import asked_part
from exposure_dagster.publishing.content import PublishedContent
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import AGREEMENT, CHANGES, DISAGREEMENTS, OCCUPATIONS, RESPONSES
from tests.integration.ranked_tables import PROMPT, answer, fill

TEXT = "a" * 64
PAGE = "https://www.bls.gov/ooh/construction-and-extraction/roofers.htm"
FETCHED = pd.Timestamp("2026-03-01 06:00:00")


_SCORE = {"doc_ids": ["roofers"], "score": 1.0, "scorer": "claude"}


FEATURES = [
    {"onet_code": "47-2181.00", "feature": feature, "place": place, "name": name}
    for feature, names in (
        ("skills", "Coordination Balance Repairing Installation Vision Strength"),
        ("software", "Abacus"),
    )
    for place, name in enumerate(names.split(), start=1)
]
"""Of the O*NET occupation that page `roofers` covers: more skills than are published."""


def fill_for_api(warehouse: Warehouse) -> None:
    """Prompts `exposure` and `second`; of `exposure` also pages, titles, changes and what answers cost."""
    fill(warehouse, "exposure", "second")
    with warehouse.transaction() as connection:
        connection.execute("UPDATE scored.scores SET text_sha256 = ?, samples = 2, score_sd = 0.5", [TEXT])
    warehouse.replace(
        OOH_PAGES,
        pd.DataFrame(
            [{"slug": "roofers", "url": PAGE, "content_sha256": "b" * 64, "fetched_at": FETCHED, "body": b"the page"}]
        ),
    )
    warehouse.replace(
        OOH_TITLES,
        pd.DataFrame(
            [
                {"title": "Roofers", "slug": "roofers", "is_alias": False},
                {"title": "Shinglers", "slug": "roofers", "is_alias": True},
            ]
        ),
    )
    warehouse.replace(
        OCCUPATIONS,
        pd.DataFrame(
            [
                {"slug": "roofers", "title": "Roofers", "onet_codes": ["47-2181.00"], **_SCORE, "prompt": name}
                for name in ("exposure", "second")
            ]
        ),
    )
    warehouse.replace(
        CHANGES,
        pd.DataFrame(
            [{"prompt": "exposure", "doc_id": "roofers", "change": "up", "score_before": 0.0, "score_after": 1.0}]
        ),
    )
    warehouse.replace(ONET_FEATURES, pd.DataFrame(FEATURES))
    compared = [{"prompt": "exposure", "reference": index, "subset": "all"} for index in ("aioe", "webb")]
    warehouse.replace(AGREEMENT, pd.DataFrame(compared).assign(n=3, coverage=1.0, spearman=0.5))
    warehouse.replace(
        DISAGREEMENTS, pd.DataFrame(compared).assign(doc_id="roofers", title="Roofers", gap=[40.0, -60.0])
    )
    warehouse.append(RESPONSES, pd.DataFrame([_attempt(sample, epoch) for epoch in (0, 1) for sample in (1, 2)]))


def _attempt(sample: int, epoch: int) -> dict[str, object]:
    """Of the later epoch is what stands."""
    return {
        "request_key": f"{epoch}{sample}" * 32,
        "attempt": 1,
        "is_accepted": True,
        "prompt": "exposure",
        "prompt_hash": asked_part(PROMPT).prompt_hash,
        "doc_id": "roofers",
        "text_sha256": TEXT,
        "scorer": "claude",
        "model": "claude-haiku-5-5",
        "sample": sample,
        "epoch": epoch,
        "status": "ok",
        "input_tokens": 1000,
        "output_tokens": 50,
        "cost_usd": 0.001,
        "request_id": f"req_{epoch}_{sample}",
    }


def content_that_says(warehouse: Warehouse, word: str) -> PublishedContent:
    """What is to be published when `word` is the reason for every score of both prompts."""
    for name in ("exposure", "second"):
        answer(warehouse, name, [1.0, 5.0, 7.5, None], [word] * 4)
    return read_content(warehouse)


@contextmanager
def serving(root: Path, *, cors_origins: Sequence[str] = ()) -> Iterator[str]:
    """A server over the published folder, as `exposure serve` runs it; gives its address."""
    app = create_app(Publications(root), cors_origins=cors_origins, allowed_hosts=names_of("127.0.0.1"))
    with listening(app) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def listening(app: ASGIApp, limits: ServerLimits | None = None) -> Iterator[int]:
    """The server of an application; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = server_of(app, limits)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        listener.close()
