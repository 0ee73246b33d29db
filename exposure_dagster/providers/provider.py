"""The contract: what is known of a provider, where its models are asked, and what its module can do.

A provider is one module of this folder (see `Service`) and one entry of `registry`. The module alone loads an SDK, and
is loaded when something is asked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from exposure_dagster.core.errors import ScoringError

if TYPE_CHECKING:
    from exposure_dagster.providers.exchange import Attempt, MessageRequest


@dataclass(frozen=True)
class BatchTerms:
    """What a provider takes in one batch, and for how long it keeps what came of it."""

    max_requests: int
    max_bytes: int
    results_kept: timedelta


@dataclass(frozen=True)
class Provider:
    """What is known of a provider before it is asked anything.

    `name` stands before the model's in a prompt file (`openai/gpt-5-mini`), `family` in the identity of a request,
    which must never change. The environment holds its key in `key_variable`, and in `address_variable` another address
    than its own. Hosts of `domain` are its own as well, as those of its regions; by default those below its address.
    `efforts` are those it knows; `batches` is None where it takes none.
    """

    name: str
    title: str
    family: str
    module: str
    key_variable: str
    address_variable: str
    address: str | None
    domain: str | None = None
    extra: str | None = None
    is_key_needed: bool = True
    efforts: Collection[str] = ("low", "medium", "high", "xhigh", "max")
    batches: BatchTerms | None = None

    @property
    def service(self) -> Service:
        """Its module. Raises ScoringError where the package that it needs is not installed."""
        try:
            return cast(Service, import_module(f"exposure_dagster.providers.{self.module}"))
        except ModuleNotFoundError as error:
            if self.extra is None or (error.name or "").partition(".")[0] == "exposure_dagster":
                raise
            raise ScoringError(
                f"{self.title} is asked through the package {error.name}, which is not installed",
                where=f"provider {self.name}",
                remedy=f"Install it: pip install 'exposure-dagster[{self.extra}]'.",
            ) from error


@dataclass(frozen=True)
class Endpoint:
    """Where a provider's models are asked: with which key, and at which address if not at the provider's own."""

    provider: Provider
    api_key: SecretStr | None = None
    other_address: str | None = None

    @property
    def address(self) -> str | None:
        return self.other_address or self.provider.address

    @cached_property
    def is_own(self) -> bool:
        """Whether it is the provider itself that answers, and not a server that speaks like it."""
        if self.other_address is None:
            return self.provider.address is not None
        host = urlsplit(self.other_address).hostname or ""
        own = self.provider.domain or urlsplit(self.provider.address or "").hostname
        return own is not None and (host == own or host.endswith(f".{own}"))

    @cached_property
    def family(self) -> str:
        """Its part in the identity of a request: an answer of another server is another answer."""
        return self.provider.family if self.is_own else f"{self.provider.family}-compatible"

    @property
    def is_local(self) -> bool:
        """Whether the address lies on this machine or in a private network, where nobody sends a bill, or is still to
        be named by who has such a server."""
        if self.address is None:
            return True
        host = urlsplit(self.address).hostname or ""
        if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
            return True
        try:
            return ipaddress.ip_address(host).is_private
        except ValueError:
            return bool(host) and "." not in host and ":" not in host

    @property
    def is_usable(self) -> bool:
        """Whether there is an address to ask, and a key where one is needed."""
        return self.address is not None and (self.api_key is not None or not self._is_key_needed)

    @property
    def _is_key_needed(self) -> bool:
        return self.provider.is_key_needed and not self.is_local

    def key(self) -> str:
        """The key as it is sent. Raises ScoringError where it cannot be one."""
        if self.api_key is None:
            return "none-needed"
        key = self.api_key.get_secret_value().strip()
        if not key or not key.isascii() or not key.isprintable():
            raise ScoringError("it is empty or holds characters that no key has", where=self.provider.key_variable)
        return key


class Client(Protocol):
    """Sends single requests."""

    async def ask(self, request: MessageRequest, *, timeout_seconds: float) -> Attempt:
        """Send one request and wait for its whole answer, `timeout_seconds` at most. Raises nothing of the API's."""

    async def count_tokens(self, request: MessageRequest) -> int | None:
        """Tokens of its prompt, counted by the server at no cost; None where it does not say."""


class BatchRejectedError(ScoringError):
    """The API will not take a batch, or not say how it is: nothing was begun."""


class BatchUncertainError(ScoringError):
    """Whether the API took a batch is not known."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is: requests by what became of them so far."""

    has_ended: bool
    processing: int
    done: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A batch at the API that may be the one that is looked for."""

    batch_id: str
    has_ended: bool


class BatchClient(Protocol):
    """Sends batches, and fetches what came of them."""

    async def create(self, token: str, requests: Sequence[tuple[str, MessageRequest]]) -> str:
        """Send a batch, once for every time that the API says it did not take it; returns its id.

        `token` is ours, and the ids of the requests begin with it. Raises BatchRejectedError where the API will not
        take it, BatchUncertainError where it may have.
        """

    async def candidates(
        self, token: str, requests: int, *, known: Collection[str], begun_at: datetime
    ) -> list[Candidate]:
        """Batches that may be the one sent with `token`: of so many requests, which came to be about `begun_at` (UTC)
        and are not `known`."""

    async def state(self, batch_id: str) -> BatchState | None:
        """How far a batch is; None where the API says that it does not know it."""

    async def read_results(self, batch_id: str, enter: Callable[[str, Attempt], Awaitable[None]]) -> bool:
        """Call `enter` with what became of each request of a batch that has ended: custom id and attempt.

        The order is any; where the connection breaks, results that were read come again. False where the API says
        that it knows no such results.
        """

    async def a_custom_id(self, batch_id: str) -> str | None:
        """The custom id of one request of a batch that has ended; None where the API shows none."""

    async def cancel(self, batch_id: str) -> None:
        """Ask the API to stop a batch; what it has done is paid for and can still be collected."""


class Service(Protocol):
    """What the module of a provider can do. One that takes no batches lacks the last two."""

    def connect(self, endpoint: Endpoint, *, connections: int) -> AbstractAsyncContextManager[Client]:
        """A client with up to so many connections open, closed at the end of the block.

        Raises ScoringError where it cannot come about: a key that is none, a proxy setting that cannot be read.
        """

    def connect_batches(self, endpoint: Endpoint) -> AbstractAsyncContextManager[BatchClient]:
        """A client for batches. Raises as `connect` does."""

    def size_bytes(self, request: MessageRequest) -> int:
        """What a request takes of a batch's `max_bytes`."""
