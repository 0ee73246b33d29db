"""A scoring run in a process of its own, to be killed. Arguments: folder of the scene, URL, concurrency."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from tests.integration.scoring.faulty_model import FaultyModel
from tests.integration.scoring.scene import Scene


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell would ignore it
    folder, url, documents, concurrency = sys.argv[1:]
    scene = Scene(Path(folder), FaultyModel(url), documents=0)
    scene.refs = Scene.refs_of(range(int(documents)))
    scene.score(concurrency=int(concurrency))


if __name__ == "__main__":
    main()
