"""The HTTP API and the server of the site: a front door without Dagster, over published files alone.

`snapshots` reads a publication, `records` says what an answer looks like, `queries` how a list is narrowed, sorted
and paged, `problems` how a mistake is told, `delivery` what every answer carries and for whom it is, `server` the
bounds within which it is sent, `app` puts them together.
"""

from exposure_dagster.api.app import create_app
from exposure_dagster.api.delivery import names_of
from exposure_dagster.api.server import ServerLimits, server_of
from exposure_dagster.api.snapshots import Publications

__all__ = ["Publications", "ServerLimits", "create_app", "names_of", "server_of"]
