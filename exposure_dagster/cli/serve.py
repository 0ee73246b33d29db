"""`exposure serve`."""

from __future__ import annotations

import sys

import click

from exposure_dagster.cli.dev import demo_settings, run_demo
from exposure_dagster.cli.ports import listener
from exposure_dagster.cli.terminal import ERR, warn
from exposure_dagster.core.errors import PublicationError
from exposure_dagster.publishing.places import PublishedFolder
from exposure_dagster.settings import load_settings


@click.command()
@click.option("--demo", "is_demo", is_flag=True, help="Serve what the demo published (made first where it is missing).")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 takes any that is free."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def serve(is_demo: bool, port: int, host: str) -> None:
    """Serve the site and the API over what is published, to be read only."""
    from exposure_dagster.api import Publications, create_app, names_of, server_of

    settings = demo_settings() if is_demo else load_settings()
    PublishedFolder(settings.published_folder, settings.shared).keep_up()
    publications = Publications(settings.published_folder)
    try:
        snapshot = publications.current()
    except PublicationError:
        if not is_demo:
            raise
        run_demo(settings)
        snapshot = publications.current()
    listening = listener(host, port)
    names = names_of(host, settings.served_names)
    app = create_app(publications, cors_origins=settings.allowed_origins, allowed_hosts=names)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    if not snapshot.site:
        warn("the publication holds no site; publish again with `exposure run`")
    for name, problem in snapshot.damaged.items():
        warn(f"{name} {problem}, and what it holds is not served; publish again with `exposure run`")
    ERR.print(f"Publication {snapshot.digest}, of {snapshot.published_at:%Y-%m-%d %H:%M} UTC", markup=False)
    ERR.print(f"Site: {address}/   API: {address}/docs   (stop with Ctrl+C)", markup=False, soft_wrap=True)
    try:
        server_of(app).run(sockets=[listening])
    except KeyboardInterrupt:
        sys.exit(130)
