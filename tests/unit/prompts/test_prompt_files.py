"""Prompt files in folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from exposure_dagster.core.errors import PromptError
from exposure_dagster.prompts.files import (
    MAX_FILE_BYTES,
    TAKEN,
    BrokenPromptError,
    PromptFolder,
    load_folder,
    load_named,
    load_prompt,
    template,
)
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.publishing.site import SITE_FOLDER

CORPORA = ["ooh"]
MODELS = ["claude-haiku-5-5"]


def write(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def load(file: Path) -> Prompt:
    return load_prompt(file, known_corpora=CORPORA, known_models=MODELS)


def folder_of(folder: Path) -> PromptFolder:
    return load_folder(folder, known_corpora=CORPORA, known_models=MODELS)


def test_a_new_prompt_loads_and_is_not_scored_yet(tmp_path: Path) -> None:
    prompt = load(write(tmp_path, "remote_work.md", template("remote_work")))
    assert prompt.name == "remote_work"
    assert prompt.file.title == "Remote work"
    assert not prompt.file.enabled


@pytest.mark.parametrize("name", ["Remote", "1st", "remote-work", "remote work", "", "../remote"])
def test_a_name_that_is_no_partition_key_is_refused(name: str) -> None:
    with pytest.raises(PromptError, match="lower-case letters"):
        template(name)


def test_no_prompt_bears_the_name_of_the_published_site(tmp_path: Path) -> None:
    assert SITE_FOLDER in TAKEN
    with pytest.raises(PromptError, match="which is the folder of the published site"):
        template(SITE_FOLDER)
    write(tmp_path, f"{SITE_FOLDER}.md", template("remote"))
    (broken,) = folder_of(tmp_path).broken
    assert "a prompt cannot be named site" in broken.problems[0].summary


def test_the_stem_is_the_name_and_the_path_the_source(tmp_path: Path) -> None:
    file = write(tmp_path, "exposure.md", template("exposure"))
    assert (load(file).name, load(file).source) == ("exposure", str(file))


def test_the_name_is_no_part_of_the_hash(tmp_path: Path) -> None:
    text = template("one")
    one, two = load(write(tmp_path, "one.md", text)), load(write(tmp_path, "two.md", text))
    assert one.asked.prompt_hash == two.asked.prompt_hash


def test_line_ends_and_byte_order_mark_on_disk_change_no_hash(tmp_path: Path) -> None:
    plain = template("one")
    windows = b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode()
    hashes = {
        load(write(tmp_path, "plain.md", plain)).asked.prompt_hash,
        load(write(tmp_path, "windows.md", windows)).asked.prompt_hash,
    }
    assert len(hashes) == 1


def test_a_broken_file_takes_no_other_down(tmp_path: Path) -> None:
    write(tmp_path, "good.md", template("good"))
    write(tmp_path, "also_good.md", template("also_good"))
    broken = write(tmp_path, "broken.md", template("broken").replace("title:", "titel:"))
    folder = folder_of(tmp_path)
    assert [prompt.name for prompt in folder.prompts] == ["also_good", "good"]
    assert [(prompt.name, prompt.source) for prompt in folder.broken] == [("broken", str(broken))]
    assert {problem.key for problem in folder.broken[0].problems} == {"title", "titel"}


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("empty.md", b"", "is empty"),
        ("latin.md", "---\ntitle: café\n---\n".encode("latin-1"), "0xe9 is not UTF-8"),
        ("wide.md", template("wide").encode("utf-16"), "is not UTF-8"),
        ("Capital.md", template("capital").encode(), "cannot be named Capital.md"),
        ("loud.MD", template("loud").encode(), "cannot be named loud.MD"),
        ("two.words.md", template("two").encode(), "cannot be named two.words.md"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    write(tmp_path, name, content)
    (broken,) = folder_of(tmp_path).broken
    (problem,) = broken.problems
    assert what in problem.what


def test_a_file_that_is_not_utf8_is_reported_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "latin.md", "---\ntitle: x\ndescription: café\n---\n".encode("latin-1"))
    assert folder_of(tmp_path).broken[0].problems[0].line == 3


def test_a_file_that_cannot_be_opened_is_broken(tmp_path: Path) -> None:
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere")
    assert "cannot be read" in folder_of(tmp_path).broken[0].problems[0].what


def test_other_files_are_no_prompts(tmp_path: Path) -> None:
    for name in ("README.md", ".hidden.md", "notes.txt", "good.md~"):
        write(tmp_path, name, "Not a prompt.")
    (tmp_path / "folder.md").mkdir()
    assert folder_of(tmp_path) == PromptFolder((), ())


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="EXPOSURE_PROMPTS"):
        folder_of(tmp_path / "nowhere")


def test_a_prompt_is_found_by_name(tmp_path: Path) -> None:
    write(tmp_path, "exposure.md", template("exposure"))
    assert load_named(tmp_path, "exposure", known_corpora=CORPORA, known_models=MODELS).name == "exposure"


@pytest.mark.parametrize("name", ["exposur", "../exposure", "exposure.md"])
def test_an_unknown_name_gets_a_hint_and_a_list(tmp_path: Path, name: str) -> None:
    write(tmp_path, "exposure.md", template("exposure"))
    with pytest.raises(PromptError, match=r"did you mean exposure\?.*Prompts there: exposure"):
        load_named(tmp_path, name, known_corpora=CORPORA, known_models=MODELS)


def test_loading_a_broken_file_raises_all_its_problems(tmp_path: Path) -> None:
    file = write(tmp_path, "broken.md", template("broken").replace("title:", "titel:"))
    with pytest.raises(BrokenPromptError) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert "title: missing" in str(caught.value)
    assert len(caught.value.problems) == 2


def test_a_file_that_is_too_long_to_be_a_prompt_is_broken_however_long_it_is(tmp_path: Path) -> None:
    text = template("long")
    fits = write(tmp_path, "fits.md", text + "x" * (MAX_FILE_BYTES - len(text.encode())))
    write(tmp_path, "long.md", fits.read_text(encoding="utf-8") + "x")
    (tmp_path / "endless.md").symlink_to("/dev/zero")

    folder = folder_of(tmp_path)

    assert [prompt.name for prompt in folder.prompts] == ["fits"]
    assert {str(problem) for broken in folder.broken for problem in broken.problems} == {
        f"{tmp_path / 'long.md'}: cannot be read: it is larger than 200,000 bytes, which is the most that is read",
        f"{tmp_path / 'endless.md'}: cannot be read: it is no ordinary file",
    }
