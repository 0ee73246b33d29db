"""What pages, documents and models wrote, as the command line shows it: as text, whatever characters are in it."""

from __future__ import annotations

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from rich.markup import escape
from rich.table import Table

from exposure_dagster.cli.main import main
from exposure_dagster.cli.terminal import ERR, OUT, say, warn
from exposure_dagster.core.characters import harmless, visible
from exposure_dagster.corpora.ooh import NAME as OOH_CORPUS
from exposure_dagster.tables import DOCUMENTS
from tests.integration.scoring.faulty_model import Fault, edited, status
from tests.integration.scoring.scene import Scene
from tests.integration.scoring.test_provenance import put_scores

HOSTILE = "\x1b[2J\x1b]0;owned\x07 good\revil \u202etxt.exe \x9b31m :smile: می\u200cنویسنده"


def exposure(scene: Scene, *arguments: str) -> Result:
    home = {"EXPOSURE_HOME": str(scene.folder), "EXPOSURE_SCORER": "baseline"}
    return CliRunner().invoke(main, arguments, env=home)


def assert_shown(shown: str, text: str = HOSTILE) -> None:
    assert harmless(shown) == shown
    assert visible(text) in shown


def test_explain_shows_an_answer_of_an_older_ledger_and_the_document_as_text(scene: Scene) -> None:
    scene.refs = [*scene.refs[1:], *scene.add([30], "A document {} " + HOSTILE)]
    put_scores(scene)
    with scene.warehouse.transaction() as connection:
        connection.execute("UPDATE scored.scores SET rationale = ?, error = ?", [HOSTILE, HOSTILE])

    shown = exposure(scene, "explain", "exposure", "doc-030").output

    assert_shown(shown, f"rationale:        {HOSTILE}")
    assert_shown(shown, f"error:            {HOSTILE}")
    assert_shown(shown, f"A document 30 {HOSTILE}")


def test_render_shows_a_document_as_text(scene: Scene) -> None:
    row = {"corpus": OOH_CORPUS, "doc_id": "a", "title": "A", "text": HOSTILE, "text_sha256": "0"}
    scene.warehouse.replace(DOCUMENTS, pd.DataFrame([row]))

    assert_shown(exposure(scene, "prompts", "render", "a").output)


def test_an_error_shows_what_it_is_about_as_text(scene: Scene) -> None:
    assert_shown(exposure(scene, "explain", HOSTILE, "a").output)


def test_tables_lines_and_warnings_show_text(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("title", box=None)
    table.add_row(escape(HOSTILE))
    for print_it in (
        lambda: OUT.print(table),
        lambda: OUT.print(HOSTILE, markup=False, soft_wrap=True),
        lambda: ERR.print(HOSTILE, markup=False, soft_wrap=True),
        lambda: warn(HOSTILE),
        lambda: say(HOSTILE),
    ):
        print_it()
        shown = "".join(capsys.readouterr())
        assert_shown(shown)


def test_what_a_model_wrote_is_stored_without_characters_that_act(scene: Scene) -> None:
    scene.model.faults["doc-001"] = [edited("hostile", lambda answer: answer | {"rationale": HOSTILE})]

    scene.score()

    assert scene.rows("rationale", "doc_id = 'doc-001'") == [(harmless(HOSTILE).strip(),)]
    assert "\u200c" in scene.rows("rationale", "doc_id = 'doc-001'")[0][0]


@pytest.mark.parametrize(
    "fault",
    [
        status(400, error_type=HOSTILE),
        edited("fields", lambda answer: answer | {HOSTILE: 1}),
        edited("a number", lambda answer: answer | {"score": HOSTILE}),
    ],
    ids=lambda fault: fault.name,
)
def test_what_a_server_or_a_model_wrote_is_stored_in_an_error_without_them(scene: Scene, fault: Fault) -> None:
    scene.model.faults["doc-001"] = [fault]

    scene.score()

    ((error,),) = scene.rows("error", "doc_id = 'doc-001' AND error IS NOT NULL")
    assert "owned" in error
    assert harmless(error) == error
    assert "\n" not in error
