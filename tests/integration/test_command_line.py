"""The command line as a beginner meets it: what it prints, and one clear sentence for each mistake."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exposure_dagster.cli.main import main
from exposure_dagster.cli.terminal import ERR
from exposure_dagster.settings import BUNDLED_PROMPTS


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ERR, "width", 200)


def exposure(*arguments: str, home: Path, **variables: str) -> Result:
    """Run the command, with no settings but the given ones; the umask that it sets ends with it."""
    umask = os.umask(0o022)
    try:
        return CliRunner().invoke(main, arguments, env={"EXPOSURE_HOME": str(home), **variables})
    finally:
        os.umask(umask)


def test_a_run_says_what_came_of_it_and_where_it_lies(sample_home: Path) -> None:
    shutil.rmtree(sample_home / "published")
    done = exposure("run", "--prompt", "exposure", home=sample_home, EXPOSURE_SITES="sample")
    assert done.exit_code == 0, done.stderr
    assert "30 of 30 occupations scored" in done.stdout
    assert "estimates of the bundled baseline" in done.stdout
    assert str(sample_home / "published" / "current") in done.stdout


def test_a_home_is_its_owners_alone_but_for_what_is_published(sample_run: Path) -> None:
    published = sample_run / "published"
    for path in (sample_run.parent, sample_run, *sample_run.rglob("*")):
        if path.is_symlink():
            continue
        is_open = path == published or published in path.parents
        mode = path.stat().st_mode & 0o777
        assert mode & 0o077 == (0o055 if path.is_dir() else 0o044) * is_open, f"{path} {mode:o}"


def test_a_home_that_others_can_look_into_is_told_with_the_remedy_and_left_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)
    errors = exposure("run", home=home).stderr
    assert f"other users can look into {home} (mode 755)" in errors
    assert f"chmod go= {home}\n" in errors
    assert home.stat().st_mode & 0o777 == 0o755


def test_a_new_prompt_has_the_mode_that_its_writer_gives_files(tmp_path: Path) -> None:
    exposure("prompts", "new", "mine", home=tmp_path, EXPOSURE_PROMPTS=str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "mine.md").stat().st_mode & 0o777 == 0o644


def one_sentence(done: Result) -> str:
    """The error of a failed command: no traceback, no more than a few lines."""
    assert done.exit_code != 0
    assert isinstance(done.exception, SystemExit), done.exception
    error = done.stderr[done.stderr.index("Error: ") :]
    assert error.count("\n") <= 3, error
    return error


def test_a_port_of_the_ui_that_is_taken_is_told_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = exposure("dev", "--port", str(port), home=tmp_path)
    assert f"127.0.0.1:{port}: another program listens on this port. Choose another with --port." in one_sentence(done)


def test_live_fetching_without_a_contact_says_what_to_set(tmp_path: Path) -> None:
    assert "EXPOSURE_CONTACT" in one_sentence(exposure("run", home=tmp_path))


def test_a_contact_that_bls_refuses_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    error = one_sentence(exposure("run", home=tmp_path, EXPOSURE_CONTACT="12+jo@users.noreply.github.com"))
    assert "bls.gov answers 403 to every User-Agent that contains github.com" in error
    assert "noreply" not in error


def test_a_setting_that_cannot_be_used_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    error = one_sentence(exposure("run", home=tmp_path, EXPOSURE_SCORER="gpt"))
    assert "EXPOSURE_SCORER" in error and "'baseline'" in error


def test_an_unknown_prompt_is_answered_with_those_there_are(tmp_path: Path) -> None:
    error = one_sentence(exposure("run", "--prompt", "expsure", home=tmp_path, EXPOSURE_SITES="sample"))
    assert "expsure" in error and "exposure" in error.replace("expsure", "")


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    error = one_sentence(exposure("run", home=tmp_path / "file" / "home", EXPOSURE_SITES="sample"))
    assert "EXPOSURE_HOME" in error


def test_a_home_that_is_a_file_is_told_by_every_command(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    for command in ("run", "status", "dev", "check"):
        assert f"{tmp_path / 'file'} is a file; name a folder" in one_sentence(
            exposure(command, home=tmp_path / "file")
        )


def test_a_home_in_which_nothing_was_run_is_not_called_broken(tmp_path: Path) -> None:
    home = tmp_path / "nowhere"
    assert "nothing was run in this home yet. Look at EXPOSURE_HOME." in one_sentence(exposure("check", home=home))
    assert not home.exists()


@pytest.mark.parametrize("command", [("run",), ("prompts", "check")])
def test_a_folder_without_prompt_files_is_named_with_what_to_do(command: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    error = one_sentence(exposure(*command, home=tmp_path, EXPOSURE_PROMPTS=str(folder), EXPOSURE_SITES="sample"))
    assert f"{folder}: there is no prompt file. `exposure prompts new NAME` writes one" in error


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("samples: 1", "\tsamples: 1", "p.md:6: is not valid YAML: a tab stands where it is indented (allowed: spaces"),
        ("max: 10}", "max: 10", "what is not closed, or not indented alike, begins on line 9 (allowed"),
        ("samples: 1", "smaples: 1", "p.md:6: smaples: unknown key; did you mean samples?"),
    ],
)
def test_a_slip_in_the_front_matter_is_told_with_its_line(good: str, bad: str, said: str, tmp_path: Path) -> None:
    text = (BUNDLED_PROMPTS / "exposure.md").read_text(encoding="utf-8")
    (tmp_path / "p.md").write_text(text.replace(good, bad, 1), encoding="utf-8")
    done = exposure("prompts", "check", home=tmp_path, EXPOSURE_PROMPTS=str(tmp_path))
    assert said in done.stderr


def test_settings_lists_every_variable_and_never_the_key(tmp_path: Path) -> None:
    done = exposure("settings", home=tmp_path, ANTHROPIC_API_KEY="sk-secret", EXPOSURE_CONTACT="me@example.org")
    assert done.exit_code == 0
    for name in ("EXPOSURE_HOME", "EXPOSURE_MAX_COST_USD_PER_DAY", "ANTHROPIC_BASE_URL"):
        assert name in done.stdout
    assert "sk-secret" not in done.stdout and "me@example.org" not in done.stdout


def test_render_shows_what_a_model_would_be_sent(sample_home: Path) -> None:
    done = exposure("prompts", "render", "roofers", home=sample_home)
    assert done.exit_code == 0, done.stderr
    assert "Roofers" in done.stdout and "--- system" in done.stdout


def test_render_of_an_unknown_document_says_what_an_id_looks_like(sample_home: Path) -> None:
    assert "as in `roofers`" in one_sentence(exposure("prompts", "render", "astronauts", home=sample_home))


def test_render_before_any_run_says_to_run_first(tmp_path: Path) -> None:
    assert "exposure run" in one_sentence(exposure("prompts", "render", "roofers", home=tmp_path))


def test_a_new_prompt_checks_clean_and_runs(tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    made = exposure("prompts", "new", "mine", home=tmp_path, EXPOSURE_PROMPTS=str(folder))
    assert made.exit_code == 0, made.stderr
    checked = exposure("prompts", "check", home=tmp_path, EXPOSURE_PROMPTS=str(folder))
    assert checked.exit_code == 0, checked.stderr
    assert "mine: good" in checked.stdout


def test_check_names_file_key_and_what_is_allowed(tmp_path: Path) -> None:
    text = (BUNDLED_PROMPTS / "exposure.md").read_text(encoding="utf-8")
    (tmp_path / "typo.md").write_text(text.replace("corpus: ooh", "corpus: oh"), encoding="utf-8")
    done = exposure("prompts", "check", home=tmp_path, EXPOSURE_PROMPTS=str(tmp_path))
    assert done.exit_code == 1
    assert "typo.md" in done.stderr and "corpus" in done.stderr and "ooh" in done.stderr
