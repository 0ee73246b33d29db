"""The setting that names corpora of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from exposure_dagster.core.errors import SettingError
from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.corpora.own.names import OwnCorpus, own_corpora
from exposure_dagster.settings import load_settings, project_root


def test_several_corpora_stand_between_commas() -> None:
    assert own_corpora(" roles = data/roles.csv, posts=/x/Posts.PARQUET ,", KNOWN_CORPORA) == (
        OwnCorpus("roles", Path("data/roles.csv")),
        OwnCorpus("posts", Path("/x/Posts.PARQUET")),
    )


def test_a_path_may_have_commas_in_it() -> None:
    assert own_corpora("roles=x/Roles, 2025.csv,posts=Posts, old, new.csv", KNOWN_CORPORA) == (
        OwnCorpus("roles", Path("x/Roles, 2025.csv")),
        OwnCorpus("posts", Path("Posts, old, new.csv")),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("roles.csv", "roles.csv names no file; write name=path"),
        ("roles=", "names no file"),
        ("Our roles=a.csv", "a corpus cannot be named 'Our roles'"),
        ("ooh=a.csv", "ooh is the name of a corpus that comes with the project"),
        ("a=a.csv,a=b.csv", "a is named twice"),
        ("roles=roles.docx", "roles.docx is of no known type; a corpus is a .csv, .tsv, .txt, .xlsx, .xlsm, "),
    ],
)
def test_an_entry_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("(", r"\(")):
        own_corpora(text, KNOWN_CORPORA)
    monkeypatch.setenv("EXPOSURE_DOCUMENTS", text)
    with pytest.raises(SettingError, match="EXPOSURE_DOCUMENTS="):
        load_settings()


def test_prompts_may_ask_about_own_corpora_beside_those_that_come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().known_corpora == KNOWN_CORPORA
    monkeypatch.setenv("EXPOSURE_DOCUMENTS", "roles=mine/roles.csv")
    settings = load_settings()
    assert settings.known_corpora == (*KNOWN_CORPORA, "roles")
    assert settings.own_corpora == (OwnCorpus("roles", project_root() / "mine" / "roles.csv"),)
