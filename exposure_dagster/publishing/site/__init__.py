"""The static site: its data (`document`), its files (`builder`), its page (`page/`), a picture of it (`picture`).

It is made from published records alone and reads no warehouse. Nothing here computes what the page shows of a
layer: that is the page's own JavaScript, over the same rows.
"""

from exposure_dagster.publishing.site.builder import (
    PICTURE,
    POLICY,
    SITE_FILES,
    SITE_FOLDER,
    build_site,
    missing_site_files,
)
from exposure_dagster.publishing.site.sharing import CARD_POLICY, SHARE_FOLDER

__all__ = [
    "CARD_POLICY",
    "PICTURE",
    "POLICY",
    "SHARE_FOLDER",
    "SITE_FILES",
    "SITE_FOLDER",
    "build_site",
    "missing_site_files",
]
