"""The O*NET database: every release from 27 on; zip or folder, text, CSV or Excel; any subset of its tables."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.onet.database import (
    OnetDatabase,
    database_url,
    is_whole_release,
    lacking_tables,
    read_onet_database,
    table_files,
)
from exposure_dagster.corpora.onet.release_tables import NEEDED_TABLES, RELEASE_TABLES
from exposure_dagster.parsing.unpacking import MAX_CELLS, MAX_FILE_BYTES
from tests.unit.parsing.onet_release import (
    NEW_TABLES,
    OLD_TABLES,
    PACKS,
    SHEET,
    Pack,
    Release,
    Rows,
    csv_zip,
    excel_zip,
    text_file,
    text_zip,
    workbook,
    workbook_of,
    zipped,
)


def changed(title: str, row: int, column: int, words: str) -> dict[str, Rows]:
    """The tables with one cell changed; rows count from 1, the header included."""
    tables = {name: [list(cells) for cells in rows] for name, rows in OLD_TABLES.items()}
    tables[title][row - 1][column] = words
    return tables


def frames(database: OnetDatabase) -> dict[str, list[dict[str, object]]]:
    return {
        table: frame.astype(object).where(frame.notna(), None).to_dict("records")
        for table in RELEASE_TABLES
        if (frame := getattr(database, table)) is not None
    }


FORMS = [(OLD_TABLES, "30_2"), (NEW_TABLES, "31_0")]


@pytest.mark.parametrize("pack", PACKS)
def test_a_whole_release_is_read_with_types(pack: Pack) -> None:
    database = read_onet_database(pack(OLD_TABLES, "30_2"), required=NEEDED_TABLES)
    read = frames(database)
    nurse = "29-1141.00"
    assert [row["title"] for row in read["occupations"]] == ["Registered Nurses", "Roofers"]
    assert read["reported_titles"] == [
        {"onet_code": nurse, "reported_title": "Charge Nurse", "is_in_my_next_move": True},
        {"onet_code": nurse, "reported_title": "Staff Nurse", "is_in_my_next_move": False},
    ]
    assert [(row["scale_id"], row["category"], row["value"]) for row in read["education"]] == [
        ("RL", 5, 25.5),
        ("RL", 6, 74.5),
        ("IM", None, 3.01),
    ]
    assert [row["task_id"] for row in read["tasks"]] == [1001, 1002]
    assert read["job_zones"] == [{"onet_code": nurse, "job_zone": 3}]
    assert read["task_ratings"] == [{"onet_code": nurse, "task_id": 1001, "scale_id": "IM", "value": 4.6}]
    assert [(row["job_title"], row["short_title"]) for row in read["job_titles"]] == [
        ("Registered Nurse (RN)", "RN"),
        ("Ward Nurse", None),
    ]
    assert [(row["example"], row["is_hot"]) for row in read["software"]] == [
        ("Epic Systems", True),
        ("Charting software", False),
    ]
    assert read["related"] == [{"onet_code": nurse, "related_code": "47-2181.00", "place": 1}]


@pytest.mark.parametrize(("tables", "release"), FORMS)
def test_text_csv_and_workbooks_give_the_same_frames(tables: Release, release: str) -> None:
    text, *others = (frames(read_onet_database(pack(tables, release))) for pack in PACKS)
    assert others == [text, text]


@pytest.mark.parametrize("pack", PACKS)
def test_both_content_models_hold_the_same(pack: Pack) -> None:
    old, new = (read_onet_database(pack(tables, release), required=NEEDED_TABLES) for tables, release in FORMS)
    assert (old.release, new.release) == ("30.2", "31.0")
    assert (old.not_read, old.absent, new.not_read, new.absent) == ((), (), (), ())
    before, after = frames(old), frames(new)
    shared = [*("occupations", "reported_titles", "job_titles", "tasks", "job_zones", "task_ratings"), "software"]
    assert {name: after[name] for name in shared} == {name: before[name] for name in shared}
    required = [row for row in before["education"] if row["element_id"] == "2.D.1"]
    assert after["education"] == required
    assert after["essential_skills"] + after["transferable_skills"] == before["essential_skills"]
    assert after["work_activities"] == before["work_activities"]


def test_training_is_not_taken_for_education() -> None:
    assert {row["element_id"] for row in frames(read_onet_database(text_zip(NEW_TABLES)))["education"]} == {"2.D.1"}


def renamed(tables: Release, title: str, other: str) -> dict[str, Rows]:
    return {other if name == title else name: rows for name, rows in tables.items()}


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("title", ["Education", "Education Categories", "Task Statements", "Occupation Data"])
def test_a_needed_table_under_another_name_is_known_by_what_stands_in_it(pack: Pack, title: str) -> None:
    other = read_onet_database(pack(renamed(NEW_TABLES, title, "Worker Facts"), "32_0"), required=NEEDED_TABLES)
    assert frames(other) == frames(read_onet_database(pack(NEW_TABLES, "32_0")))


def test_a_column_may_have_its_name_of_another_release() -> None:
    rows = [["O*NET-SOC Code", "Job Title"], *(row[:2] for row in NEW_TABLES["Job Titles"][1:])]
    read = read_onet_database(text_zip({**OLD_TABLES, "Alternate Titles": rows}))
    assert [row["job_title"] for row in frames(read)["job_titles"]] == ["Registered Nurse (RN)", "Ward Nurse"]
    assert read.absent == ("column 'Short Title' of table 'Job Titles' (db_30_2_text/Alternate Titles.txt)",)


def test_what_can_be_done_without_is_left_out_where_a_column_is_missing_and_named() -> None:
    rows = [["O*NET-SOC Code", "Name"], ["29-1141.00", "Ward Nurse"]]
    read = read_onet_database(text_zip({**NEW_TABLES, "Job Titles": rows}))
    assert read.job_titles is None
    assert "job_titles" not in read.files
    (said,) = read.not_read
    assert "table 'Job Titles'" in said
    assert "'Job Title' or 'Alternate Title'; the columns are: O*NET-SOC Code, Name" in said


def test_a_subset_says_which_needed_tables_it_lacks_and_by_which_columns_they_are_known() -> None:
    read = read_onet_database(text_zip({name: rows for name, rows in NEW_TABLES.items() if name != "Education"}))
    (said,) = read.not_read
    assert said.startswith("there is no table 'Education' (to 30.2: 'Education, Training, and Experience';")
    assert "'Category', 'Data Value' and rows of 2.D.1" in said


def test_a_folder_that_holds_the_archive_alone_is_that_archive(tmp_path: Path) -> None:
    (tmp_path / "db_31_0_csv.zip").write_bytes(csv_zip(NEW_TABLES, "31_0"))
    assert frames(read_onet_database(tmp_path)) == frames(read_onet_database(text_zip(NEW_TABLES)))


def test_a_release_is_whole_where_it_holds_tables_that_are_not_read() -> None:
    assert is_whole_release(text_zip(NEW_TABLES))
    chosen = {name: NEW_TABLES[name] for name in ("Education", "Occupation Data")}
    assert not is_whole_release(text_zip({**chosen, "Read Me": [["Thank you."]]}))
    assert lacking_tables(text_zip(chosen)) == ["Sample of Reported Titles", "Education Categories", "Task Statements"]
    assert table_files(text_zip(chosen)) == ["db_30_2_text/Occupation Data.txt", "db_30_2_text/Education.txt"]


def test_a_csv_file_may_hold_commas_and_line_ends_in_quotes() -> None:
    rows = [["O*NET-SOC Code", "Title", "Description"], ["29-1141.00", "Nurses, registered", "They care,\nand chart."]]
    (row,) = frames(read_onet_database(csv_zip({"Occupation Data": rows})))["occupations"]
    assert (row["title"], row["description"]) == ("Nurses, registered", "They care,\nand chart.")


def test_what_is_not_available_is_null_and_quotation_marks_stay() -> None:
    tasks = frames(read_onet_database(text_zip()))["tasks"]
    assert tasks[0]["task"] == 'Ask "how are you?" and listen.'
    assert (tasks[1]["task_type"], tasks[1]["incumbents_responding"]) == (None, None)


def test_the_word_none_is_a_category_and_not_an_absence() -> None:
    assert frames(read_onet_database(text_zip()))["education_categories"][1]["description"] == "None"


def test_the_release_is_read_from_the_names() -> None:
    assert read_onet_database(text_zip()).release == "30.2"


def test_a_release_has_its_address() -> None:
    assert database_url("30.2") == "https://www.onetcenter.org/dl_files/database/db_30_2_text.zip"


def test_a_folder_with_some_tables_is_read_and_the_others_are_none(tmp_path: Path) -> None:
    (tmp_path / "Occupation Data.txt").write_bytes(text_file(OLD_TABLES["Occupation Data"]))
    (tmp_path / "Read Me.txt").write_text("Thank you.\n")
    database = read_onet_database(tmp_path)
    assert list(frames(database)) == ["occupations"]
    assert (database.release, database.files) == (None, {"occupations": "Occupation Data.txt"})


def test_an_unpacked_release_and_its_zip_file_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "db_30_2_text.zip"
    path.write_bytes(text_zip())
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    unpacked, packed = read_onet_database(tmp_path / "unpacked"), read_onet_database(path)
    assert frames(unpacked) == frames(packed)
    assert unpacked.release == packed.release == "30.2"


def test_saved_copies_with_plainer_names_are_known(tmp_path: Path) -> None:
    education = OLD_TABLES["Education, Training, and Experience"]
    categories = OLD_TABLES["Education, Training, and Experience Categories"]
    sheet = "Education, Training, and Experi"
    (tmp_path / "Education Training and Experience.xlsx").write_bytes(workbook(education, sheet))
    (tmp_path / "ETE Categories.xlsx").write_bytes(workbook(categories, sheet))
    assert list(frames(read_onet_database(tmp_path))) == ["education", "education_categories"]


def test_columns_may_be_added_and_reordered() -> None:
    rows = [[cells[2], "new", cells[0], cells[1]] for cells in OLD_TABLES["Occupation Data"]]
    assert frames(read_onet_database(text_zip({"Occupation Data": rows})))["occupations"][1]["title"] == "Roofers"


def test_a_required_table_that_is_missing_is_named() -> None:
    tables = {title: rows for title, rows in OLD_TABLES.items() if title != "Task Statements"}
    with pytest.raises(SourceError, match=r"saved\.zip: it lacks 'Task Statements' \(known by the columns"):
        read_onet_database(text_zip(tables), name="saved.zip", required=NEEDED_TABLES)


def test_a_folder_without_any_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="it holds none of the tables 'Occupation Data'"):
        read_onet_database(tmp_path)


def test_a_table_that_lies_there_twice_is_refused(tmp_path: Path) -> None:
    rows = OLD_TABLES["Job Zones"]
    (tmp_path / "Job Zones.txt").write_bytes(text_file(rows))
    (tmp_path / "Job Zones.xlsx").write_bytes(workbook(rows, "Job Zones"))
    with pytest.raises(SourceError, match=r"'Job Zones\.txt' and 'Job Zones\.xlsx' both hold the table 'Job Zones'"):
        read_onet_database(tmp_path)


@pytest.mark.parametrize("pack", [text_zip, excel_zip])
def test_a_truncated_archive_is_refused(pack: Callable[[], bytes]) -> None:
    data = pack()
    with pytest.raises(SourceError, match=r"release\.zip: no zip archive, or not the whole of one"):
        read_onet_database(data[: len(data) // 2], name="release.zip")


def test_a_damaged_member_is_named() -> None:
    data = bytearray(text_zip({"Occupation Data": OLD_TABLES["Occupation Data"]}))
    start = data.index(b"Occupation Data.txt") + len("Occupation Data.txt")
    data[start + 4 : start + 12] = b"\xff" * 8
    with pytest.raises(SourceError, match=r"the file 'db_30_2_text/Occupation Data\.txt' in it is damaged"):
        read_onet_database(bytes(data))


def test_a_truncated_workbook_is_named(tmp_path: Path) -> None:
    data = workbook(OLD_TABLES["Job Zones"], "Job Zones")
    (tmp_path / "Job Zones.xlsx").write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=r"Job Zones\.xlsx: no Excel workbook, or not the whole of one"):
        read_onet_database(tmp_path)


def test_a_truncated_text_file_is_refused_with_its_row(tmp_path: Path) -> None:
    data = text_file(OLD_TABLES["Task Statements"])
    (tmp_path / "Task Statements.txt").write_bytes(data[: data.index(b"\t08/2023\tAnalyst")])
    with pytest.raises(SourceError, match=r"Task Statements\.txt, row 3: 5 cells where the header has 7"):
        read_onet_database(tmp_path)


def test_a_missing_sheet_is_named_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "Job Zones.xlsx").write_bytes(workbook(OLD_TABLES["Job Zones"], "Sheet1", "Notes"))
    with pytest.raises(SourceError, match=r"Job Zones\.xlsx: there is no sheet 'Job Zones'; the sheets are: Sheet1, "):
        read_onet_database(tmp_path)


def test_the_only_sheet_is_the_table_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "Job Zones.xlsx").write_bytes(workbook(OLD_TABLES["Job Zones"], "Sheet1"))
    assert frames(read_onet_database(tmp_path))["job_zones"] == [{"onet_code": "29-1141.00", "job_zone": 3}]


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.zip: it cannot be read"):
        read_onet_database(tmp_path / "absent.zip")


def test_a_member_that_unpacks_to_more_than_the_limit_is_refused_by_name() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("Readme.txt", "others are not unpacked")
        with archive.open("Job Zones.txt", "w") as member:
            for _ in range(MAX_FILE_BYTES // 2**20 + 1):
                member.write(b"29-1141.00\t3\t08/2023\n".ljust(2**20))
    assert len(packed.getvalue()) < MAX_FILE_BYTES / 100
    with pytest.raises(
        SourceError, match=r"a\.zip: the file 'Job Zones\.txt' in it: it unpacks to more than 268,435,456"
    ):
        read_onet_database(packed.getvalue(), name="a.zip")


def test_a_member_that_can_only_be_unpacked_whole_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("Job Zones.txt", text_file(OLD_TABLES["Job Zones"]))
    with pytest.raises(SourceError, match=r"'Job Zones\.txt' in it: it is packed in another way than by deflate"):
        read_onet_database(packed.getvalue())


@pytest.mark.parametrize(("bit", "what"), [(0x1, "encrypted"), (0x20, "a patch of"), (0x40, "encrypted")])
def test_a_member_that_needs_more_than_unpacking_is_refused_by_name(bit: int, what: str) -> None:
    packed = bytearray(zipped({"Job Zones.txt": text_file(OLD_TABLES["Job Zones"])}))
    packed[packed.index(b"PK\x01\x02") + 8] |= bit
    with pytest.raises(SourceError, match=rf"'Job Zones\.txt' in it: it is {what}"):
        read_onet_database(bytes(packed))


def test_an_archive_of_a_later_version_of_the_format_is_refused() -> None:
    packed = bytearray(zipped({"Job Zones.txt": text_file(OLD_TABLES["Job Zones"])}))
    packed[packed.index(b"PK\x01\x02") + 6] = 99
    with pytest.raises(SourceError, match=r"it cannot be read here: zip file version 9\.9"):
        read_onet_database(bytes(packed))


def test_a_mistake_of_ours_while_unpacking_is_not_taken_for_a_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(archive: zipfile.ZipFile, name: str) -> bytes:
        raise RuntimeError("ours")

    monkeypatch.setattr("exposure_dagster.corpora.onet.files.unpacked", mistaken)
    with pytest.raises(RuntimeError, match="ours"):
        read_onet_database(zipped({"Job Zones.txt": text_file(OLD_TABLES["Job Zones"])}))


def test_a_text_file_of_too_many_cells_is_refused() -> None:
    with pytest.raises(SourceError, match=r"Job Zones\.txt: it has more than 20,000,000 cells"):
        read_onet_database(zipped({"Job Zones.txt": b"a" + b"\t" * (MAX_CELLS + 1)}))


SHARED_TEXT = "x" * 1_000_000


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({SHEET: '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'}, "needs more than 4,294,967,296 bytes"),
        ({SHEET: '<row r="9"><c r="XFD9"><v>1</v></c></row><row r="1222"><c r="A1222"><v>1</v></c></row>'}, "cells"),
        ({SHEET: '<row><c t="s"><v>0</v></c></row>' * 300, "xl/sharedStrings.xml": SHARED_TEXT}, "characters"),
    ],
    ids=["corner", "wide", "shared"],
)
def test_a_workbook_that_stands_for_more_than_its_size_is_refused_and_the_process_lives(
    tmp_path: Path, parts: dict[str, str], what: str
) -> None:
    """Of a kilobyte each. The first once ended the process, and so did more of the last."""
    (tmp_path / "Job Zones.xlsx").write_bytes(workbook_of(parts, "Job Zones"))
    with pytest.raises(SourceError, match=rf"Job Zones\.xlsx: .*{what}"):
        read_onet_database(tmp_path)


@pytest.mark.parametrize(
    ("pack", "place"),
    [(text_zip, "db_30_2_text/{0}.txt"), (excel_zip, "db_30_2_excel/{0}.xlsx, sheet '{0}'")],
    ids=["text", "excel"],
)
@pytest.mark.parametrize(
    ("title", "cell", "words", "where", "what"),
    [
        (
            "Occupation Data",
            (1, 1),
            "Name",
            ", row 1",
            "there is no column 'Title'; the columns are: O*NET-SOC Code, Name",
        ),
        ("Occupation Data", (3, 0), "472181", ", row 3, column 'O*NET-SOC Code'", "'472181' is no O*NET-SOC code"),
        ("Occupation Data", (3, 0), "29-1141.00", ", row 3, column 'O*NET-SOC Code'", "a second row for 29-1141.00"),
        ("Occupation Data", (2, 1), "", ", row 2, column 'Title'", "an empty cell"),
        ("Job Zones", (2, 1), "three", ", row 2, column 'Job Zone'", "'three' is no whole number"),
        ("Task Statements", (3, 1), "10.5", ", row 3, column 'Task ID'", "'10.5' is no whole number"),
        ("Task Statements", (3, 1), "1001", ", row 3, column 'Task ID'", "a second row for 29-1141.00, 1001"),
        ("Task Ratings", (3, 4), "often", ", row 3, column 'Data Value'", "'often' is no number"),
    ],
)
def test_a_changed_form_is_refused_with_its_place(
    *,
    pack: Callable[[Release], bytes],
    place: str,
    title: str,
    cell: tuple[int, int],
    words: str,
    where: str,
    what: str,
) -> None:
    with pytest.raises(SourceError) as caught:
        read_onet_database(pack(changed(title, *cell, words)))
    assert caught.value.where == place.format(title) + where
    assert what in caught.value.what
