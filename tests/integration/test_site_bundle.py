"""The site's built script: it is made from the sources beside it, and says whose libraries it holds. No Node needed."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

SITE = Path(str(files("exposure_dagster.publishing.site")))
WEB, BUILT = SITE / "web", SITE / "page" / "built"


def hash_of_inputs(folder: Path) -> str:
    """As web/build.js has it: name and content of every input, in order of names."""
    sources = [path.relative_to(folder).as_posix() for path in (folder / "src").glob("*.js")]
    digest = hashlib.sha256()
    for name in sorted([*sources, "build.js", "package-lock.json", "package.json"]):
        digest.update(f"{name}\0{(folder / name).read_text(encoding='utf-8')}\0".encode())
    return digest.hexdigest()


def test_the_built_script_is_made_from_the_sources_that_lie_there() -> None:
    kept = (BUILT / "site.js.inputs").read_text(encoding="utf-8").strip()
    assert kept == hash_of_inputs(WEB), "run `make page` and commit what it builds"


def test_the_built_script_carries_the_licence_of_every_library_in_it() -> None:
    script = (BUILT / "site.js").read_text(encoding="utf-8")
    notices = script[: script.index("*/")]
    wanted = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert [name for name, version in wanted.items() if f"{name} {version}" not in notices] == []
    assert "Permission to use, copy, modify, and/or distribute this software" in notices


def test_the_lock_file_names_no_registry_and_has_a_checksum_for_every_package() -> None:
    packages = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [path for path, of in packages.items() if "resolved" in of] == []
    assert [path for path, of in packages.items() if path and "integrity" not in of] == []
