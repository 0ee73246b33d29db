"""`exposure mcp`."""

from __future__ import annotations

import logging

import click

from exposure_dagster.core.errors import ExposureError
from exposure_dagster.publishing.places import PublishedFolder
from exposure_dagster.settings import load_settings


@click.command("mcp")
def mcp_command() -> None:
    """Serve what is published to an assistant, over standard input and output.

    An assistant's program starts it (Model Context Protocol); it only reads.
    """
    try:
        from exposure_dagster.assistants import create_server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise ExposureError(
            "the package mcp is not installed",
            where="exposure mcp",
            remedy='Install the extra of that name, in a checkout by `pip install -e ".[mcp]"`.',
        ) from None
    from exposure_dagster.api import Publications

    logging.getLogger("httpx").setLevel(logging.WARNING)  # the API is asked within this process
    settings = load_settings()
    PublishedFolder(settings.published_folder, settings.shared).keep_up()
    publications = Publications(settings.published_folder)
    publications.current()  # where nothing is published, that is said now
    create_server(publications).run()
