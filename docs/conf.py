"""How Sphinx builds the documentation: `make docs`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS))

import reference  # noqa: E402  lies beside this file

from exposure_dagster import __version__  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "exposure_dagster"
author = "The exposure_dagster developers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["examples/*/prompts"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = f"exposure_dagster {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

ELSEWHERE = {
    "index": "README.md",
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
    "deploy-files": "deploy/README.md",
}
"""Pages that show a file that stands outside this folder, where people and hosts look for it."""

HERE_IT_STANDS = "<!-- the site shows {} here -->"
LINK_ELSEWHERE = re.compile(r"(?<=]\()(?:\.\./)?({})(?=[)#])".format("|".join(ELSEWHERE.values())))


def show_what_stands_elsewhere(app: Sphinx, page: str, source: list[str]) -> None:
    """Put such a file where its page says so, and have links to such files lead to their pages."""
    if name := ELSEWHERE.get(page):
        text = re.sub(r"]\((?:\.\./)?docs/", "](", (ROOT / name).read_text(encoding="utf-8"))
        text = text.replace("](LICENSE", "](../LICENSE")
        source[0] = source[0].replace(HERE_IT_STANDS.format(name), text)
    pages = {name: one for one, name in ELSEWHERE.items()}
    source[0] = LINK_ELSEWHERE.sub(lambda found: f"/{pages[found[1]]}.md", source[0])


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", lambda _: reference.write(DOCS / "reference"))
    app.connect("source-read", show_what_stands_elsewhere)
