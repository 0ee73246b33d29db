"""What several machines share, where one home on one machine is not enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

NAME = "exposure"
"""What the project is called in a database: its own schema, its sessions, and the beginning of its locks' names."""


@dataclass(frozen=True)
class SharedStore:
    """A PostgreSQL database for what has to be agreed on, and a place for data that every machine reaches.

    `database_url` may hold a password: it is never shown, and `shown` names the database without it. `data_url` is the
    absolute path of a folder, or `s3://bucket/prefix`.
    """

    database_url: str = field(repr=False)
    data_url: str

    @property
    def shown(self) -> str:
        """The database as errors and reports name it: host and name alone."""
        parts = urlsplit(self.database_url)
        return f"{parts.hostname or 'local socket'}{parts.path}"

    def said(self, error: BaseException) -> str:
        """The first line of an error of a driver, without the address and its password."""
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        password = urlsplit(self.database_url).password
        for secret in (self.database_url, password, unquote(password or "")):
            text = text.replace(secret, "***") if secret else text
        return text
