"""What models cost: one dated table, which a file of the user's can add to or replace entries of.

Prices are USD per million tokens. What has been or may be spent is counted in `budget`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exposure_dagster.core.bounded import read_bounded
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.money import nano_usd
from exposure_dagster.providers.registry import OWN_ADDRESSES, Endpoints

MAX_RATE = 100_000.0
"""USD per million tokens: a hundred times what any model has cost. More is a slip, and would stop every run."""

MAX_TOKENS = 1_000_000_000
MAX_FILE_BYTES = 64 * 1024

MAX_LINE_LENGTH = 1000
"""Characters. A longer key of many parts takes a TOML reader time that grows with their square."""

_MILLION = 1_000_000
_SHOWN_PROBLEMS = 20
_SNAPSHOT_DATE = re.compile(r"-\d{8}$")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a request or of a document's share in it. The five kinds do not overlap."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0

    @property
    def cache_write_tokens(self) -> int:
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def prompt_tokens(self) -> int:
        """All that the model read, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    def shares(self, count: int) -> list[Usage]:
        """Spread over `count` documents as evenly as whole tokens go; the shares add up to the whole."""
        kinds = (
            self.input_tokens,
            self.output_tokens,
            self.cache_read_tokens,
            self.cache_write_5m_tokens,
            self.cache_write_1h_tokens,
        )
        spread = [[tokens // count + (place < tokens % count) for place in range(count)] for tokens in kinds]
        return [Usage(*share) for share in zip(*spread, strict=True)]


Rate = Annotated[float, Field(ge=0, le=MAX_RATE, allow_inf_nan=False, strict=True)]
Tokens = Annotated[int, Field(gt=0, le=MAX_TOKENS, strict=True)]


class Rates(BaseModel):
    """USD per million tokens of each kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Rate
    output: Rate
    cache_write_5m: Rate
    cache_write_1h: Rate
    cache_read: Rate

    def cost_nano(self, usage: Usage) -> int:
        """Nano-dollars for the tokens, to the nearest whole one."""
        return nano_usd(self.cost(usage))

    def cost(self, usage: Usage) -> float:
        """USD for the tokens."""
        return (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_write_5m_tokens * self.cache_write_5m
            + usage.cache_write_1h_tokens * self.cache_write_1h
            + usage.cache_read_tokens * self.cache_read
        ) / _MILLION


class LongPromptRates(Rates):
    """Rates of a whole request once its prompt is longer than `above_tokens`."""

    above_tokens: Tokens


class ModelPrice(Rates):
    """A model's entry: its rates, how many tokens it takes in all and how many it can write."""

    context_tokens: Tokens
    max_output_tokens: Tokens
    long_prompt: LongPromptRates | None = None

    def times(self, factor: float) -> ModelPrice:
        """The same model at a part of its rates."""
        names = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
        long_prompt = self.long_prompt
        if long_prompt is not None:
            long_prompt = long_prompt.model_copy(update={name: getattr(long_prompt, name) * factor for name in names})
        cheaper = {name: getattr(self, name) * factor for name in names}
        return self.model_copy(update={**cheaper, "long_prompt": long_prompt})

    def rates_for(self, prompt_tokens: int) -> Rates:
        """The rates of a request whose prompt has so many tokens."""
        if self.long_prompt is not None and prompt_tokens > self.long_prompt.above_tokens:
            return self.long_prompt
        return self


FREE = ModelPrice(
    input=0,
    output=0,
    cache_write_5m=0,
    cache_write_1h=0,
    cache_read=0,
    context_tokens=32_768,
    max_output_tokens=8_192,
)
"""A model on a server of one's own, unless an entry of its name says otherwise. How much it takes is assumed."""


class _PriceFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    dated: date | None = None
    source: str | None = None
    batch_factor: float | None = Field(None, gt=0, le=1)
    models: dict[str, ModelPrice] = {}


@dataclass(frozen=True)
class PriceTable(Mapping[str, ModelPrice]):
    """Prices by model. `dated` is the day of the bundled part, `batch_factor` the share that a batch costs.

    `endpoints` say where a model is asked, since a server of one's own sends no bill.
    """

    models: Mapping[str, ModelPrice]
    dated: date
    batch_factor: float
    override: Path | None
    endpoints: Endpoints = OWN_ADDRESSES

    def __getitem__(self, model: str) -> ModelPrice:
        return self.models[model]

    def __iter__(self) -> Iterator[str]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)

    def __contains__(self, model: object) -> bool:
        """Whether it is known what a model costs (see `of`)."""
        return isinstance(model, str) and self._found(model) is not None

    @property
    def unlisted(self) -> tuple[str, ...]:
        """The providers of which any model is known, since it costs nothing where it is asked."""
        return tuple(name for name, endpoint in self.endpoints.by_provider.items() if endpoint.is_local)

    def _found(self, model: str) -> ModelPrice | None:
        found = self.models.get(model) or self.models.get(_SNAPSHOT_DATE.sub("", model))
        return FREE if found is None and self.endpoints.of(model).is_local else found

    def of(self, model: str) -> ModelPrice:
        """The entry of a model; a dated snapshot (`…-20251001`) costs what its model does, and one without an entry
        that a server of one's own answers for costs nothing.

        Raises ScoringError that says where a missing price is to be put.
        """
        if (found := self._found(model)) is not None:
            return found
        file = "a file that EXPOSURE_PRICES names" if self.override is None else str(self.override)
        raise ScoringError(
            f"what model {model} costs is not known",
            where=f"prices of {self.dated.isoformat()}",
            remedy=f"Put [models.{_toml_key(model)}] into {file}, in the form of "
            "exposure_dagster/providers/prices.toml, "
            f"or use one of {', '.join(sorted(self.models))}.",
        )


def load_prices(override: Path | None = None, endpoints: Endpoints = OWN_ADDRESSES) -> PriceTable:
    """The bundled table, with the entries of `override` in the place of its own or beside them.

    Models without an entry cost nothing where they are asked at an address of one's own (see `Endpoint.is_local`).
    Raises ScoringError where the file is missing or is not a table of prices.
    """
    bundled = _PriceFile.model_validate(tomllib.loads(files(__package__).joinpath("prices.toml").read_text()))
    if bundled.dated is None or bundled.batch_factor is None:
        raise AssertionError("the bundled prices carry a date and a batch factor")
    own = _PriceFile() if override is None else _read(override)
    return PriceTable(
        models={**bundled.models, **own.models},
        dated=bundled.dated,
        batch_factor=own.batch_factor or bundled.batch_factor,
        override=override,
        endpoints=endpoints,
    )


def _toml_key(model: str) -> str:
    return model if re.fullmatch(r"[A-Za-z0-9_-]+", model) else f'"{model}"'


def _read(path: Path) -> _PriceFile:
    try:
        text = read_bounded(path, MAX_FILE_BYTES).decode("utf-8")
        too_long = next((at for at, line in enumerate(text.split("\n"), 1) if len(line) > MAX_LINE_LENGTH), None)
        if too_long is None:
            return _PriceFile.model_validate(tomllib.loads(text))
        what = f"line {too_long} has more than {MAX_LINE_LENGTH:,} characters"
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, item['loc']))}: {item['msg'].lower()}" for item in error.errors()]
        what = "; ".join(problems[:_SHOWN_PROBLEMS])
    except (OSError, ValueError) as error:  # of TOML, of UTF-8, of a number with too many digits
        what = f"it cannot be read as TOML ({error})"
    except RecursionError:
        what = "it cannot be read as TOML (its lists or tables nest too deeply)"
    raise ScoringError(
        what, where=str(path), remedy="Correct the file that EXPOSURE_PRICES names, or unset the setting."
    )
