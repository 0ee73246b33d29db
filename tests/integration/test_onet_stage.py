"""O*NET and the projections from files to tables: real DuckDB, real files, and what must never be lost."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from exposure_dagster.core.errors import SettingError, SourceError
from exposure_dagster.corpora.onet.checks import crosswalk, every_table_is_read, occupations, release_is_the_newest
from exposure_dagster.corpora.onet.fetching import refresh_onet_database
from exposure_dagster.corpora.onet.parsing import OnetReport
from exposure_dagster.corpora.onet.releases import RELEASES_URL, is_newer, newest_release
from exposure_dagster.settings import SAMPLE_SITES
from exposure_dagster.sources.fetching import Fetched, Fetcher, PageRequest
from exposure_dagster.sources.sites import open_site
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.onet_files import fetch, load, parse
from tests.integration.onet_new_model import new_tables
from tests.unit.parsing.onet_release import Pack, Rows, csv_zip, excel_zip, text_zip

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

LIST = "www.onetonline.org/find/all/All_Occupations.csv"
PROJECTIONS = "data.bls.gov/projections/occupationProj"
DATABASE = "www.onetcenter.org/dl_files/database/db_30_2_text.zip"


@pytest.fixture(scope="module")
def sample_loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, OnetReport]:
    """A warehouse with the sample's O*NET, for tests that only look, and what its parsing reported."""
    warehouse = Warehouse(tmp_path_factory.mktemp("loaded") / "home" / "exposure.duckdb")
    report = load(warehouse, Path(shutil.copytree(SAMPLE_SITES, warehouse.path.parents[1] / "sites")))
    with warehouse.connect() as connection:
        connection.execute("CHECKPOINT")
    return warehouse, report


@pytest.fixture
def loaded(sample_loaded: tuple[Warehouse, OnetReport], warehouse: Warehouse) -> OnetReport:
    """The test's own warehouse holds the sample's O*NET already."""
    kept, report = sample_loaded
    warehouse.path.parent.mkdir()
    shutil.copy(kept.path, warehouse.path)
    return report


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    folder = tmp_path / "sites"
    shutil.copytree(SAMPLE_SITES, folder)
    return folder


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "home" / "exposure.duckdb")


def edited(path: Path, old: bytes, new: bytes) -> None:
    body = path.read_bytes()
    assert old in body
    path.write_bytes(body.replace(old, new))


def rezipped(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """The archive with its members changed; those for which `change` gives None are left out."""
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            body = change(name, old.read(name))
            if body is not None:
                new.writestr(name, body)
    path.write_bytes(packed.getvalue())


def unpacked(sites: Path, folder: Path) -> Path:
    """The sample's release as the folder of text files that people save."""
    with zipfile.ZipFile(sites / DATABASE) as archive:
        archive.extractall(folder / "db_30_2")
    return next((folder / "db_30_2").rglob("Task Statements.txt")).parent


def test_the_sample_fills_every_table_with_its_provenance(sample_loaded: tuple[Warehouse, OnetReport]) -> None:
    warehouse, report = sample_loaded
    assert report.release == "30.2"
    for table in ("onet_list", "onet_database", "employment_projections"):
        ((release, licence, sha256, fetched_at),) = warehouse.rows(
            f"SELECT release, licence, content_sha256, fetched_at FROM raw.{table}"
        )
        assert licence
        assert len(sha256) == 64
        assert fetched_at is not None
        assert release == {"onet_list": None, "onet_database": "30.2"}.get(table, "2024–2034")
    for table in ("onet_occupations", "onet_tasks", "onet_titles", "soc_crosswalk", "employment_projections"):
        assert warehouse.rows(f"SELECT count(*) FROM parsed.{table}") > [(20,)]


def test_every_outcome_of_the_sample_is_good(sample_loaded: tuple[Warehouse, OnetReport]) -> None:
    warehouse, report = sample_loaded
    outcomes = [*occupations(warehouse, report), *crosswalk(warehouse), release_is_the_newest(warehouse)]
    assert [(outcome.name, outcome.description) for outcome in outcomes if not outcome.passed] == []


def test_both_corpora_become_documents(sample_loaded: tuple[Warehouse, OnetReport]) -> None:
    warehouse, _ = sample_loaded
    counts = dict(warehouse.rows("SELECT corpus, count(*) FROM parsed.documents GROUP BY 1"))
    ((scoreable, tasks),) = warehouse.rows(
        "SELECT count(*) FILTER (is_scoreable), (SELECT count(*) FROM parsed.onet_tasks) FROM parsed.onet_occupations"
    )
    assert counts == {"onet": scoreable, "onet_tasks": tasks}


def test_unchanged_files_change_no_digest_and_no_text(loaded: OnetReport, warehouse: Warehouse, sites: Path) -> None:
    texts = warehouse.rows("SELECT corpus, doc_id, text_sha256 FROM parsed.documents ORDER BY ALL")
    assert load(warehouse, sites) == loaded
    assert warehouse.rows("SELECT corpus, doc_id, text_sha256 FROM parsed.documents ORDER BY ALL") == texts


def test_a_folder_without_onet_is_noted_and_fails_nothing(warehouse: Warehouse, sites: Path) -> None:
    for host in ("www.onetonline.org", "www.onetcenter.org", "data.bls.gov"):
        shutil.rmtree(sites / host)
    reports = fetch(warehouse, open_site(str(sites), contact=None))
    assert "no list" in (reports["list"].note or "")
    assert reports["pages"].asked == 0
    assert [page.status for page in reports["database"].missing] == [404]
    assert "EXPOSURE_PROJECTIONS" in (reports["projections"].note or "")
    assert parse(warehouse).note is not None
    assert warehouse.rows("SELECT count(*) FROM parsed.onet_occupations") == [(0,)]


def test_a_folder_without_summary_pages_says_so(warehouse: Warehouse, sites: Path) -> None:
    reports = fetch(warehouse, open_site(str(sites), contact=None))
    assert (reports["pages"].asked, reports["pages"].missing) == (0, ())
    assert "no O*NET summary pages" in (reports["pages"].note or "")


def test_summary_pages_come_first_for_what_they_hold(warehouse: Warehouse, sites: Path) -> None:
    page = sites / "www.onetonline.org/link/summary/29-1141.00"
    page.parent.mkdir(parents=True)
    page.write_text(
        "<!DOCTYPE html><html><head><title>29-1141.00 - Registered Nurses</title></head><body>"
        '<h1><span class="main">Registered Nurses</span> <span class="sub">29-1141.00</span></h1>'
        "<p>They look after people who are ill, plan their care and talk with their families.</p>"
        '<div id="WagesEmployment"><dl><dt>Median wages (2024)</dt><dd>$45.00 hourly, $93,600 annual</dd></dl></div>'
        "</body></html>",
        encoding="utf-8",
    )
    report = load(warehouse, sites)
    ((hourly, description, origins),) = warehouse.rows(
        "SELECT median_wage_hourly, description, origins->>'$.median_wage_hourly' FROM parsed.onet_occupations"
        " WHERE onet_code = '29-1141.00'"
    )
    assert (hourly, origins) == (45.0, "page")
    assert description.startswith("They look after")
    assert any(field.slug == "29-1141.00" for field in report.unread)
    assert warehouse.rows("SELECT count(*) FROM raw.onet_pages WHERE body IS NOT NULL") == [(1,)]


def test_a_saved_release_and_file_take_the_place_of_fetched_ones(
    warehouse: Warehouse, sites: Path, tmp_path: Path
) -> None:
    unpacked(sites, tmp_path)
    saved = tmp_path / "Employment Projections.csv"
    shutil.copy(sites / PROJECTIONS, saved)
    shutil.rmtree(sites / "www.onetcenter.org")
    shutil.rmtree(sites / "data.bls.gov")
    site = open_site(str(sites), contact=None)
    fetch(warehouse, site, database=tmp_path / "db_30_2", projections=saved)
    report = parse(warehouse)
    assert report.release == "30.2"
    assert warehouse.rows("SELECT url FROM raw.employment_projections") == [(str(saved),)]
    again = fetch(warehouse, site, database=tmp_path / "db_30_2", projections=saved)
    assert (again["database"].new_bodies, again["projections"].new_bodies) == (0, 0)


def test_real_files_do_not_mix_with_the_sample(warehouse: Warehouse, sites: Path) -> None:
    with pytest.raises(SettingError, match="never mix"):
        fetch(warehouse, open_site("sample", contact=None), projections=sites / PROJECTIONS)


def truncated(sites: Path) -> None:
    path = sites / DATABASE
    path.write_bytes(path.read_bytes()[:-400])


def without_tasks(sites: Path) -> None:
    rezipped(sites / DATABASE, lambda name, body: None if "Task Statements" in name else body)


def renamed_column(sites: Path) -> None:
    rezipped(sites / DATABASE, lambda name, body: body.replace(b"Task ID", b"Task Number"))


def doubled_code(sites: Path) -> None:
    lines = (sites / LIST).read_bytes().splitlines()
    (sites / LIST).write_bytes(b"\n".join([*lines, lines[1]]))


def odd_code(sites: Path) -> None:
    edited(sites / LIST, b"29-1141.00", b"29.1141-00")


def odd_projection(sites: Path) -> None:
    edited(sites / PROJECTIONS, b"Occupation Code", b"Code of occupation")


@pytest.mark.parametrize(
    ("spoil", "table", "words"),
    [
        (without_tasks, "onet_database", ["db_30_2_text.zip", "Task Statements"]),
        (renamed_column, "onet_database", ["Task Statements.txt", "Task ID"]),
        (doubled_code, "onet_list", ["All_Occupations.csv", "line", "stands already"]),
        (odd_code, "onet_list", ["All_Occupations.csv", "29.1141-00", "Code"]),
        (odd_projection, "employment_projections", ["occupationProj", "Occupation Code"]),
    ],
)
@pytest.mark.usefixtures("loaded")
def test_bad_input_is_named_and_the_last_good_tables_stay(
    warehouse: Warehouse, sites: Path, spoil: Callable[[Path], None], table: str, words: list[str]
) -> None:
    before = warehouse.rows(f"SELECT content_sha256, body FROM raw.{table}")
    occupations_before = warehouse.rows("SELECT * FROM parsed.onet_occupations ORDER BY 1")
    spoil(sites)
    with pytest.raises(SourceError) as caught:
        load(warehouse, sites)
    for word in words:
        assert word in str(caught.value)
    assert warehouse.rows(f"SELECT content_sha256, body FROM raw.{table}") == before
    assert parse(warehouse).tables["onet_occupations"].rows == len(occupations_before)
    assert warehouse.rows("SELECT * FROM parsed.onet_occupations ORDER BY 1") == occupations_before


@pytest.mark.usefixtures("loaded")
def test_a_truncated_archive_is_reported_and_the_last_good_one_stays(warehouse: Warehouse, sites: Path) -> None:
    before = warehouse.rows("SELECT content_sha256 FROM raw.onet_database")
    truncated(sites)
    report = fetch(warehouse, open_site(str(sites), contact=None))["database"]
    assert [page.has_earlier_body for page in report.missing] == [True]
    assert "zip archive" in report.missing[0].reason
    assert warehouse.rows("SELECT content_sha256 FROM raw.onet_database") == before


def test_a_saved_subset_is_taken_and_what_it_lacks_is_said(warehouse: Warehouse, sites: Path, tmp_path: Path) -> None:
    saved = unpacked(sites, tmp_path)
    (saved / "Task Statements.txt").unlink()
    report = fetch(warehouse, open_site(str(sites), contact=None), database=saved)["database"]
    assert (report.missing, report.note) == ((), f"{saved}: it holds no Task Statements; occupations go without")
    assert parse(warehouse).tables["onet_tasks"].rows == 0
    assert warehouse.rows("SELECT count(*) > 0 FROM parsed.documents WHERE corpus = 'onet'") == [(True,)]


@pytest.mark.usefixtures("loaded")
def test_a_saved_release_that_lost_a_file_does_not_replace_the_whole_one(
    warehouse: Warehouse, sites: Path, tmp_path: Path
) -> None:
    before = warehouse.rows("SELECT * FROM raw.onet_database")
    saved = unpacked(sites, tmp_path)
    (saved / "Task Statements.txt").unlink()
    with pytest.raises(SourceError, match=r"it lacks 'Task Statements', which the release in use .* holds"):
        fetch(warehouse, open_site(str(sites), contact=None), database=saved)
    assert warehouse.rows("SELECT * FROM raw.onet_database") == before


def test_without_projections_the_way_to_get_them_is_told_and_only_then(warehouse: Warehouse, sites: Path) -> None:
    (sites / PROJECTIONS).rename(sites / "saved.csv")
    site = open_site(str(sites), contact=None)
    assert "EXPOSURE_PROJECTIONS" in str(fetch(warehouse, site)["projections"].note)
    assert fetch(warehouse, site, projections=sites / "saved.csv")["projections"].missing == ()
    report = fetch(warehouse, site, projections=sites / "none.csv")["projections"]
    assert (report.note, [page.has_earlier_body for page in report.missing]) == (None, [True])


@pytest.mark.usefixtures("loaded")
def test_a_saved_release_that_is_not_there_names_the_setting(warehouse: Warehouse, sites: Path) -> None:
    report = fetch(warehouse, open_site(str(sites), contact=None), database=sites / "none.zip")["database"]
    assert [(page.reason, page.has_earlier_body) for page in report.missing] == [
        ("the file cannot be read: No such file or directory; look at EXPOSURE_ONET_DATABASE", True)
    ]


def offered(sites: Path, *releases: str) -> None:
    """The page of the publisher that offers these releases."""
    links = " ".join(f'<a href="/dl_files/database/db_{one}_text.zip">O*NET Database</a>' for one in releases)
    page = sites / "www.onetcenter.org/database.html"
    page.write_text(f"<!DOCTYPE html><html><body>{links}</body></html>", encoding="utf-8")


def placed(sites: Path, name: str, body: bytes) -> None:
    (sites / "www.onetcenter.org/dl_files/database" / name).write_bytes(body)


def newest(warehouse: Warehouse, sites: Path) -> str:
    """What is said of a release that is newer than the one in use."""
    fetch(warehouse, open_site(str(sites), contact=None), release="30.2")
    outcome = release_is_the_newest(warehouse)
    assert not outcome.passed
    return outcome.description


def test_a_newer_release_that_is_known_to_be_read_is_recommended(warehouse: Warehouse, sites: Path) -> None:
    offered(sites, "30_2", "31_0")
    assert "EXPOSURE_ONET_RELEASE=31.0" in newest(warehouse, sites)


def test_one_that_nobody_knows_is_recommended_where_it_was_read_through(warehouse: Warehouse, sites: Path) -> None:
    offered(sites, "31_0", "32_0")
    placed(sites, "db_32_0_text.zip", text_zip(new_tables(), "32_0"))
    assert newest(warehouse, sites) == "release 32.0 is out and 30.2 is in use: set EXPOSURE_ONET_RELEASE=32.0"


def test_what_cannot_be_read_of_a_newer_release_is_said_with_the_recommendation(
    warehouse: Warehouse, sites: Path
) -> None:
    offered(sites, "32_0")
    tables = new_tables()
    tables["Applications"] = tables.pop("Software Skills")
    tables["Job Titles"][0][1] = "Name of the Job"
    placed(sites, "db_32_0_text.zip", text_zip(tables, "32_0"))
    said = newest(warehouse, sites)
    assert "of which this version cannot read all" in said
    assert "table 'Software Skills'" in said
    assert "'Job Title' or 'Alternate Title'" in said


def without_education(tables: dict[str, Rows]) -> dict[str, Rows]:
    return {title: rows for title, rows in tables.items() if title != "Education"}


def test_a_newer_release_that_cannot_be_read_is_not_recommended(warehouse: Warehouse, sites: Path) -> None:
    offered(sites, "32_0")
    placed(sites, "db_32_0_text.zip", text_zip(without_education(new_tables()), "32_0"))
    said = newest(warehouse, sites)
    assert "EXPOSURE_ONET_RELEASE" not in said
    assert "release 32.0 is out, and this version cannot read it" in said
    assert "it lacks 'Education' (to 30.2: 'Education, Training, and Experience';" in said
    assert warehouse.rows("SELECT release FROM raw.onet_database") == [("30.2",)]


def test_a_newer_release_that_could_not_be_had_is_not_recommended(warehouse: Warehouse, sites: Path) -> None:
    offered(sites, "32_0")
    said = newest(warehouse, sites)
    assert "EXPOSURE_ONET_RELEASE" not in said
    assert "whether this version can read it is not known (no file" in said


def test_a_newer_release_is_read_through_once(warehouse: Warehouse, sites: Path) -> None:
    offered(sites, "32_0")
    placed(sites, "db_32_0_text.zip", text_zip(new_tables(), "32_0"))
    said = newest(warehouse, sites)
    placed(sites, "db_32_0_text.zip", b"PK no more")
    assert newest(warehouse, sites) == said


@pytest.mark.parametrize(("form", "pack"), [("text", text_zip), ("csv", csv_zip), ("excel", excel_zip)])
def test_the_newest_release_in_a_folder_of_pages_is_taken_in_whatever_form(
    warehouse: Warehouse, sites: Path, form: str, pack: Pack
) -> None:
    placed(sites, f"db_31_0_{form}.zip", pack(new_tables(), "31_0"))
    report = load(warehouse, sites)
    assert (report.release, report.not_read, report.absent) == ("31.0", (), ())
    educated = "SELECT onet_code, education_top, education_top_pct, tasks_count FROM parsed.onet_occupations ORDER BY 1"
    new = warehouse.rows(educated)
    fetch(warehouse, open_site(str(sites), contact=None), release="30.2")
    parse(warehouse)
    assert warehouse.rows(educated) == new


def test_one_that_is_known_to_be_read_comes_before_a_newer_one(warehouse: Warehouse, sites: Path) -> None:
    placed(sites, "db_32_0_text.zip", b"PK not to be read")
    assert load(warehouse, sites).release == "30.2"


def test_a_saved_whole_release_without_education_is_refused_by_table_and_columns(
    warehouse: Warehouse, sites: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "db_31_0_text.zip"
    saved.write_bytes(text_zip(without_education(new_tables()), "31_0"))
    with pytest.raises(SourceError) as caught:
        fetch(warehouse, open_site(str(sites), contact=None), database=saved)
    assert "it lacks 'Education' (to 30.2: 'Education, Training, and Experience';" in caught.value.what
    assert "'Element ID', 'Scale ID', 'Category', 'Data Value' and rows of 2.D.1" in caught.value.what
    assert "'Training and Experience'" in caught.value.what
    assert warehouse.rows("SELECT count(*) FROM raw.onet_database") == [(0,)]


def test_a_column_that_education_lacks_is_named(warehouse: Warehouse, sites: Path, tmp_path: Path) -> None:
    tables = new_tables()
    tables["Education"][0][-1] = "Percent"
    saved = tmp_path / "db_31_0_text.zip"
    saved.write_bytes(text_zip(tables, "31_0"))
    with pytest.raises(SourceError, match=r"Education\.txt, row 1: there is no column 'Data Value'; the columns are"):
        fetch(warehouse, open_site(str(sites), contact=None), database=saved)


def test_a_chosen_subset_without_education_is_taken_and_a_check_names_the_table(
    warehouse: Warehouse, sites: Path, tmp_path: Path
) -> None:
    chosen = {title: new_tables()[title] for title in ("Occupation Data", "Task Statements")}
    saved = tmp_path / "chosen.zip"
    saved.write_bytes(csv_zip(chosen, "31_0"))
    fetch(warehouse, open_site(str(sites), contact=None), database=saved)
    outcome = every_table_is_read(parse(warehouse))
    assert not outcome.passed
    assert "there is no table 'Education' (to 30.2: 'Education, Training, and Experience';" in outcome.description
    assert "'Category', 'Data Value' and rows of 2.D.1" in outcome.description


@pytest.mark.parametrize("pack", [text_zip, csv_zip, excel_zip])
def test_an_unpacked_release_of_any_form_is_taken_as_its_archive_is(
    warehouse: Warehouse, sites: Path, tmp_path: Path, pack: Pack
) -> None:
    with zipfile.ZipFile(io.BytesIO(pack(new_tables(), "31_0"))) as archive:
        archive.extractall(tmp_path / "saved")
    fetch(warehouse, open_site(str(sites), contact=None), database=tmp_path / "saved")
    assert parse(warehouse).release == "31.0"
    assert warehouse.rows("SELECT count(*) FROM parsed.onet_tasks WHERE importance IS NULL") == [(0,)]


def test_a_folder_that_holds_the_archive_is_taken_as_the_archive(
    warehouse: Warehouse, sites: Path, tmp_path: Path
) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "db_31_0_text.zip").write_bytes(text_zip(new_tables(), "31_0"))
    fetch(warehouse, open_site(str(sites), contact=None), database=tmp_path / "saved")
    assert parse(warehouse).release == "31.0"


class NothingThere(Fetcher):
    """A site that has nothing; notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def fetch(self, request: PageRequest) -> Fetched:
        self.asked.append(request.url)
        return Fetched(url=request.url, status=404, reason="not there", checked_at=None)


@pytest.mark.parametrize(("release", "file"), [(None, "db_31_0_text.zip"), ("29.3", "db_29_3_text.zip")])
def test_a_live_site_is_asked_for_the_newest_release_that_is_known_or_for_the_one_that_is_set(
    warehouse: Warehouse, release: str | None, file: str
) -> None:
    site, fetcher = open_site("live", contact="name@university.edu"), NothingThere()
    refresh_onet_database(warehouse, site, fetcher, release=release, saved=None, refetch_after_hours=24)
    assert fetcher.asked == [f"https://www.onetcenter.org/dl_files/database/{file}", RELEASES_URL]


def test_releases_are_compared_as_numbers() -> None:
    assert newest_release(b"O*NET 9.3 Database, db_30_2_text.zip, db_4_0.zip") == "30.2"
    assert newest_release(b"nothing here") is None
    assert is_newer("30.10", "30.9")
    assert not is_newer("9.9", "30.0")
