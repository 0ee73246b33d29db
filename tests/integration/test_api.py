"""The API over a real publication: what it answers, what every answer carries, how mistakes are told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from starlette.testclient import TestClient

from exposure_dagster.api import Publications, create_app
from exposure_dagster.core.errors import PublicationError
from exposure_dagster.pipeline.published import publish_content, read_content
from exposure_dagster.prompts.render import asked_part
from exposure_dagster.publishing.publication import CHECKSUMS, publish
from exposure_dagster.publishing.site import CARD_POLICY, POLICY, SITE_FILES
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.api_server import FETCHED, PAGE, TEXT, fill_for_api
from tests.integration.ranked_tables import AS_PUBLISHED, FORMULA, PROMPT

API = "/api/v1"
SCORE = f"{API}/prompts/exposure/provenance/roofers"
LISTS = (
    "/occupations", "/prompts", "/prompts/exposure/rankings", "/prompts/exposure/summaries", "/changes",
    "/prompts/exposure/resilience", "/prompts/exposure/task_rollups",
    "/prompts/exposure/uncertainty", "/prompts/exposure/reliability", "/prompts/exposure/agreement",
    "/prompts/exposure/disagreements",
)  # fmt: skip
SINGLES = ("/occupations/roofers", "/prompts/exposure", "/prompts/exposure/provenance/roofers", "/sources", "/files")
EVERYTHING = tuple(f"{API}{path}" for path in (*LISTS, *SINGLES, "/health"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("api")
    warehouse = Warehouse(folder / "exposure.duckdb", wait_s=30)
    fill_for_api(warehouse)
    publish_content(read_content(warehouse), folder / "published")
    return folder / "published"


@pytest.fixture(scope="module")
def app(root: Path) -> FastAPI:
    return create_app(Publications(root))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def found(client: TestClient, path: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"{API}{path}", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ids(answer: dict[str, Any], key: str = "doc_id") -> list[str]:
    return [row[key] for row in answer["items"]]


# Rankings


def test_a_ranking_is_a_page_of_rows_by_rank(client: TestClient) -> None:
    answer = found(client, "/prompts/exposure/rankings")
    assert ids(answer) == ["actors", "physicians", "roofers", "military"]
    assert (answer["total"], answer["next"], answer["previous"]) == (4, None, None)
    actors = answer["items"][0]
    assert (actors["score"], actors["rank"], actors["wages"]) == (7.5, 1, None)
    assert actors["scored_at"] == "2026-03-02T09:00:00Z"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"tier": "High"}, ["actors", "physicians"]),
        ({"tier": ["High", "Low"]}, ["actors", "physicians", "roofers"]),
        ({"category": "construction"}, ["roofers"]),
        ({"education": "No formal educational credential"}, ["roofers"]),
        ({"min_score": 5, "max_score": 7.4}, ["physicians"]),
        ({"status": "refused"}, ["military"]),
        ({"q": "FACE voice"}, ["actors"]),
        ({"q": "日本"}, ["physicians"]),
        ({"q": "   "}, ["actors", "physicians", "roofers", "military"]),
        ({"q": "nowhere"}, []),
        ({"sort": "-jobs"}, ["physicians", "roofers", "actors", "military"]),
        ({"sort": "score"}, ["roofers", "physicians", "actors", "military"]),
        ({"sort": "-title"}, ["roofers", "physicians", "military", "actors"]),
    ],
)
def test_a_ranking_is_filtered_searched_and_sorted(
    client: TestClient, query: dict[str, Any], expected: list[str]
) -> None:
    assert ids(found(client, "/prompts/exposure/rankings", **query)) == expected


def test_pages_lead_to_each_other_and_together_hold_every_row_once(client: TestClient) -> None:
    address: str | None = f"{API}/prompts/exposure/rankings?sort=title&limit=3"
    seen: list[str] = []
    while address:
        answer = client.get(address).json()
        seen += ids(answer)
        last, address = answer, answer["next"]
    assert seen == ["actors", "military", "physicians", "roofers"]
    assert client.get(last["previous"]).json()["offset"] == 0
    assert ids(found(client, "/prompts/exposure/rankings", offset=4)) == []


def test_summaries_are_chosen_by_grouping(client: TestClient) -> None:
    rows = found(client, "/prompts/exposure/summaries", grouping="tier")["items"]
    assert {row["grouping"] for row in rows} == {"tier"}
    assert {row["group_label"] for row in rows} >= {"Low", "High"}
    assert len(found(client, "/prompts/exposure/summaries")["items"]) > len(rows)


def test_changes_are_chosen_by_prompt_and_kind(client: TestClient) -> None:
    assert ids(found(client, "/changes", prompt="exposure", change="up")) == ["roofers"]
    assert ids(found(client, "/changes", change="down")) == ids(found(client, "/changes", prompt="second")) == []


# Occupations, prompts, provenance


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["actors", "military", "physicians", "roofers"]),
        ({"q": "shingl"}, ["roofers"]),
        ({"q": "47-2181"}, ["roofers"]),
        ({"min_pay": 100_000}, ["physicians"]),
        ({"max_pay": 100_000}, ["roofers"]),
        ({"min_jobs": 100_000, "sort": "-jobs"}, ["physicians", "roofers"]),
        ({"sort": "exposure"}, ["roofers", "actors", "military", "physicians"]),
    ],
)
def test_occupations_are_filtered_searched_by_other_titles_and_sorted(
    client: TestClient, query: dict[str, Any], expected: list[str]
) -> None:
    assert ids(found(client, "/occupations", **query), "slug") == expected


def test_an_occupation_has_its_facts_codes_and_every_score(client: TestClient) -> None:
    answer = found(client, "/occupations/roofers")
    assert (answer["jobs"], answer["outlook_pct"], answer["pay_basis"]) == (166_700, 6.0, "annual")
    assert (answer["onet_codes"], answer["aliases"]) == (["47-2181.00"], ["Shinglers"])
    scores = {score["prompt"]: score for score in answer["scores"]}
    assert set(scores) == {"exposure", "second"}
    assert (scores["exposure"]["score"], scores["exposure"]["tier"]) == (1.0, "Low")
    assert (scores["exposure"]["rationale"], scores["exposure"]["scale_high"]) == (FORMULA, 10)


def test_an_occupation_has_the_first_few_skills_and_programs_of_its_codes(client: TestClient) -> None:
    skills, software = found(client, "/occupations/roofers")["sections"]
    assert (skills["doc_id"], skills["section"], skills["title"]) == ("47-2181.00", "skills", "Skills that matter most")
    assert skills["items"] == ["Coordination", "Balance", "Repairing", "Installation", "Vision"]
    assert software["items"] == ["Abacus"]
    assert found(client, "/prompts/exposure/provenance/roofers")["sections"] == []


def test_a_prompt_has_its_ranking_and_the_question_of_each_version(client: TestClient) -> None:
    answer = found(client, "/prompts/exposure")
    (version,) = answer["versions"]
    asked = asked_part(PROMPT)
    assert (version["prompt_hash"], version["is_standing"]) == (asked.prompt_hash, True)
    assert version["question"] == asked.system
    assert [tier["label"] for tier in answer["definition"]["tiers"]] == ["Low", "High"]
    listed = found(client, "/prompts")["items"]
    assert [(prompt["prompt"], prompt["versions"]) for prompt in listed] == [
        ("exposure", [asked.prompt_hash]),
        ("second", [asked.prompt_hash]),
    ]


def test_the_provenance_of_a_score_says_who_answered_about_what_for_how_much(client: TestClient) -> None:
    answer = found(client, "/prompts/exposure/provenance/roofers")
    asked = asked_part(PROMPT)
    assert (answer["scorer"], answer["model"], answer["prompt_hash"]) == ("claude", asked.model, asked.prompt_hash)
    assert answer["version"]["question"] == asked.system
    assert (answer["text_sha256"], answer["samples"], answer["score_sd"]) == (TEXT, 2, 0.5)
    assert (answer["page_url"], answer["page_sha256"]) == (PAGE, "b" * 64)
    assert answer["page_fetched_at"] == f"{FETCHED.isoformat()}Z"
    assert answer["request_ids"] == ["req_1_1", "req_1_2"]
    assert (answer["input_tokens"], answer["output_tokens"], answer["cost_usd"]) == (2000, 100, 0.002)


def test_an_answer_carries_how_sure_its_score_is_and_where_nothing_says_so_none(client: TestClient) -> None:
    answer = found(client, "/prompts/exposure/provenance/roofers")["uncertainty"]
    assert (answer["lo90"], answer["hi90"], answer["rank_lo90"], answer["method"]) == (0.3, 1.7, 2, "samples")
    scores = {score["prompt"]: score["uncertainty"] for score in found(client, "/occupations/roofers")["scores"]}
    assert scores == {"exposure": answer, "second": None}


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("uncertainty", "se", 0.35),
        ("reliability", "statistic", "ICC(1,k)"),
        ("agreement", "spearman", 0.5),
        ("disagreements", "gap", -50.0),
    ],
)
def test_how_sure_scores_are_is_told_by_prompt(client: TestClient, table: str, column: str, value: Any) -> None:
    (row,) = found(client, f"/prompts/exposure/{table}")["items"]
    assert row[column] == value
    assert found(client, f"/prompts/second/{table}")["items"] == []


def test_a_score_without_requests_has_no_cost(client: TestClient) -> None:
    answer = found(client, "/prompts/second/provenance/roofers")
    assert (answer["request_ids"], answer["cost_usd"], answer["input_tokens"]) == ([], None, None)


def test_sources_name_every_attribution_of_what_is_published(client: TestClient, root: Path) -> None:
    sources = found(client, "/sources")["sources"]
    assert sources == json.loads((root / "current" / "manifest.json").read_text(encoding="utf-8"))["sources"]
    assert "https://www.bls.gov/ooh/" in [one["url"] for one in sources]


def test_health_says_what_is_served(client: TestClient, root: Path) -> None:
    answer = found(client, "/health")
    assert (answer["status"], answer["digest"]) == ("ok", (root / "current").resolve().name)
    assert (answer["prompts"], answer["occupations"], answer["scores"]) == (2, 4, 6)
    assert (answer["has_site"], answer["is_sample"], answer["notes"]) == (True, False, [])


def test_texts_that_could_do_harm_come_back_as_text(client: TestClient) -> None:
    answer = client.get(f"{API}/prompts/exposure/rankings")
    rationales = {row["doc_id"]: row["rationale"] for row in answer.json()["items"]}
    assert (rationales["physicians"], rationales["roofers"]) == (AS_PUBLISHED, FORMULA)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# What every answer carries


@pytest.mark.parametrize("path", EVERYTHING)
def test_every_answer_names_its_publication_and_holds_no_nan(client: TestClient, root: Path, path: str) -> None:
    def refused(constant: str) -> None:
        raise AssertionError(constant)

    answer = client.get(path)
    digest = (root / "current").resolve().name
    assert answer.headers["Publication-Digest"] == digest
    assert json.loads(answer.text, parse_constant=refused)["digest"] == digest


def test_an_answer_that_is_known_already_is_not_sent_again(client: TestClient) -> None:
    first = client.get(SCORE)
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")
    for known in (tag, f'"other", {tag}', "*"):
        again = client.get(SCORE, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert client.get(SCORE, headers={"If-None-Match": '"other"'}).content == first.content
    assert client.get(f"{SCORE}?x=1").headers["ETag"] != tag
    missing = client.get(f"{API}/occupations/none", headers={"If-None-Match": "*"})
    assert (missing.status_code, "ETag" in missing.headers) == (404, False)


def test_answers_are_compressed_for_readers_that_take_it(client: TestClient) -> None:
    packed = client.get(SCORE, headers={"Accept-Encoding": "gzip"})
    bare = client.get(SCORE, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in bare.headers
    assert int(packed.headers["Content-Length"]) < int(bare.headers["Content-Length"])
    assert packed.headers["ETag"] != bare.headers["ETag"]
    assert "Accept-Encoding" in packed.headers["Vary"] and "Accept-Encoding" in bare.headers["Vary"]
    assert packed.json() == bare.json()


@pytest.mark.parametrize("path", [*EVERYTHING, "/", "/docs", "/openapi.json", "/files/manifest.json"])
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == got.headers


def test_no_other_origin_may_read_unless_it_is_named(client: TestClient, root: Path) -> None:
    asked = {"Origin": "https://example.org"}
    assert "Access-Control-Allow-Origin" not in client.get(SCORE, headers=asked).headers
    open_one = TestClient(create_app(Publications(root), cors_origins=["https://example.org"]))
    answer = open_one.get(SCORE, headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://example.org"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    other = open_one.get(SCORE, headers={"Origin": "https://other.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


# Mistakes


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/nowhere", 404, "/openapi.json"),
        ("GET", f"{API}/occupations/none", 404, "/api/v1/occupations"),
        ("GET", f"{API}/prompts/none/rankings", 404, "/api/v1/prompts"),
        ("GET", f"{API}/prompts/exposure/provenance/none", 404, "/api/v1/prompts/exposure/rankings"),
        ("GET", "/files/..%2f..%2fexposure.duckdb", 404, "/api/v1/files"),
        ("GET", "/files/site/index.html/x", 404, "/api/v1/files"),
        ("POST", f"{API}/occupations", 405, "GET or HEAD"),
        ("DELETE", "/", 405, "GET or HEAD"),
        ("GET", f"{API}/occupations?limit=0", 422, "query.limit"),
        ("GET", f"{API}/occupations?colour=red", 422, "query.colour"),
        ("GET", f"{API}/prompts/exposure/rankings?min_score=nan", 422, "query.min_score"),
        ("GET", f"{API}/prompts/exposure/rankings?sort=luck", 422, "query.sort"),
        ("GET", f"{API}/prompts/exposure/summaries?grouping=none", 422, "query.grouping"),
    ],
)
def test_every_mistake_is_a_problem_that_says_what_to_do(
    client: TestClient, method: str, path: str, status: int, says: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert says in problem["detail"]
    if status == 405:
        assert answer.headers["Allow"] == "GET, HEAD"


def test_a_mistake_of_ours_is_a_problem_without_its_traceback(root: Path) -> None:
    app = create_app(Publications(root))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("secret")

    answer = TestClient(app, raise_server_exceptions=False).get("/broken")
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text


def test_where_nothing_is_published_that_is_said_and_the_folder_is_not(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match="nothing is published yet"):
        Publications(tmp_path / "published").current()
    answer = TestClient(create_app(Publications(tmp_path / "published"))).get(f"{API}/health")
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert "Nothing is published yet" in answer.json()["detail"]
    assert str(tmp_path) not in answer.text


# What is damaged


def flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damaged_copy(root: Path, to: Path, name: str, damage: Callable[[Path], None]) -> TestClient:
    shutil.copytree(root, to, symlinks=True)
    damage(to / "current" / name)
    return TestClient(create_app(Publications(to)), raise_server_exceptions=False)


def test_every_damaged_file_is_named_and_all_else_is_served_as_before(
    client: TestClient, root: Path, tmp_path: Path
) -> None:
    tables = sorted(path.relative_to(root / "current").as_posix() for path in (root / "current").rglob("*.parquet"))
    whole = {address: client.get(address) for address in (*EVERYTHING, "/", "/files/exposure/ranking.csv")}
    del whole[f"{API}/health"], whole[f"{API}/files"]
    assert {answer.status_code for answer in whole.values()} == {200}
    for number, name in enumerate([*tables, "manifest.json", "exposure/ranking.csv", "site/index.html"]):
        damage = (flip, cut, Path.unlink)[number % 3]
        broken = damaged_copy(root, tmp_path / str(number), name, damage)
        own = f"/files/{name}" if not name.startswith("site/") else "/"
        refused = []
        for address in (own, *whole):
            answer = broken.get(address)
            if answer.status_code == 200:
                assert answer.content == whole[address].content, (name, address)
                continue
            refused.append(address)
            assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json"), address
            assert f"The file {name} of the publication is " in answer.json()["detail"], (name, address)
            assert str(tmp_path) not in answer.text
        health = broken.get(f"{API}/health").json()
        assert (health["status"], [one["path"] for one in health["damaged"]]) == ("damaged", [name])
        assert own in refused
        assert name in ("manifest.json", "prompts.parquet", "prompt_versions.parquet") or len(refused) <= 6, refused


@pytest.mark.parametrize("damage", [cut, Path.unlink])
@pytest.mark.parametrize("name", ["manifest.json", "prompts.parquet", "exposure/ranking.parquet"])
def test_of_a_publication_without_checksums_what_cannot_be_read_is_named(
    root: Path, tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    def as_written_by_an_earlier_version(path: Path) -> None:
        (tmp_path / "published" / "current" / CHECKSUMS).unlink()
        damage(path)

    broken = damaged_copy(root, tmp_path / "published", name, as_written_by_an_earlier_version)
    answer = broken.get(f"{API}/prompts/exposure/rankings")
    assert answer.status_code == 503
    assert f"The file {name} of the publication is " in answer.json()["detail"]
    assert [one["path"] for one in broken.get(f"{API}/health").json()["damaged"]] == [name]


def test_a_damaged_publication_that_is_published_again_is_served_whole(root: Path, tmp_path: Path) -> None:
    broken = damaged_copy(root, tmp_path / "published", "exposure/ranking.parquet", cut)
    assert broken.get(f"{API}/prompts/exposure/rankings").status_code == 503
    folder = (root / "current").resolve()
    publish(tmp_path / "published", folder.name, lambda to: shutil.copytree(folder, to, dirs_exist_ok=True))
    assert broken.get(f"{API}/prompts/exposure/rankings").status_code == 200
    assert broken.get(f"{API}/health").json()["status"] == "ok"


# The site, the files, the reference


def test_the_site_is_served_under_its_own_policy(client: TestClient, root: Path) -> None:
    for name, packing in product(("", *SITE_FILES), ("gzip", "identity")):
        answer = client.get(f"/{name}", headers={"Accept-Encoding": packing})
        assert answer.content == (root / "current" / "site" / (name or "index.html")).read_bytes()
        assert answer.headers.get("Content-Encoding", "identity") == packing
        assert packing == "identity" or answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for name, kind in (("site.js", "text/javascript; charset=utf-8"), ("map.png", "image/png")):
        assert client.get(f"/{name}").headers["Content-Type"] == kind
    assert client.get("/files/site/index.html").status_code == 404, "a page is of use under its own policy alone"


def test_pages_of_single_occupations_are_served_under_theirs(client: TestClient, root: Path) -> None:
    pages = sorted((root / "current" / "site" / "share").rglob("*.*"))
    assert {".html", ".png", ".css"} == {path.suffix for path in pages}
    for path in (*pages[:3], pages[-1]):
        answer = client.get(f"/{path.relative_to(root / 'current' / 'site').as_posix()}")
        assert answer.content == path.read_bytes()
        assert answer.headers["Content-Security-Policy"] == CARD_POLICY
    assert client.get("/share/exposure/nobody.html").status_code == 404
    assert client.get("/share/../data.json/../../../manifest.json").status_code == 404


def test_every_exported_file_is_served_as_it_is(client: TestClient, root: Path) -> None:
    files = found(client, "/files")["files"]
    assert {"exposure/ranking.csv", "prompts.parquet", "ATTRIBUTION.md"} <= {one["path"] for one in files}
    for one in files:
        body = client.get(one["url"]).content
        assert body == (root / "current" / one["path"]).read_bytes()
        assert len(body) == one["size_bytes"]


# Ranges


RANGED = ("/files/exposure/ranking.json", "/site.js", "/map.png")


@pytest.mark.parametrize("path", RANGED)
def test_a_part_of_a_file_is_sent_where_it_is_asked_for(client: TestClient, path: str) -> None:
    whole = client.get(path, headers={"Accept-Encoding": "identity"})
    body, size = whole.content, len(whole.content)
    assert whole.headers["Accept-Ranges"] == "bytes"
    for asked, first, last in (("0-0", 0, 0), ("5-99", 5, 99), ("-7", size - 7, size - 1), ("9-", 9, size - 1)):
        part = client.get(path, headers={"Range": f"bytes={asked}", "Accept-Encoding": "gzip"})
        assert (part.status_code, part.headers["Content-Range"]) == (206, f"bytes {first}-{last}/{size}")
        assert part.content == body[first : last + 1]
        assert part.headers["Content-Length"] == str(len(part.content))
        assert "Content-Encoding" not in part.headers
        assert part.headers["ETag"] == whole.headers["ETag"]
        for name in ("Publication-Digest", "X-Content-Type-Options", "Content-Security-Policy"):
            assert part.headers[name] == whole.headers[name]
    several = client.get(path, headers={"Range": "bytes=0-3,10-13"})
    assert several.headers["Content-Type"].startswith("multipart/byteranges")
    assert body[:4] in several.content and body[10:14] in several.content


@pytest.mark.parametrize("path", RANGED)
def test_a_part_is_sent_only_of_the_version_that_the_reader_has(client: TestClient, path: str) -> None:
    whole = client.get(path, headers={"Accept-Encoding": "identity"})
    packed_tag = client.get(path, headers={"Accept-Encoding": "gzip"}).headers["ETag"]
    same = {"Range": "bytes=0-9", "If-Range": whole.headers["ETag"]}
    assert client.get(path, headers=same).status_code == 206
    for other in ('"other"', packed_tag, f"W/{whole.headers['ETag']}", "Mon, 02 Mar 2020 08:00:00 GMT"):
        answer = client.get(path, headers={**same, "If-Range": other, "Accept-Encoding": "identity"})
        assert (answer.status_code, answer.content) == (200, whole.content)
    known = client.get(path, headers={"Range": "bytes=0-9", "If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.content, "Content-Range" in known.headers) == (304, b"", False)


@pytest.mark.parametrize("path", RANGED)
def test_a_part_that_is_not_there_is_a_problem_and_what_is_no_range_is_passed_over(
    client: TestClient, path: str
) -> None:
    whole = client.get(path, headers={"Accept-Encoding": "identity"}).content
    beyond = client.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond.headers["Content-Type"]) == (416, "application/problem+json")
    assert beyond.headers["Content-Range"] == f"bytes */{len(whole)}"
    assert beyond.json()["detail"] == f"The file has {len(whole):,} bytes."
    many = ",".join(f"{at}-{at}" for at in range(0, 400, 2))
    for asked in ("lines=0-5", "bytes", "bytes=", "bytes=a-b", "bytes=9-5", f"bytes={many}"):
        answer = client.get(path, headers={"Range": asked, "Accept-Encoding": "identity"})
        assert (answer.status_code, answer.content) == (200, whole), asked


def test_a_file_that_was_changed_after_it_was_looked_at_is_not_sent(root: Path, tmp_path: Path) -> None:
    address = "/files/exposure/ranking.csv"
    broken = damaged_copy(root, tmp_path / "published", "manifest.json", lambda path: None)
    assert broken.get(address).status_code == 200
    cut(tmp_path / "published" / "current" / "exposure" / "ranking.csv")
    answer = broken.get(address)
    assert (answer.status_code, "has been changed since" in answer.text) == (503, True)


def test_the_reference_explains_every_operation_without_a_script_or_anything_from_elsewhere(
    client: TestClient, app: FastAPI
) -> None:
    answer = client.get("/docs")
    assert all(path in answer.text for path in app.openapi()["paths"])
    assert "Median annual pay as BLS prints it; never imputed. Unit: USD per year." in answer.text
    assert "<script" not in answer.text and "src=" not in answer.text
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


# The schema


KNOWN = {"prompt": "exposure", "slug": "roofers", "doc_id": "roofers"}


def _cases() -> Iterator[tuple[str, GenerationMode, bool]]:
    """Operations, whether their parameters are right or wrong, and whether those of the path are made up."""
    for path, operations in sorted(create_app(Publications(Path("nowhere"))).openapi()["paths"].items()):
        places = {parameter["in"] for parameter in operations["get"].get("parameters", ())}
        yield path, GenerationMode.POSITIVE, False
        if "path" in places:
            yield path, GenerationMode.POSITIVE, True
        if "query" in places:
            yield path, GenerationMode.NEGATIVE, False


@pytest.mark.parametrize(("path", "mode", "is_path_made_up"), list(_cases()))
def test_whatever_is_asked_the_answer_is_as_the_schema_says(
    app: FastAPI, path: str, mode: GenerationMode, is_path_made_up: bool
) -> None:
    """No 5xx, no status, type or field that is not declared, nothing wrong taken and nothing right refused."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=SchemathesisConfig(seed=1))
    known = {name: value for name, value in KNOWN.items() if f"{{{name}}}" in path}
    strategy = schema[path]["GET"].as_strategy(
        generation_mode=mode, path_parameters=None if is_path_made_up else known or None
    )

    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate()

    check()
