"""The text of a prompt file, checked: what it holds, or all that is wrong with it.

Here are the mistakes that people make in YAML, and what they are told. What a prompt may hold is
`model`'s to say, where its files lie is `files`'s.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

import yaml
from frontmatter.default_handlers import YAMLHandler
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.reader import ReaderError

from exposure_dagster.core.characters import first_control
from exposure_dagster.core.growth import GrowthCategory
from exposure_dagster.core.hints import meant
from exposure_dagster.prompts.formula import (
    AttributeGroup,
    Ceiling,
    Floor,
    ResilienceFormula,
    Signals,
    TaskRollup,
)
from exposure_dagster.prompts.limits import LimitError, check_limits
from exposure_dagster.prompts.model import (
    Attribute,
    Effort,
    Level,
    PromptFile,
    QuadrantLabels,
    Quadrants,
    Ranking,
    Sampling,
    Scale,
    Tier,
    WordLists,
)

MAX_PROBLEMS = 100
"""So many mistakes of a file are listed: a sensor writes them down at every look."""

KeyPath = tuple[str | int, ...]
"""Keys and places that lead to a value, as ("levels", 2, "range")."""

_PLAIN = "text"
_QUOTES = "text; put it in quotes"
_RANGE = "[lowest, highest], both included, as in [2, 3]"
_TEXTS = "a list of texts, as in [roofer, plumber]"

_ALLOWED = {
    "attributes": "a list of attributes, each with key, title, question, scale and levels",
    "at_least": "a number of the scale",
    "at_most": "a number of the scale",
    "baseline": "raises and lowers, each a list of words",
    "ceiling": "attributes, at_most and score",
    "corpus": _PLAIN,
    "defensive": "share, and weights of attributes; the two shares add up to 1",
    "description": _PLAIN,
    "enabled": "true or false",
    "effort": ", ".join(get_args(Effort)),
    "examples": _TEXTS,
    "floor": "attributes, at_least and score",
    "growth_categories": f"a number from 0 to 1 for each of {', '.join(GrowthCategory)}",
    "importance": "true or false: whether a task's weight is multiplied by its importance, where that is rated",
    "include": "a list of sections of the corpus, as in [skills, software]",
    "key": "lower-case letters, digits and underscores, beginning with a letter",
    "label": _PLAIN,
    "labels": "both, x_only, y_only and neither, each a text",
    "levels": "a list of levels, each with label, range, description and, if you like, examples",
    "lowers": _TEXTS,
    "max": "a whole number",
    "min": "a whole number",
    "model": _PLAIN,
    "models": "a list of two models or more, each of which is asked",
    "quadrants": "x and y, each the key of an attribute, and labels; x_cut_off and y_cut_off, if not 5",
    "offensive": "share, and weights of attributes; the two shares add up to 1",
    "probes": "a list of documents, each with document (a title), range, and attribute where there are several",
    "question": _PLAIN,
    "raises": _TEXTS,
    "range": _RANGE,
    "ranking": "weights, a number for each attribute",
    "resilience": "scale, defensive, offensive, ceiling, floor, signals and growth_categories (docs/resilience.md)",
    "rollup": "weights of Core and Supplemental tasks, untyped for those without a type, and importance, true or false",
    "samples": "a whole number from 1 to 50",
    "sampling": "min and max, two whole numbers from 2 to 50, and target, tiers or totals",
    "target": "tiers or totals",
    "document": _PLAIN,
    "documents_per_request": "a whole number from 1 to 50",
    "scale": "{min: 0, max: 10}, or {values: [0, 0.5, 1]}",
    "share": "a number from 0 to 1",
    "signals": "score, growth and openings, numbers that add up to 1",
    "tiers": "a list of tiers, each with label and range",
    "title": _PLAIN,
    "untyped": "a number above 0",
    "values": "a list of different numbers, as in [0, 0.5, 1]",
    "variants": "a list of variants, each with a name, and an instruction, a model or an effort of its own",
    "weights": "a number of at least 0 for each attribute",
    "x": "the key of an attribute",
    "x_cut_off": "a number of the scale",
    "y": "the key of an attribute",
    "y_cut_off": "a number of the scale",
}
_HOLDERS: dict[str, type[BaseModel]] = {
    "attributes": Attribute,
    "baseline": WordLists,
    "ceiling": Ceiling,
    "defensive": AttributeGroup,
    "floor": Floor,
    "labels": QuadrantLabels,
    "levels": Level,
    "quadrants": Quadrants,
    "offensive": AttributeGroup,
    "ranking": Ranking,
    "resilience": ResilienceFormula,
    "rollup": TaskRollup,
    "sampling": Sampling,
    "scale": Scale,
    "signals": Signals,
    "tiers": Tier,
}
_TRUTHS = (("enabled",), ("ranking", "rollup", "importance"))
"""Keys that are true or false."""

_TEXT = "tag:yaml.org,2002:str"
_FAST_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST_NUMBER = 30
_PLAIN_NUMBER = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d*)?|[-+]?\.\d+")


@dataclass(frozen=True)
class Problem:
    """A mistake in a prompt file.

    `line` counts from 1; it is null where the mistake has no place. `key` is a dotted path whose list places
    count from 0 (`levels.2.range` is the third level's), or null where the file as a whole is meant.
    """

    file: str
    line: int | None
    key: str | None
    what: str
    allowed: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.summary}"

    @property
    def summary(self) -> str:
        """The mistake without its place."""
        text = self.what if self.key is None else f"{self.key}: {self.what}"
        return text if self.allowed is None else f"{text} (allowed: {self.allowed})"


@dataclass(frozen=True)
class _Mistake:
    path: KeyPath
    what: str
    allowed: str | None = None


@dataclass
class _FrontMatter:
    """What the front matter says, where each key stands, and what YAML took for something else than was meant."""

    content: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    mistakes: list[_Mistake] = field(default_factory=list)

    def problem(self, mistake: _Mistake, file: str) -> Problem:
        """The mistake at its line, or at the line of the nearest thing that holds it."""
        holders = [mistake.path[:end] for end in range(len(mistake.path), 0, -1)]
        line = next((self.lines[path] for path in holders if path in self.lines), None)
        key = ".".join(f"{part!s:.80}" for part in mistake.path) or None
        return Problem(file, line, key, mistake.what, mistake.allowed)


def check_text(
    text: str, *, file: str, known_corpora: Collection[str], known_models: Collection[str]
) -> PromptFile | tuple[Problem, ...]:
    """The contents of a prompt file, or its problems in the order of their lines.

    Line ends, a byte order mark and white space at the end of lines make no difference.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        if (control := first_control(line)) is not None:
            what = f"the control character U+{ord(control):04X} cannot stand in a prompt"
            return (Problem(file, number, None, what, "text, tabs and line ends"),)
    tidy = "\n".join(line.rstrip() for line in lines)
    if not tidy.strip():
        return (Problem(file, None, None, "the file is empty", "front matter between lines of ---, then a text"),)
    parts = _split(tidy)
    if parts is None:
        what = "no front matter, or one that is not closed"
        return (Problem(file, 1, None, what, "a first line ---, YAML, a line ---, then the instruction"),)
    try:
        front = _read_yaml(parts.yaml, parts.lines_before)
    except (LimitError, yaml.YAMLError) as error:
        return (_yaml_problem(error, file, parts),)
    mistakes = [
        *front.mistakes,
        *_missing_question(front.content),
        *_unknown_names(front.content, "corpus", known_corpora),
        *_missing_model(front.content),
        *_unknown_names(front.content, "model", known_models),
        *_unknown_models(front.content, known_models),
    ]
    checked = _validated(front.content, parts.instruction)
    if isinstance(checked, PromptFile) and not mistakes:
        return checked
    if isinstance(checked, list):
        already = {mistake.path for mistake in mistakes}
        mistakes += [mistake for mistake in checked if not _lies_in(mistake.path, already)]
    problems = [front.problem(mistake, file) for mistake in mistakes]
    problems.sort(key=lambda problem: (problem.line or 0, problem.key or ""))
    if len(problems) > MAX_PROBLEMS:
        rest = f"has {len(problems) - MAX_PROBLEMS:,} more mistakes, which are not listed"
        problems[MAX_PROBLEMS:] = [Problem(file, None, None, rest)]
    return tuple(problems)


@dataclass(frozen=True)
class _Parts:
    yaml: str
    lines_before: int
    instruction: str


def _split(text: str) -> _Parts | None:
    handler = YAMLHandler()
    body = text.lstrip()
    opening = handler.FM_BOUNDARY.match(body)
    if opening is None:
        return None
    try:
        front, instruction = handler.split(body)
    except ValueError:  # no second line of dashes
        return None
    lines_before = text[: len(text) - len(body)].count("\n") + body[: opening.end()].count("\n")
    return _Parts(front, lines_before, instruction.strip())


def _line(mark: yaml.Mark, parts: _Parts) -> int:
    return int(mark.line) + parts.lines_before + 1


def _yaml_problem(error: LimitError | yaml.YAMLError, file: str, parts: _Parts) -> Problem:
    if isinstance(error, LimitError):
        return Problem(file, error.line + parts.lines_before + 1, None, error.what, error.allowed)
    hint = "YAML, with quotes around text that holds `: ` or ` #` or begins with one of * & ! @ % [ {"
    what, line = " ".join(str(error).split()), None
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        what, line = str(error.problem or error.context), error.problem_mark.line
        if "'\\t'" in what:
            what, hint = "a tab stands where it is indented", "spaces there"
        elif error.context_mark is not None and error.context_mark.line != line:
            what += f"; what is not closed, or not indented alike, begins on line {_line(error.context_mark, parts)}"
    elif isinstance(error, ReaderError):
        what = f"the character U+{error.character:04X} cannot stand here"
        line = parts.yaml.count("\n", 0, error.position)
    return Problem(
        file, None if line is None else line + parts.lines_before + 1, None, f"is not valid YAML: {what:.300}", hint
    )


def _read_yaml(text: str, lines_before: int) -> _FrontMatter:
    try:
        return _read_with(_FAST_LOADER, text, lines_before)
    except yaml.YAMLError:
        return _read_with(yaml.SafeLoader, text, lines_before)  # its errors say more


def _read_with(make: type[yaml.SafeLoader], text: str, lines_before: int) -> _FrontMatter:
    check_limits(text, make)
    loader = make(text)
    try:
        root = loader.get_single_node()
        front = _FrontMatter({})
        if root is None:
            return front
        if not isinstance(root, yaml.MappingNode):
            raise yaml.composer.ComposerError(None, None, "there are no keys, such as `title: …`", root.start_mark)
        for path, node, key in _nodes(root, ()):
            if isinstance(key, yaml.ScalarNode) and not key.tag.endswith(":merge"):
                key.tag = _TEXT
            front.lines.setdefault(path, (key or node).start_mark.line + lines_before + 1)
            front.mistakes += _misreading(path, node)
        front.mistakes += _repeated_keys(root, (), lines_before)
        front.content = loader.construct_document(root)
        return front
    finally:
        loader.dispose()


def _nodes(node: yaml.Node, path: KeyPath) -> Iterator[tuple[KeyPath, yaml.Node, yaml.Node | None]]:
    """Every value below a node with its path and the node of its key, from the outside in."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            yield below, value, key
            yield from _nodes(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            yield (*path, place), value, None
            yield from _nodes(value, (*path, place))


def _repeated_keys(node: yaml.Node, path: KeyPath, lines_before: int) -> Iterator[_Mistake]:
    mappings = [(path, node), *((below, value) for below, value, _ in _nodes(node, path))]
    for place, mapping in mappings:
        if not isinstance(mapping, yaml.MappingNode):
            continue
        seen: dict[str, int] = {}
        for key, _ in mapping.value:
            name = str(key.value)
            line = key.start_mark.line + lines_before + 1
            if name in seen:
                yield _Mistake((*place, name), f"given twice, in line {seen[name]} and again in line {line}")
            seen.setdefault(name, line)


def _misreading(path: KeyPath, node: yaml.Node) -> list[_Mistake]:
    """Plain text that YAML reads as something else. The node is turned back into text, so that reading goes on."""
    kind = node.tag.rpartition(":")[2]
    if not isinstance(node, yaml.ScalarNode) or kind not in {"bool", "timestamp", "int", "float"}:
        return []
    if kind == "bool" and path not in _TRUTHS:
        what = f"YAML reads a bare {node.value:.60} as true or false"
    elif kind == "timestamp":
        what = f"YAML reads a bare {node.value:.60} as a date"
    elif kind in {"int", "float"} and len(node.value) > _LONGEST_NUMBER:
        what = f"is a number of {len(node.value):,} characters"
    elif kind in {"int", "float"} and not _PLAIN_NUMBER.fullmatch(node.value):
        what = f"YAML reads a bare {node.value:.60} as another number than it looks"
    else:
        return []
    node.tag = _TEXT
    allowed = _allowed(path)
    return [_Mistake(_as_named(path), what, _QUOTES if allowed == _PLAIN else allowed)]


def _names(path: KeyPath) -> list[str]:
    return [part for part in path if isinstance(part, str)]


def _allowed(path: KeyPath) -> str:
    if path and isinstance(path[-1], int) and _ALLOWED.get(_names(path)[-1]) == _TEXTS:
        return _PLAIN
    return next((_ALLOWED[name] for name in reversed(_names(path)) if name in _ALLOWED), _PLAIN)


def _as_named(path: KeyPath) -> KeyPath:
    """The path as people are told it: a range is one value."""
    return path[: path.index("range") + 1] if "range" in path else path


def _lies_in(path: KeyPath, places: set[KeyPath]) -> bool:
    return any(path[:end] in places for end in range(1, len(path) + 1))


def _missing_question(content: dict[str, Any]) -> list[_Mistake]:
    if "attributes" in content:
        return []
    return [_Mistake((key,), "missing", _ALLOWED[key]) for key in ("scale", "levels") if content.get(key) is None]


def _unknown_names(content: dict[str, Any], key: str, known: Collection[str]) -> Iterator[_Mistake]:
    name = content.get(key)
    if isinstance(name, str) and name.strip() and name.strip() not in known:
        yield _Mistake((key,), f"unknown {key} {name.strip():.80}{meant(name, known)}", ", ".join(sorted(known)))


def _missing_model(content: dict[str, Any]) -> Iterator[_Mistake]:
    """What answers is missing; it is said here, beside all else that is."""
    if "model" not in content and "models" not in content:
        yield _Mistake(("model",), "missing", "a model, as in claude-haiku-5-5, or several as models")


def _unknown_models(content: dict[str, Any], known: Collection[str]) -> Iterator[_Mistake]:
    variants = content.get("variants")
    for place, variant in enumerate(variants if isinstance(variants, list) else ()):
        name = variant.get("model") if isinstance(variant, dict) else None
        if isinstance(name, str) and name.strip() not in known:
            what = f"unknown model {name.strip():.80}{meant(name, known)}"
            yield _Mistake(("variants", place, "model"), what, ", ".join(sorted(known)))
    names = content.get("models")
    for place, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str) and name.strip() and name.strip() not in known:
            what = f"unknown model {name.strip():.80}{meant(name, known)}"
            yield _Mistake(("models", place), what, ", ".join(sorted(known)))


def _validated(content: dict[str, Any], instruction: str) -> PromptFile | list[_Mistake]:
    mistakes = []
    if "instruction" in content:
        mistakes.append(_Mistake(("instruction",), "unknown key", "the instruction is the text below the front matter"))
    try:
        checked = PromptFile.model_validate({**content, "instruction": instruction})
    except ValidationError as error:
        mistakes += [_mistake(item) for item in error.errors()]
        return mistakes
    return mistakes or checked


def _mistake(error: ErrorDetails) -> _Mistake:
    path: KeyPath = tuple(part for part in error["loc"] if part != "[key]")
    value, context = error["input"], error.get("ctx", {})
    if error["type"] == "wrong":
        return _Mistake((*path, *context["path"]), context["message"])
    path = _as_named(path)
    what, allowed = _described(value), _allowed(path) if path else None
    match error["type"]:
        case "extra_forbidden":
            what, allowed = _unknown_key(path)
        case "missing":
            what = "has not two numbers" if path[-1] == "range" else "missing"
        case "too_long":
            what = "has not two numbers"
        case "value_error":
            what = str(context["error"])
        case "literal_error":
            known = get_args(Effort) if path == ("effort",) else ()
            what = f"unknown {path[-1]} {value!s:.80}{meant(str(value), known)}"
        case "string_type" if isinstance(value, int | float):
            allowed = _QUOTES
    return _Mistake(path, what, allowed)


def _unknown_key(path: KeyPath) -> tuple[str, str]:
    names = _names(path[:-1])
    holder = _HOLDERS[names[-1]] if names else PromptFile
    keys = [name for name in holder.model_fields if name != "instruction"]
    return f"unknown key{meant(str(path[-1]), keys)}", ", ".join(keys)


def _described(value: object) -> str:
    match value:
        case None | "":
            return "is empty"
        case bool():
            return f"is {str(value).lower()}"
        case int() | float():
            return f"is the number {value:g}"
        case str():
            return f"is the text {textwrap.shorten(value, 40, placeholder='…')!r}"
        case list():
            return "is a list" if value else "is an empty list"
        case _:
            return "holds keys of its own"
