"""Which documents a prompt's examples mean."""

from __future__ import annotations

import pytest

from exposure_dagster.prompts.model import Level
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.anchors import Alias, Titles, anchors_of

DOCUMENTS = [
    Document("attorneys", "Paralegals and legal assistants", ""),
    Document("coders", "Software developers, quality assurance analysts, and testers", ""),
    Document("roofers", "Roofers", ""),
    Document("secretaries", "Secretaries", ""),
    Document("waitresses", "Waitresses", ""),
]
NAMED = [(one.doc_id, one.title) for one in DOCUMENTS]
ALIASES = [
    Alias("Slater", "roofers"),
    Alias("Handyman", "roofers"),
    Alias("Handyman", "coders"),
    Alias("Astronaut", "elsewhere"),
]


@pytest.mark.parametrize(
    ("name", "doc_id"),
    [
        ("Roofers", "roofers"),
        ("roofer", "roofers"),
        ("  ROOFER ", "roofers"),
        ("Slaters", "roofers"),
        ("Secretary", "secretaries"),
        ("waitress", "waitresses"),
        ("Software developer", "coders"),
        ("Tester", "coders"),
        ("Legal assistant", "attorneys"),
    ],
)
def test_a_name_means_a_document(name: str, doc_id: str) -> None:
    row = Titles(NAMED, ALIASES).row_of(name)
    assert row is not None
    assert DOCUMENTS[row].doc_id == doc_id


@pytest.mark.parametrize("name", ["Handyman", "Astronaut", "Developer", ""])
def test_a_name_of_several_documents_or_of_none_means_none(name: str) -> None:
    assert Titles(NAMED, ALIASES).row_of(name) is None


def test_a_title_goes_before_an_alias() -> None:
    row = Titles(NAMED, [Alias("Roofer", "coders")]).row_of("roofer")
    assert row is not None
    assert DOCUMENTS[row].doc_id == "roofers"


def test_a_document_that_two_levels_name_lies_between_them() -> None:
    levels = [
        Level(label="Low", range=(0, 2), description="-", examples=("Roofer",)),
        Level(label="High", range=(4, 6), description="-", examples=("Slater", "Nobody")),
    ]
    (anchor,) = anchors_of(levels, Titles(NAMED, ALIASES))
    assert anchor.value == 3
    assert anchor.names == ("Roofer", "Slater")
    assert str(anchor) == "Roofer (0–6)"
