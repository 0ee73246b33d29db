"""The two settings by which machines share a database and a place for data."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from exposure_dagster.core.errors import SettingError
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.settings import load_settings

DATABASE = "postgresql://ada:s3cret@db.example.org:5433/exposure"


def test_unset_everything_lies_in_the_home() -> None:
    assert load_settings().shared is None


def test_both_together_are_what_machines_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EXPOSURE_DATABASE_URL", DATABASE)
    monkeypatch.setenv("EXPOSURE_DATA_URL", "s3://bucket/exposure/")
    settings = load_settings()
    assert settings.shared == SharedStore(DATABASE, "s3://bucket/exposure")
    assert settings.warehouse.shared == settings.shared
    monkeypatch.setenv("EXPOSURE_DATA_URL", str(tmp_path / "data"))
    assert load_settings().shared == SharedStore(DATABASE, str(tmp_path / "data"))


@pytest.mark.parametrize(
    ("variable", "value", "missing"),
    [
        ("EXPOSURE_DATABASE_URL", DATABASE, "EXPOSURE_DATA_URL"),
        ("EXPOSURE_DATA_URL", "/mnt/exposure", "EXPOSURE_DATABASE_URL"),
    ],
)
def test_one_without_the_other_is_an_error(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, missing: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError, match=f"{variable} needs {missing}"):
        load_settings()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ada:s3cret@host/name",
        "postgresql://ada:s3cret@host",
        "postgresql://ada:s3cret@host:x/name",
        "postgresql://ada:12/s3cret@host/name",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("EXPOSURE_DATABASE_URL", url)
    monkeypatch.setenv("EXPOSURE_DATA_URL", "/mnt/exposure")
    with pytest.raises(SettingError, match="EXPOSURE_DATABASE_URL: ") as raised:
        load_settings()
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("url", ["s3://B", "gs://bucket/x", "s3://bucket/a?b"])
def test_a_place_for_data_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("EXPOSURE_DATABASE_URL", DATABASE)
    monkeypatch.setenv("EXPOSURE_DATA_URL", url)
    with pytest.raises(SettingError, match="EXPOSURE_DATA_URL="):
        load_settings()


def test_no_password_is_ever_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_DATABASE_URL", DATABASE)
    monkeypatch.setenv("EXPOSURE_DATA_URL", "/mnt/exposure")
    settings = load_settings()
    assert "s3cret" not in f"{settings!r} {settings} {settings.shared!r} {settings.warehouse!r}"
    assert settings.shared is not None
    assert settings.shared.shown == "db.example.org/exposure"


def test_the_tests_have_a_server_of_their_own(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
