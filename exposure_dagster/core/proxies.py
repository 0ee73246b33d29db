"""What a client of HTTP makes of the proxies that the environment names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from exposure_dagster.core.errors import SettingError

_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@contextmanager
def usable_proxies(*refusals: type[Exception]) -> Iterator[None]:
    """Around the making of a client, which reads these variables itself and raises one of `refusals` besides.

    Raises SettingError that names those that are set where one of them cannot be used.
    """
    caught: tuple[type[Exception], ...] = (ImportError, ValueError, *refusals)
    try:
        yield
    except caught as error:
        raise SettingError(
            f"a proxy that the environment names cannot be used ({error})",
            where=", ".join(name for name in os.environ if name.upper() in _VARIABLES) or "proxy settings",
            remedy="Unset it, or write it as in http://proxy.example.org:3128; SOCKS needs `pip install socksio`, and "
            "NO_PROXY holds names of hosts or IPv4 addresses with commas between them.",
        ) from error
