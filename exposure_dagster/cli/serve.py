"""`exposure serve`."""

from __future__ import annotations

import errno
import socket
import sys

import click

from exposure_dagster.cli.dev import demo_settings, run_demo
from exposure_dagster.cli.terminal import ERR, warn
from exposure_dagster.errors import PublicationError, SettingError
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
    publications = Publications(settings.published_folder)
    try:
        snapshot = publications.current()
    except PublicationError:
        if not is_demo:
            raise
        run_demo(settings)
        snapshot = publications.current()
    listener = _listener(host, port)
    names = names_of(host, settings.served_names)
    app = create_app(publications, cors_origins=settings.allowed_origins, allowed_hosts=names)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    if not snapshot.site:
        warn("the publication holds no site; publish again with `exposure run`")
    for name, problem in snapshot.damaged.items():
        warn(f"{name} {problem}, and what it holds is not served; publish again with `exposure run`")
    ERR.print(f"Publication {snapshot.digest}, of {snapshot.published_at:%Y-%m-%d %H:%M} UTC", markup=False)
    ERR.print(f"Site: {address}/   API: {address}/docs   (stop with Ctrl+C)", markup=False, soft_wrap=True)
    try:
        server_of(app).run(sockets=[listener])
    except KeyboardInterrupt:
        sys.exit(130)


def _listener(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingError that says why it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        raise SettingError(
            "another program listens on this port" if is_taken else f"cannot listen here ({error.strerror or error})",
            where=f"{host}:{port}",
            remedy="Choose another with --port." if is_taken else "Choose another address with --host.",
        ) from error
