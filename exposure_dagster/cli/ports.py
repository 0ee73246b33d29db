"""Ports that commands listen on."""

from __future__ import annotations

import errno
import socket

from exposure_dagster.core.errors import SettingError


def listener(host: str, port: int) -> socket.socket:
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
