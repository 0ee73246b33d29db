"""What the project is made of, read from its lock file: licences, known vulnerabilities, a bill of materials.

    python docs/supply_chain.py page [FILE]      writes docs/supply-chain.md
    python docs/supply_chain.py audit [FILE]     looks up the known vulnerabilities of every package in a lock file
    python docs/supply_chain.py sbom FILE        writes a bill of materials (CycloneDX, JSON)

`make licences`, `make audit` and `make sbom` run these. `audit` alone needs a network; it ends with status 1 if a
package has a known vulnerability, and with 2 if not every package could be looked up.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from exposure_dagster import __version__

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
PAGE = Path(__file__).with_name("supply-chain.md")
PROJECT = "exposure-dagster"
SCRIPT_SOURCE = ROOT / "exposure_dagster" / "publishing" / "site" / "web"
OSV = "https://api.osv.dev"
"""The Open Source Vulnerabilities database, which gathers the advisories of PyPA, GitHub and others."""

SPELLINGS = {
    "apache": "Apache-2.0",
    "apache 2 0": "Apache-2.0",
    "apache license": "Apache-2.0",
    "apache license 2 0": "Apache-2.0",
    "apache license version 2 0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "3 clause bsd license": "BSD-3-Clause",
    "bsd 2 clause license": "BSD-2-Clause",
    "bsd 3 clause license": "BSD-3-Clause",
    "mit license": "MIT",
    "mozilla public license 2 0 mpl 2 0": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
}
"""How packages name licences, in small letters and without signs, and the SPDX identifier of each."""

NAMED_IN_THEIR_TEXTS = {
    "alabaster": "BSD-3-Clause",
    "antlr4-python3-runtime": "BSD-3-Clause",
    "axe-playwright-python": "MIT",
    "cycler": "BSD-3-Clause",
    "docutils": "BSD-2-Clause",  # most of it is in the public domain; its one file under the GPL is in no wheel
    "jinja2": "BSD-3-Clause",
    "kiwisolver": "BSD-3-Clause",
    "pyasn1-modules": "BSD-2-Clause",
    "s3fs": "BSD-3-Clause",
    "psycopg2-binary": "LGPL-3.0-or-later",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    **dict.fromkeys((f"sphinxcontrib-{kind}help" for kind in ("apple", "dev", "html", "qt")), "BSD-2-Clause"),
    "sphinxcontrib-jsmath": "BSD-2-Clause",
    "sphinxcontrib-serializinghtml": "BSD-2-Clause",
    "uvloop": "MIT OR Apache-2.0",
    # not installed on every system
    "colorama": "BSD-3-Clause",
    "httpx2-jsfetch": "BSD-3-Clause",
    "psutil": "BSD-3-Clause",
    "pyreadline3": "BSD-3-Clause",
    "pywin32": "PSF-2.0",
}
"""Packages whose metadata name a family of licences, or none: what the text that comes with them is."""

COPYLEFT = re.compile(r"\b(?:A?GPL|SSPL|EUPL|OSL|CC-BY-(?:NC|SA))", re.IGNORECASE)
"""Licences that would bind whoever passes the project on; none of them is taken in. LGPL and MPL bind changes of the
library alone."""

_SHOWN_CHARACTERS = 200


class SupplyChainError(Exception):
    """Something that whoever changes a dependency has to decide."""


@dataclass(frozen=True)
class Locked:
    """A package of the lock file: `marker` says where it is installed (empty: everywhere), `parents` who wants it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    parents: tuple[str, ...]


def read_lock(path: Path = LOCK) -> list[Locked]:
    """The packages of a lock file as `uv pip compile` writes it, by name and version."""
    packages: list[Locked] = []
    for block in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8")):
        head = re.match(r"([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(?: ; ([^\\\n]+?))?(?: \\)?(?:\n|$)", block)
        if head is None:
            raise SupplyChainError(f"{path.name} has a line of another form: {block.splitlines()[0]}")
        comment = " ".join(line.strip(" #") for line in block.splitlines() if line.startswith("    #"))
        parents = comment.removeprefix("via").replace(" (pyproject.toml)", "").replace(",", " ").split()
        hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", block))
        packages.append(Locked(head[1].lower(), head[2], head[3] or "", hashes, tuple(parents)))
    return packages


def needed_to_run(packages: Sequence[Locked]) -> set[str]:
    """Names of the packages that the project needs to run; the others serve its developers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {_plain_name(requirement) for requirement in project["dependencies"]}
    while more := {one.name for one in packages if needed & set(one.parents)} - needed:
        needed |= more
    return needed


def _plain_name(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match[0]).lower()


@cache
def licence_of(name: str) -> str:
    """The SPDX expression of a package's licence.

    Raises SupplyChainError where its metadata name none that is known here, and where it is one not to be taken in.
    """
    licence = NAMED_IN_THEIR_TEXTS.get(name) or next(_named(name), None)
    if licence is None:
        raise SupplyChainError(f"{name}: no known licence; read its text, and add it to NAMED_IN_THEIR_TEXTS")
    if all(COPYLEFT.search(choice) for choice in licence.split(" OR ")):
        raise SupplyChainError(f"{name}: its licence, {licence}, would bind whoever passes this project on")
    return licence


def _named(name: str) -> Iterator[str]:
    from cyclonedx.spdx import is_expression, is_supported_id

    try:
        said = metadata(name)
    except PackageNotFoundError:
        return
    classifiers = [
        one.rpartition(" :: ")[2] for one in said.get_all("Classifier") or [] if one.startswith("License ::")
    ]
    for words in (said.get("License-Expression"), (said.get("License") or "").partition("\n")[0], *classifiers):
        if words and (is_supported_id(words) or (is_expression(words) and re.search(r" (?:AND|OR) ", words))):
            yield words
        elif words and (known := SPELLINGS.get(re.sub(r"[^a-z0-9]+", " ", words.lower()).strip())):
            yield known


# --- the page ------------------------------------------------------------------------------------------------------


INTRODUCTION = """# What the project is made of

<!-- Written by `make licences` from requirements.lock: change docs/supply_chain.py, not this page. -->

Every package that an installation brings is in `requirements.lock`, in one version (some of them in another one
for other versions of Python), with the SHA-256 of each of its files. `make demo`, `make dev` and `make test` install
from it with `--require-hashes`: a file that was changed on its way, or that nobody has looked at, is refused.

| command | what |
|---|---|
| `make lock` | resolves `pyproject.toml` anew into the lock file, all packages at their newest |
| `make audit` | looks up the known vulnerabilities of all that is locked, at [OSV](https://osv.dev) |
| `make licences` | writes this page |
| `make sbom` | writes the bill of materials, `dist/exposure-dagster.cdx.json` (CycloneDX 1.6) |
| `make dist` | builds wheel and source archive into `dist/`, the bill of materials beside them |

`make audit` needs a network. Where not every package could be looked up it says so and ends with status 2: an audit
that did not take place is no audit that was passed. `make licences` refuses a package without a known licence, and one
whose licence would bind whoever passes the project on. The bill of materials names every package with version, hashes,
licence and who needs it, and is the same for the same lock file; packages that only developers need have the scope
`excluded`, and are in no release.

Nothing is downloaded when the project runs but what it is told to fetch: pages and tables of BLS and O*NET, and the
answers of a model. The licences of the data are in [Sources and licences](sources.md).
"""

SCRIPT = """
## The site's script

`page/built/site.js` is built from `exposure_dagster/publishing/site/web/` with these libraries, and is committed: only
who changes it needs Node (`make page`). `package-lock.json` there holds the SHA-512 of each, and of the tools that
check and build it; none of them is in a release. The script carries the libraries' licences.
"""


def page(path: Path = LOCK) -> str:
    """The page as Markdown."""
    packages = read_lock(path)
    needed = needed_to_run(packages)
    names = sorted({one.name for one in packages})
    counts = Counter(licence_of(name) for name in names)
    lines = [INTRODUCTION, f"## Licences\n\n{len(names)} packages, {len(needed & set(names))} of them needed to run.\n"]
    lines += ["| licence | packages |", "|---|---:|"]
    lines += [
        f"| {licence} | {count} |" for licence, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]
    for title, is_wanted in (("Needed to run", True), ("For developers", False)):
        lines += [f"\n### {title}\n", "| package | version | licence | only where |", "|---|---|---|---|"]
        lines += [
            f"| {one.name} | {one.version} | {licence_of(one.name)} | {f'`{one.marker}`' if one.marker else ''} |"
            for one in packages
            if (one.name in needed) is is_wanted
        ]
    lines += [SCRIPT, "| library | version | licence |", "|---|---|---|"]
    lines += [f"| {name} | {version} | {licence} |" for name, version, licence in bundled()]
    return "\n".join(lines) + "\n"


def bundled() -> list[tuple[str, str, str]]:
    """Name, version and licence of the libraries that the site's script is built with."""
    packages = json.loads((SCRIPT_SOURCE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return [
        (path.removeprefix("node_modules/"), of["version"], of["license"])
        for path, of in sorted(packages.items())
        if path and not of.get("dev")
    ]


# --- the bill of materials -----------------------------------------------------------------------------------------


def sbom(path: Path = LOCK) -> str:
    """The bill of materials as JSON; the same for the same lock file and version of the project."""
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentScope, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    packages = read_lock(path)
    needed = needed_to_run(packages)
    licences = LicenseFactory()
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"{PROJECT} {__version__} {path.read_text(encoding='utf-8')}"))
    project = Component(
        name=PROJECT,
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref=PROJECT,
        description=about["description"],
        licenses=[licences.make_from_string(about["license"])],
    )
    components = {
        one: Component(
            name=one.name,
            version=one.version,
            type=ComponentType.LIBRARY,
            bom_ref=f"{one.name}=={one.version}",
            purl=PackageURL("pypi", name=one.name, version=one.version),
            scope=ComponentScope.REQUIRED if one.name in needed else ComponentScope.EXCLUDED,
            licenses=[licences.make_from_string(licence_of(one.name))],
            external_references=[
                ExternalReference(
                    type=ExternalReferenceType.DISTRIBUTION,
                    url=XsUri(str(PackageURL("pypi", name=one.name, version=one.version))),  # wherever it comes from
                    comment=one.marker or None,
                    hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in one.hashes],
                )
            ],
        )
        for one in packages
    }
    bom.metadata.component = project
    # The moment of writing is no fact about the release, and would make every bill another one.
    bom.metadata.timestamp = None
    for component in components.values():
        bom.components.add(component)
    for parent, component in [(PROJECT, project), *((one.name, component) for one, component in components.items())]:
        bom.register_dependency(component, [other for one, other in components.items() if parent in one.parents])
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


# --- the audit -----------------------------------------------------------------------------------------------------


def audit(path: Path = LOCK, service: str = OSV) -> int:
    """Prints the known vulnerabilities of what is locked; returns the status to end with."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    command += ["--vulnerability-service", "osv", "--osv-url", f"{service}/v1/query"]
    done = subprocess.run(
        [*command, "--format", "json", "--requirement", str(path)], capture_output=True, text=True, check=False
    )
    try:
        looked_up = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"Nothing was looked up at {service}: {reason[:_SHOWN_CHARACTERS]}")
        return 2
    skipped = [one for one in looked_up if "skip_reason" in one]
    vulnerable = [(one, vulnerability) for one in looked_up for vulnerability in one.get("vulns", [])]
    for one, vulnerability in vulnerable:
        mended = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        print(f"{one['name']} {one['version']}: {vulnerability['id']}, mended in {mended}")
    for one in skipped:
        print(f"{one['name']}: not looked up ({one['skip_reason']})")
    print(f"Looked up at {service}: {len(looked_up) - len(skipped)} packages. Known vulnerabilities: {len(vulnerable)}")
    return 1 if vulnerable else 2 if skipped else 0


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case ["page", *rest]:
            Path(*rest or [PAGE]).write_text(page(), encoding="utf-8")
        case ["sbom", file]:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(sbom(), encoding="utf-8")
        case ["audit", *rest]:
            return audit(*map(Path, rest))
        case _:
            print(__doc__)
            return 64
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SupplyChainError as error:
        sys.exit(str(error))
