"""A scoring run in a process of its own, to be killed. Arguments: folder of the scene, URL, documents, concurrency, who
is asked, and where machines share them the addresses of database and data."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from exposure_dagster.core.shared import SharedStore
from tests.integration.scoring.faulty_model import FaultyModel
from tests.integration.scoring.scene import PROVIDERS, Scene, asked_prompt


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell would ignore it
    folder, url, documents, concurrency, provider, *shared = sys.argv[1:]
    asked = asked_prompt(model=PROVIDERS[provider])
    scene = Scene(
        Path(folder),
        FaultyModel(url),
        documents=0,
        asked=asked,
        provider=provider,
        shared=SharedStore(*shared) if shared else None,
    )
    scene.refs = Scene.refs_of(range(int(documents)))
    scene.score(concurrency=int(concurrency))


if __name__ == "__main__":
    main()
