"""A company with a file of its roles, and a prompt about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from exposure_dagster.cli.main import main
from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.settings import BUNDLED_PROMPTS, ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse

HEADER = "doc_id,title,text,jobs,median_pay_annual\n"
ROWS = {
    "dev": "dev,Backend developer,Writes and reviews code and reports at a computer from home.,40,118000",
    "acct": "acct,Accountant,Keeps accounts and drafts tax documents and audit data.,9,79000",
    "fork": "fork,Forklift driver,Drives vehicles and lifts heavy equipment and tools at the site.,25,43500",
    "cook": "cook,Line cook,Cooks food in the kitchen while standing and cleans the equipment.,12,",
}


@dataclass(frozen=True)
class Company:
    """A home with a file of roles, and prompts about it. There is no site to fetch from."""

    root: Path

    @property
    def file(self) -> Path:
        return self.root / "roles.csv"

    @property
    def prompts(self) -> Path:
        return self.root / "prompts"

    def settings(self, **changes: object) -> Settings:
        given: dict[str, object] = {
            "home": self.root / "home",
            "sites": str(self.root / "no-site"),
            "scorer": ScorerName.BASELINE,
            "prompts": self.prompts,
            "documents": f"roles={self.file}",
        }
        return Settings(**{**given, **changes})  # type: ignore[arg-type]

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.root / "home" / "exposure.duckdb")

    def write(self, **changes: str | None) -> None:
        """The roles, with rows changed, added, or (None) left out."""
        rows = [row for row in {**ROWS, **changes}.values() if row]
        self.file.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")

    def add_prompt(self, name: str, *, of: str, corpus: str = "roles") -> None:
        text = (BUNDLED_PROMPTS / f"{of}.md").read_text(encoding="utf-8").replace("enabled: false\n", "")
        (self.prompts / f"{name}.md").write_text(text.replace("corpus: ooh", f"corpus: {corpus}"), encoding="utf-8")

    def told(self, *command: str) -> str:
        """What a command prints about this home, where the keys of the environment are the test's."""
        settings = {
            "EXPOSURE_HOME": str(self.root / "home"),
            "EXPOSURE_SITES": str(self.root),
            "EXPOSURE_PROMPTS": str(self.prompts),
            "EXPOSURE_DOCUMENTS": f"roles={self.file}",
        }
        return CliRunner().invoke(main, list(command), env=settings, catch_exceptions=False).output

    def run(self, *names: str, **changes: object) -> None:
        run_pipeline(self.settings(**changes), names=names, is_confirmed=True)


def made_company(root: Path) -> Company:
    """The file, and the prompt `our_roles`."""
    made = Company(root)
    made.prompts.mkdir()
    made.write()
    made.add_prompt("our_roles", of="two_variable")
    return made
