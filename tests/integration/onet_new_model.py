"""The sample's O*NET release in the content model from 30.3 on, with the tables that the sample lacks."""

from __future__ import annotations

import zipfile
from pathlib import Path

from exposure_dagster.settings import SAMPLE_SITES
from tests.unit.parsing.onet_release import Rows

OLD_ARCHIVE = SAMPLE_SITES / "www.onetcenter.org/dl_files/database/db_30_2_text.zip"

RENAMED = {
    "Education, Training, and Experience": "Education",
    "Education, Training, and Experience Categories": "Education Categories",
}
SKILLS = (("2.A.1.a", "Reading Comprehension"), ("2.A.1.b", "Active Listening"), ("2.A.1.d", "Speaking"))
ACTIVITIES = (("4.A.2.a.4", "Analyzing Data"), ("4.A.4.a.2", "Communicating with Supervisors"))


def sample_tables() -> dict[str, Rows]:
    """The tables of the sample's archive, as they are."""
    with zipfile.ZipFile(OLD_ARCHIVE) as archive:
        return {
            Path(name).stem: [line.split("\t") for line in archive.read(name).decode().splitlines()]
            for name in archive.namelist()
        }


def new_tables() -> dict[str, Rows]:
    """The sample's release with the names of 31.0; ratings, titles, skills and software are made up."""
    tables = {RENAMED.get(title, title): rows for title, rows in sample_tables().items()}
    codes = [row[0] for row in tables["Occupation Data"][1:]]
    ratings = ["O*NET-SOC Code", "Element ID", "Element Name", "Scale ID", "Data Value"]
    tables["Task Ratings"] = [
        ["O*NET-SOC Code", "Task ID", "Scale ID", "Category", "Data Value"],
        *([row[0], row[1], "IM", "n/a", f"{1 + int(row[1]) % 5}"] for row in tables["Task Statements"][1:]),
    ]
    tables["Job Titles"] = [
        ["O*NET-SOC Code", "Job Title", "Short Title", "Source(s)"],
        *([code, f"Worker {code[:7]} ({code[:2]}W)", f"{code[:2]}W", "08"] for code in codes),
    ]
    tables["Essential Skills"] = [
        ratings,
        *([code, element, name, "IM", f"{4 - at}"] for code in codes for at, (element, name) in enumerate(SKILLS[:2])),
    ]
    tables["Transferable Skills"] = [ratings, *([code, *SKILLS[2], "IM", "4.5"] for code in codes)]
    tables["Work Activities"] = [
        ratings,
        *([code, element, name, "IM", f"{3 + at}"] for code in codes for at, (element, name) in enumerate(ACTIVITIES)),
    ]
    tables["Software Skills"] = [
        ["O*NET-SOC Code", "Element Name", "Workplace Example", "Hot Technology", "In Demand"],
        *([code, "Office", name, hot, hot] for code in codes for name, hot in (("Abacus", "N"), ("Tables", "Y"))),
    ]
    tables["Related Occupations"] = [
        ["O*NET-SOC Code", "Related O*NET-SOC Code", "Relatedness Tier", "Index"],
        *([one, other, "Primary-Short", "1"] for one, other in zip(codes, codes[1:] + codes[:1], strict=True)),
    ]
    tables["Training and Experience"] = [
        [*ratings[:4], "Category", "Data Value"],
        [codes[0], "3.A.1", "", "RW", "1", "9"],
    ]
    return tables
