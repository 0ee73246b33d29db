"""The three kinds of site behind the one fetcher, and the choice between them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from exposure_dagster.core.errors import SettingError
from exposure_dagster.settings import SAMPLE_SITES, project_root
from exposure_dagster.sources.fetching import SYSTEM_CLOCK, Clock, Fetcher
from exposure_dagster.sources.folder import FolderFetcher, file_names

if TYPE_CHECKING:
    import httpx

    from exposure_dagster.sources.live import LiveLimits

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
# No brackets or quotes: it stands in the comment of a header.
_EMAIL = re.compile(r"[^@\s()<>\\,;:\"]+@[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE | re.ASCII)
_REFUSED_BY_BLS = "github.com"
"""Addresses at users.noreply.github.com are what Git knows many people by."""
_SHOWN_ENTRIES = 5


class SiteKind(StrEnum):
    """What a warehouse was filled from; pages of different kinds never mix."""

    LIVE = "live"
    SAMPLE = "sample"
    FOLDER = "folder"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where pages come from: the web (`folder` is None), or a folder that holds a folder a host."""

    kind: SiteKind
    folder: Path | None = None
    contact: str | None = field(default=None, repr=False)

    def folder_of(self, url: str) -> Path | None:
        """The folder that an address's page lies in, if it is there; None for a live site."""
        names = file_names(url)
        return None if self.folder is None or not names else (self.folder / names[0]).parent

    def fetcher(
        self,
        *,
        limits: LiveLimits | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> Fetcher:
        """A new fetcher of this site. `limits` and `transport` concern live sites alone."""
        if self.folder is not None:
            return FolderFetcher(self.folder, clock=clock)
        from exposure_dagster.sources.live import LiveFetcher, LiveLimits

        return LiveFetcher(
            contact=checked_contact(self.contact),
            limits=limits or LiveLimits(),
            transport=transport,
            clock=clock,
        )


def open_site(sites: str, *, contact: str | None) -> Site:
    """The site that `EXPOSURE_SITES` names: `live`, `sample`, or a folder (relative to the project root).

    Raises SettingError where a live site has no usable contact, or a folder no folder of a host.
    """
    if sites == SiteKind.LIVE:
        return Site(kind=SiteKind.LIVE, contact=checked_contact(contact))
    if sites == SiteKind.SAMPLE:
        return Site(kind=SiteKind.SAMPLE, folder=SAMPLE_SITES)
    return Site(kind=SiteKind.FOLDER, folder=_checked_folder(sites))


def checked_contact(contact: str | None) -> str:
    """The contact, if it is an e-mail address that bls.gov takes.

    Raises SettingError, which never repeats what was set.
    """
    remedy = (
        "Set it to your e-mail address, as in EXPOSURE_CONTACT=name@university.edu; it is sent to the site "
        "in the User-Agent and nowhere else. EXPOSURE_SITES=sample needs none."
    )
    text = (contact or "").strip()
    if not text:
        what = "fetching from the live site needs a contact address: bls.gov blocks clients that give none"
        raise SettingError(what, where="EXPOSURE_CONTACT", remedy=remedy)
    if not (text.isascii() and text.isprintable() and _EMAIL.fullmatch(text)):
        raise SettingError("what is set is not an e-mail address", where="EXPOSURE_CONTACT", remedy=remedy)
    if _REFUSED_BY_BLS in text.lower():
        what = f"bls.gov answers 403 to every User-Agent that contains {_REFUSED_BY_BLS}, as what is set does"
        raise SettingError(what, where="EXPOSURE_CONTACT", remedy=remedy)
    return text


def _checked_folder(sites: str) -> Path:
    folder = project_root() / Path(sites).expanduser()
    if not folder.is_dir():
        what = f"{folder} is {'not a folder' if folder.exists() else 'not there'}"
    elif any(entry.is_dir() and _HOST.fullmatch(entry.name) for entry in folder.iterdir()):
        return folder
    else:
        what = f"{folder} holds no folder of a host; it holds {_entries(folder)}"
    raise SettingError(
        what,
        where="EXPOSURE_SITES",
        remedy=(
            "Set it to live, to sample, or to a folder with one folder a host, such as www.bls.gov, and its pages "
            "below that by their paths."
        ),
    )


def _entries(folder: Path) -> str:
    names = sorted(entry.name for entry in folder.iterdir())
    more = f" and {len(names) - _SHOWN_ENTRIES} more" if len(names) > _SHOWN_ENTRIES else ""
    return ", ".join(names[:_SHOWN_ENTRIES]) + more if names else "nothing"
