"""The static site: what it shows (`content`), its data (`document`), its files (`builder`), its page (`page/`).

It is made from published records alone and reads no warehouse. Nothing here draws, or computes what the page
shows of a layer: that is the page's own JavaScript, over the same rows.
"""

from exposure_dagster.publishing.site.builder import (
    SITE_FILES,
    build_site,
    content_security_policy,
    missing_site_files,
)
from exposure_dagster.publishing.site.content import SiteContent, with_aliases

__all__ = [
    "SITE_FILES",
    "SiteContent",
    "build_site",
    "content_security_policy",
    "missing_site_files",
    "with_aliases",
]
