"""A small O*NET release as tests write it: in the content model up to 30.2 and in that from 30.3 on, in every form."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape

SHEET = "xl/worksheets/sheet1.xml"

Rows = list[list[str]]
Release = Mapping[str, Rows]

OLD_TABLES: dict[str, Rows] = {
    "Occupation Data": [
        ["O*NET-SOC Code", "Title", "Description"],
        ["29-1141.00", "Registered Nurses", "Look after patients’ health, “day and night”."],
        ["47-2181.00", "Roofers", "Cover roofs."],
    ],
    "Sample of Reported Titles": [
        ["O*NET-SOC Code", "Title", "Reported Job Title", "Shown in My Next Move"],
        ["29-1141.00", "Registered Nurses", "Charge Nurse", "Y"],
        ["29-1141.00", "Registered Nurses", "Staff Nurse", "N"],
    ],
    "Education, Training, and Experience": [
        ["O*NET-SOC Code", "Element ID", "Scale ID", "Category", "Data Value", "N"],
        ["29-1141.00", "2.D.1", "RL", "5", "25.5", "40"],
        ["29-1141.00", "2.D.1", "RL", "6", "74.5", "40"],
        ["29-1141.00", "2.D.4.a", "IM", "", "3.01", "28"],
    ],
    "Education, Training, and Experience Categories": [
        ["Element ID", "Scale ID", "Category", "Category Description"],
        ["2.D.1", "RL", "5", "Associate's Degree (or other 2-year degree)"],
        ["3.A.1", "RW", "1", "None"],
    ],
    "Task Statements": [
        ["O*NET-SOC Code", "Task ID", "Task", "Task Type", "Incumbents Responding", "Date", "Domain Source"],
        ["29-1141.00", "1001", 'Ask "how are you?" and listen.', "Core", "95", "08/2023", "Incumbent"],
        ["29-1141.00", "1002", "Order supplies.", "n/a", "n/a", "08/2023", "Analyst"],
    ],
    "Job Zones": [["O*NET-SOC Code", "Job Zone", "Date"], ["29-1141.00", "3", "08/2023"]],
    "Task Ratings": [
        ["O*NET-SOC Code", "Task ID", "Scale ID", "Category", "Data Value"],
        ["29-1141.00", "1001", "FT", "1", "0.5"],
        ["29-1141.00", "1001", "IM", "n/a", "4.6"],
    ],
    "Alternate Titles": [
        ["O*NET-SOC Code", "Alternate Title", "Short Title", "Source(s)"],
        ["29-1141.00", "Registered Nurse (RN)", "RN", "01,02"],
        ["29-1141.00", "Ward Nurse", "n/a", "08"],
    ],
    "Skills": [
        ["O*NET-SOC Code", "Element ID", "Element Name", "Scale ID", "Data Value", "N"],
        ["29-1141.00", "2.A.1.b", "Active Listening", "IM", "4.25", "8"],
        ["29-1141.00", "2.A.1.b", "Active Listening", "LV", "4.62", "8"],
        ["29-1141.00", "2.B.1.f", "Service Orientation", "IM", "4.12", "8"],
    ],
    "Technology Skills": [
        ["O*NET-SOC Code", "Example", "Commodity Code", "Commodity Title", "Hot Technology", "In Demand"],
        ["29-1141.00", "Epic Systems", "43231513", "Medical software", "Y", "Y"],
        ["29-1141.00", "Charting software", "43231513", "Medical software", "N", "N"],
    ],
    "Work Activities": [
        ["O*NET-SOC Code", "Element ID", "Element Name", "Scale ID", "Data Value", "N"],
        ["29-1141.00", "4.A.4.a.5", "Assisting and Caring for Others", "IM", "4.66", "30"],
        ["29-1141.00", "4.A.4.a.5", "Assisting and Caring for Others", "LV", "5.40", "30"],
    ],
    "Related Occupations": [
        ["O*NET-SOC Code", "Related O*NET-SOC Code", "Relatedness Tier", "Index"],
        ["29-1141.00", "47-2181.00", "Primary-Short", "1"],
    ],
}
"""With the names and columns that releases 27 to 30.2 have."""

NEW_TABLES: dict[str, Rows] = {
    **{
        title: OLD_TABLES[title]
        for title in (
            *("Occupation Data", "Sample of Reported Titles", "Task Statements", "Job Zones", "Task Ratings"),
            *("Work Activities", "Related Occupations"),
        )
    },
    "Education": [
        ["O*NET-SOC Code", "Element ID", "Element Name", "Scale ID", "Category", "Data Value", "N"],
        ["29-1141.00", "2.D.1", "Required Level of Education", "RL", "5", "25.5", "40"],
        ["29-1141.00", "2.D.1", "Required Level of Education", "RL", "6", "74.5", "40"],
    ],
    "Education Categories": [
        ["Element ID", "Element Name", "Scale ID", "Category", "Category Description"],
        ["2.D.1", "Required Level of Education", "RL", "5", "Associate's Degree (or other 2-year degree)"],
    ],
    "Training and Experience": [
        ["O*NET-SOC Code", "Element ID", "Element Name", "Scale ID", "Category", "Data Value", "N"],
        ["29-1141.00", "3.A.1", "Related Work Experience", "RW", "1", "100", "40"],
    ],
    "Training and Experience Categories": [
        ["Element ID", "Element Name", "Scale ID", "Category", "Category Description"],
        ["3.A.1", "Related Work Experience", "RW", "1", "None"],
    ],
    "Job Titles": [
        ["O*NET-SOC Code", "Job Title", "Short Title", "Source(s)"],
        *OLD_TABLES["Alternate Titles"][1:],
    ],
    "Essential Skills": OLD_TABLES["Skills"][:3],
    "Transferable Skills": [OLD_TABLES["Skills"][0], OLD_TABLES["Skills"][3]],
    "Software Skills": [
        ["O*NET-SOC Code", "Element ID", "Element Name", "Workplace Example", "Hot Technology", "In Demand"],
        ["29-1141.00", "2.E.1", "Medical software", "Epic Systems", "Y", "Y"],
        ["29-1141.00", "2.E.1", "Medical software", "Charting software", "N", "N"],
    ],
}
"""With the names and columns from 30.3 on."""


def text_file(rows: Rows) -> bytes:
    return "".join("\t".join(row) + "\r\n" for row in rows).encode()


def workbook(rows: Rows, *sheets: str) -> bytes:
    """The least that is a workbook, numbers as numbers."""

    def cell(text: str) -> str:
        if text.replace(".", "", 1).isdecimal():
            return f"<c><v>{text}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>' if text else "<c/>"

    return workbook_of({SHEET: "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)}, *sheets)


def workbook_of(parts: Mapping[str, str], *sheets: str) -> bytes:
    """A workbook with these rows, and perhaps one text that cells share."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    shared = parts.get("xl/sharedStrings.xml", "")
    listed = "".join(
        f'<sheet name="{escape(sheet)}" sheetId="{number}" r:id="r1"/>' for number, sheet in enumerate(sheets, start=1)
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{office}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        SHEET: f'<worksheet xmlns="{main}"><sheetData>{parts[SHEET]}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{main}"><si><t>{shared}</t></si></sst>',
    }
    return zipped({name: text.encode() for name, text in files.items()})


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def csv_file(rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def text_zip(tables: Release = OLD_TABLES, release: str = "30_2") -> bytes:
    return zipped({f"db_{release}_text/{title}.txt": text_file(rows) for title, rows in tables.items()})


def csv_zip(tables: Release = OLD_TABLES, release: str = "30_2") -> bytes:
    """Its files are named as O*NET names them in this form."""
    return zipped(
        {
            f"db_{release}_csv/{title.lower().replace(',', '').replace(' ', '_')}.csv": csv_file(rows)
            for title, rows in tables.items()
        }
    )


def excel_zip(tables: Release = OLD_TABLES, release: str = "30_2") -> bytes:
    return zipped({f"db_{release}_excel/{title}.xlsx": workbook(rows, title[:31]) for title, rows in tables.items()})


Pack = Callable[[Release, str], bytes]
PACKS: tuple[Pack, ...] = (text_zip, csv_zip, excel_zip)
