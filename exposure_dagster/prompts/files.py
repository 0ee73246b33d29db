"""Prompt files on disk: reading one, reading a folder, beginning a new one.

A file's stem is the prompt's name and the partition's key. A file that cannot be used is described
as broken and takes no other down.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from exposure_dagster.core.bounded import read_bounded
from exposure_dagster.core.errors import PromptError
from exposure_dagster.core.hints import meant
from exposure_dagster.prompts.checking import Problem, check_text
from exposure_dagster.prompts.composites import Composite, load_composites
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.prompts.render import asked_part, baseline_part, ranking_part
from exposure_dagster.prompts.template import template_text

MAX_FILE_BYTES = 200_000
"""The most that a prompt file may hold: some 50,000 tokens, sent with every request. The longest bundled one has 25,000
bytes."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
TAKEN = {"site": "the folder of the published site"}
"""What cannot be the folder of a prompt's published files, since it is something else."""
_NAME_RULE = "lower-case letters, digits and underscores, beginning with a letter, as in my_question.md"


@dataclass(frozen=True)
class BrokenPrompt:
    """A prompt file that cannot be used, and everything that is wrong with it."""

    name: str
    source: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class PromptFolder:
    """The prompts of a folder, good and broken, each by name; and its composites, with what is wrong with others."""

    prompts: tuple[Prompt, ...]
    broken: tuple[BrokenPrompt, ...]
    composites: tuple[Composite, ...] = ()
    broken_composites: tuple[Problem, ...] = ()

    @property
    def what_is_broken(self) -> dict[str, str]:
        """The first problem of each broken file, by its prompt's name."""
        return {one.name: one.problems[0].summary for one in self.broken}


class BrokenPromptError(PromptError):
    """A prompt file has mistakes; `problems` lists them."""

    def __init__(self, broken: BrokenPrompt) -> None:
        self.problems = broken.problems
        summaries = (
            problem.summary if problem.line is None else f"line {problem.line}: {problem.summary}"
            for problem in broken.problems
        )
        super().__init__("; ".join(summaries), where=broken.source, remedy="Correct the file")


def load_prompt(path: Path, *, known_corpora: Collection[str], known_models: Collection[str]) -> Prompt:
    """The prompt of one file. Raises BrokenPromptError, a PromptError, that lists all its problems."""
    result = _read(path, known_corpora, known_models)
    if isinstance(result, BrokenPrompt):
        raise BrokenPromptError(result)
    return result


def load_folder(folder: Path, *, known_corpora: Collection[str], known_models: Collection[str]) -> PromptFolder:
    """All prompt files of a folder, without its subfolders. Raises PromptError where there is no such folder.

    Hidden files and a README.md are no prompts.
    """
    results = [_read(path, known_corpora, known_models) for path in _prompt_files(folder)]
    composites, broken_composites = load_composites(folder)
    return PromptFolder(
        tuple(result for result in results if isinstance(result, Prompt)),
        tuple(result for result in results if isinstance(result, BrokenPrompt)),
        composites,
        broken_composites,
    )


def load_named(folder: Path, name: str, *, known_corpora: Collection[str], known_models: Collection[str]) -> Prompt:
    """The prompt of that name in a folder. Raises PromptError where there is none, or it is broken."""
    files = {path.stem: path for path in _prompt_files(folder)}
    if name not in files:
        raise PromptError(
            f"no prompt is named {name}{meant(name, files)}",
            where=str(folder),
            remedy=f"Prompts there: {', '.join(files) or 'none'}",
        )
    return load_prompt(files[name], known_corpora=known_corpora, known_models=known_models)


def check_name(name: str) -> None:
    """Raises PromptError unless a prompt may bear the name."""
    if not _NAME.fullmatch(name):
        raise PromptError("a prompt cannot bear this name", where=name, remedy=f"Use {_NAME_RULE}")
    if name in TAKEN:
        raise PromptError(f"a prompt cannot bear this name, which is {TAKEN[name]}", where=name, remedy="Use another.")


def template(name: str) -> str:
    """The commented file that a new prompt begins as. Raises PromptError if no prompt may bear the name."""
    check_name(name)
    return template_text(name)


def _prompt_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise PromptError(
            "there is no such folder of prompts",
            where=str(folder),
            remedy="Set EXPOSURE_PROMPTS to a folder of Markdown files, or unset it for the bundled ones",
        )
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() == ".md"
        and not path.name.startswith(".")
        and path.name.lower() != "readme.md"
        and not path.is_dir()
    )


def _read(path: Path, known_corpora: Collection[str], known_models: Collection[str]) -> Prompt | BrokenPrompt:
    source = str(path)
    checked = _checked(path, known_corpora, known_models)
    if isinstance(checked, tuple):
        return BrokenPrompt(path.stem, source, checked)
    return checked


def _checked(path: Path, known_corpora: Collection[str], known_models: Collection[str]) -> Prompt | tuple[Problem, ...]:
    source = str(path)
    if not _NAME.fullmatch(path.stem) or path.suffix != ".md":
        return (Problem(source, None, None, f"a prompt cannot be named {path.name}", _NAME_RULE),)
    if path.stem in TAKEN:
        what = f"a prompt cannot be named {path.stem}, which is {TAKEN[path.stem]}"
        return (Problem(source, None, None, what, "another name"),)
    try:
        text = read_bounded(path, MAX_FILE_BYTES).decode("utf-8")
    except OSError as error:
        return (Problem(source, None, None, f"cannot be read: {error.strerror}"),)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return (
            Problem(source, line, None, f"byte {error.object[error.start]:#04x} is not UTF-8", "text saved as UTF-8"),
        )
    return _of_text(path.stem, source, text, tuple(known_corpora), _Names.of(known_models))


@dataclass(frozen=True)
class _Names:
    """Known names, told from others by `key`: a collection may hold more than it lists (see `PriceTable`)."""

    key: tuple[object, ...]
    names: Collection[str] = field(compare=False)

    @classmethod
    def of(cls, names: Collection[str]) -> _Names:
        return cls((*names, *getattr(names, "unlisted", ())), names)


@lru_cache(maxsize=256)
def _of_text(
    name: str, source: str, text: str, known_corpora: tuple[str, ...], known_models: _Names
) -> Prompt | tuple[Problem, ...]:
    """What a file with that text is. Every sensor reads all files each time it looks, and most are as they were."""
    checked = check_text(text, file=source, known_corpora=known_corpora, known_models=known_models.names)
    if isinstance(checked, tuple):
        return checked
    return Prompt(
        name=name,
        source=source,
        file=checked,
        asked=asked_part(checked),
        ranking=ranking_part(checked),
        baseline=baseline_part(checked),
    )
