"""Composites: rankings that weigh what other prompts answered, and figures, into one number. No model is asked.

A file `<name>.composite.yaml` in the folder of prompts:

    title: Exposed, and well paid
    description: Where much may change and much is paid.
    weights:
      exposure: 2      # a prompt; `prompt.attribute` is one of its attributes
      pay: 1           # pay, outlook, education: figures of the documents
      robotics: -1     # below zero: turned round

The names are those of the site's layers. Each is put to 0 to 1 on its scale; the composite is their weighted mean, from
0 to 10 (see `publishing.site.composites`).
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from exposure_dagster.core.bounded import read_bounded
from exposure_dagster.core.characters import harmless
from exposure_dagster.prompts.checking import Problem

ENDING = ".composite.yaml"

MAX_FILE_BYTES = 20_000

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Composite(BaseModel):
    """A composite: what it is called, and the weight of each layer. `name` is the file's, without the ending."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=2_000)
    weights: dict[str, FiniteFloat] = Field(min_length=1, max_length=100)

    @field_validator("title", "description")
    @classmethod
    def _plain(cls, text: str) -> str:
        return " ".join(harmless(text).split())

    @field_validator("weights")
    @classmethod
    def _counted(cls, weights: dict[str, float]) -> dict[str, float]:
        if zero := [name for name, weight in weights.items() if weight == 0]:
            raise ValueError(f"a weight of 0 counts nothing: leave {', '.join(zero)} out")
        return weights


def load_composites(folder: Path) -> tuple[tuple[Composite, ...], tuple[Problem, ...]]:
    """The composites of a folder by name, and what is wrong with those that cannot be used."""
    found = [
        _read(path) for path in sorted(folder.glob(f"*{ENDING}")) if not path.name.startswith(".") and not path.is_dir()
    ]
    good = tuple(one for one in found if isinstance(one, Composite))
    return good, tuple(one for one in found if isinstance(one, Problem))


def _read(path: Path) -> Composite | Problem:
    name = path.name.removesuffix(ENDING)
    if not _NAME.fullmatch(name):
        what = f"a composite cannot be named {path.name}"
        return Problem(str(path), None, None, what, "lower-case letters, digits and underscores, as in my_mix" + ENDING)
    try:
        given = yaml.safe_load(read_bounded(path, MAX_FILE_BYTES).decode("utf-8"))
        if isinstance(given, dict) and "name" not in given:
            return Composite(name=name, **{str(key): value for key, value in given.items()})
        problem = Problem(str(path), None, None, "it has to be title, description and weights, each on a line")
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or None
        problem = Problem(str(path), None, key, first["msg"].removeprefix("Value error, "))
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line + 1
        problem = Problem(str(path), line, None, f"it is no YAML: {error.problem}")
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        problem = Problem(str(path), None, None, "it is no YAML in UTF-8", "text saved as UTF-8")
    except OSError as error:
        problem = Problem(str(path), None, None, f"cannot be read: {error.strerror}")
    return problem
