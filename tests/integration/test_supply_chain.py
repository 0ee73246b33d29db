"""The licences, the bill of materials and the audit of what is locked: from the lock file itself."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest
from cyclonedx.model.bom import Bom

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def chain() -> ModuleType:
    spec = importlib.util.spec_from_file_location("supply_chain", ROOT / "docs" / "supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["supply_chain"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_is_that_of_the_lock_file(chain: ModuleType) -> None:
    assert chain.PAGE.read_text(encoding="utf-8") == chain.page(), "run `make licences`"


def test_every_package_is_read_from_the_lock_file_with_its_hashes_and_who_needs_it(chain: ModuleType) -> None:
    packages = chain.read_lock()
    assert len(packages) == sum("==" in line for line in chain.LOCK.read_text().splitlines() if line[:1].isalnum())
    assert all(one.hashes and one.parents for one in packages)
    needed = chain.needed_to_run(packages)
    assert {"dagster", "duckdb", "numpy", "certifi"} <= needed
    assert not {"pytest", "mypy", "pip-audit", "playwright"} & needed


def test_a_package_without_a_known_licence_is_refused(chain: ModuleType) -> None:
    with pytest.raises(chain.SupplyChainError, match="no-such-package: no known licence; read its text"):
        chain.licence_of("no-such-package")


@pytest.mark.parametrize(
    ("licence", "is_refused"),
    [("GPL-3.0-only", True), ("AGPL-3.0-or-later", True), ("GPL-2.0-only OR MIT", False), ("LGPL-2.1-only", False)],
)
def test_a_licence_that_binds_whoever_passes_the_project_on_is_refused(
    chain: ModuleType, monkeypatch: pytest.MonkeyPatch, licence: str, is_refused: bool
) -> None:
    monkeypatch.setitem(chain.NAMED_IN_THEIR_TEXTS, licence, licence)
    if is_refused:
        with pytest.raises(chain.SupplyChainError, match="would bind whoever passes this project on"):
            chain.licence_of(licence)
    else:
        assert chain.licence_of(licence) == licence


def test_the_bill_of_materials_names_all_that_is_locked_and_is_always_the_same(chain: ModuleType) -> None:
    bill = chain.sbom()
    assert bill == chain.sbom()
    read = Bom.from_json(json.loads(bill))
    locked = {(one.name, one.version): one for one in chain.read_lock()}
    assert {(one.name, one.version) for one in read.components} == set(locked)
    for one in read.components:
        (distribution,) = one.external_references
        assert {digest.content for digest in distribution.hashes} == set(locked[one.name, one.version].hashes)
        assert str(one.purl) == f"pkg:pypi/{one.name}@{one.version}"
        assert len(one.licenses) == 1
    scopes = {one.name: one.scope.value for one in read.components}
    assert (scopes["dagster"], scopes["pytest"]) == ("required", "excluded")


@contextmanager
def database_of_vulnerabilities(**known: str) -> Iterator[str]:
    """An OSV server on loopback that knows of one vulnerability of each given package; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = asked["package"]["name"]
            found = {"id": known.get(name), "summary": "a hole", "affected": [{"package": asked["package"]}]}
            body = json.dumps({"vulns": [found]} if name in known else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.lock"
    file.write_text("".join(f"{name}==1.0 --hash=sha256:{'a' * 64}\n" for name in ("good", "bad")))
    return file


def test_an_audit_names_what_is_vulnerable(chain: ModuleType, lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with database_of_vulnerabilities(bad="PYSEC-2026-1") as service:
        assert chain.audit(lock, service) == 1
    assert capsys.readouterr().out.splitlines() == [
        "bad 1.0: PYSEC-2026-1, mended in no version yet",
        f"Looked up at {service}: 2 packages. Known vulnerabilities: 1",
    ]


def test_an_audit_of_what_is_sound_is_passed(chain: ModuleType, lock: Path) -> None:
    with database_of_vulnerabilities() as service:
        assert chain.audit(lock, service) == 0


def test_an_audit_without_a_network_is_not_passed(
    chain: ModuleType, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with database_of_vulnerabilities() as service:
        pass
    assert chain.audit(lock, service) == 2
    assert capsys.readouterr().out.startswith(f"Nothing was looked up at {service}: ")
