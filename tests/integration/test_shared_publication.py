"""Publications that several machines share: one place, a pointer in the database, a copy in each home."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from exposure_dagster.api import Publications
from exposure_dagster.core.errors import PublicationError, WarehouseError
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.publishing import places
from exposure_dagster.publishing.places import FOLDER, PublishedFolder, pointer_of
from exposure_dagster.publishing.publication import CHECKSUMS, KEPT_PUBLICATIONS

ONE, TWO = "1" * 16, "2" * 16


@pytest.fixture
def writer(shared_store: SharedStore, tmp_path: Path) -> PublishedFolder:
    return PublishedFolder(tmp_path / "writer" / "published", shared_store)


@pytest.fixture
def reader(shared_store: SharedStore, tmp_path: Path) -> PublishedFolder:
    """The same from another home."""
    return PublishedFolder(tmp_path / "reader" / "published", shared_store)


@pytest.fixture
def place(shared_store: SharedStore) -> Path:
    return Path(shared_store.data_url) / FOLDER


def files(said: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "site" / "share").mkdir(parents=True)
        (folder / "manifest.json").write_text(f'{{"left_out": ["{said}"]}}', encoding="utf-8")
        (folder / "site" / "share" / "a b.html").write_bytes(said.encode() * 1000)

    return write


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_there(published: PublishedFolder) -> str | None:
    current = published.current()
    return None if current is None else current.resolve().name


def test_where_nothing_was_published_nothing_is_current(reader: PublishedFolder) -> None:
    assert read_there(reader) is None
    assert not reader.is_published()
    assert reader.left_out() == []


def test_another_home_reads_byte_for_byte_what_was_published(writer: PublishedFolder, reader: PublishedFolder) -> None:
    written = writer.publish(ONE, files("one"))
    current = reader.current()
    assert current is not None
    assert current.parent == reader.root
    assert bytes_of(current) == bytes_of(written)
    assert CHECKSUMS in bytes_of(current)
    assert reader.is_published()
    assert reader.left_out() == ["one"]
    assert current.stat().st_mtime == written.stat().st_mtime, "of the time when it was published, not copied"


def test_what_is_published_or_withdrawn_in_one_home_is_so_in_all(
    writer: PublishedFolder, reader: PublishedFolder
) -> None:
    writer.publish(ONE, files("one"))
    assert read_there(reader) == ONE
    reader.publish(TWO, files("two"))
    assert [read_there(writer), read_there(reader)] == [TWO, TWO]
    writer.publish(ONE, files("one"))
    assert [read_there(writer), read_there(reader)] == [ONE, ONE], "an earlier one may be current again"
    assert reader.withdraw()
    assert [read_there(writer), read_there(reader)] == [None, None]
    assert not writer.withdraw()


def test_the_pointer_moves_when_all_files_are_there_and_not_before(
    writer: PublishedFolder, reader: PublishedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.publish(ONE, files("one"))

    def lost(*_: object) -> None:
        raise OSError("the network is gone")

    with monkeypatch.context() as broken:
        broken.setattr(places, "_point_at", lost)
        with pytest.raises(OSError, match="the network is gone"):
            writer.publish(TWO, files("two"))
    assert [read_there(reader), read_there(writer)] == [ONE, ONE]
    writer.publish(TWO, files("two"))
    assert read_there(reader) == TWO


@pytest.mark.parametrize("damage", ["changed", "missing", "no list", "outside"])
def test_what_did_not_arrive_whole_is_not_read_and_publishing_again_mends_it(
    writer: PublishedFolder, reader: PublishedFolder, place: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_PAUSE_S", 0.0)
    writer.publish(ONE, files("one"))
    assert read_there(reader) == ONE
    writer.publish(TWO, files("two"))
    page = place / TWO / "site" / "share" / "a b.html"
    if damage == "changed":
        page.write_bytes(b"x" * page.stat().st_size)
    elif damage == "missing":
        page.unlink()
    elif damage == "no list":
        (place / TWO / CHECKSUMS).unlink()
    else:
        (place / TWO / CHECKSUMS).write_text(f"{'0' * 64}  ../../outside\n", encoding="utf-8")
    with pytest.raises(PublicationError, match=f"publication {TWO} is damaged or incomplete there"):
        reader.current()
    assert (reader.root / "current").resolve().name == ONE, "who reads the copy goes on with the one before"
    writer.publish(TWO, files("two"))
    assert read_there(reader) == TWO


def test_a_damaged_copy_is_fetched_again(writer: PublishedFolder, reader: PublishedFolder) -> None:
    written = writer.publish(ONE, files("one"))
    current = reader.current()
    assert current is not None
    (current / "manifest.json").write_text("", encoding="utf-8")
    assert reader.is_published()
    assert bytes_of(current) == bytes_of(written)


def test_the_last_ones_stay_by_when_they_were_current(writer: PublishedFolder, place: Path) -> None:
    digests = [f"{number:016x}" for number in range(KEPT_PUBLICATIONS + 3)]
    for digest in digests:
        writer.publish(digest, files(digest))
    writer.publish(digests[4], files(digests[4]))
    assert {path.name for path in place.iterdir()} == {digests[4], *digests[-KEPT_PUBLICATIONS:]}
    writer.publish("f" * 16, files("f"))
    assert {path.name for path in place.iterdir()} == {"f" * 16, digests[4], *digests[1 - KEPT_PUBLICATIONS :][1:]}


def test_a_server_goes_on_with_its_copy_while_the_database_is_away_and_follows_it_later(
    writer: PublishedFolder, reader: PublishedFolder, shared_store: SharedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "LOOKED_EVERY_S", 0.01)
    end = threading.Event()
    away = PublishedFolder(reader.root, SharedStore("postgresql://nobody@127.0.0.1:1/gone", shared_store.data_url))
    with pytest.raises(WarehouseError, match=r"127\.0\.0\.1/gone"):
        away.keep_up()
    writer.publish(ONE, files("one"))
    reader.keep_up(end)
    away.keep_up(end)
    served = Publications(reader.root)
    assert served.current().digest == ONE
    writer.publish(TWO, files("two"))
    deadline = time.monotonic() + 60
    while served.current().digest != TWO and time.monotonic() < deadline:
        time.sleep(0.01)
    end.set()
    assert served.current().digest == TWO


def test_the_row_says_what_is_current_since_when(writer: PublishedFolder, shared_store: SharedStore) -> None:
    writer.publish(ONE, files("one"))
    first = pointer_of(shared_store)
    assert first is not None
    writer.publish(ONE, files("one"))
    assert pointer_of(shared_store) == first, "the same again changes nothing"
    with psycopg.connect(shared_store.database_url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("INSERT INTO exposure.publications VALUES ('a', now(), true)")


def test_a_home_that_was_removed_is_filled_again(writer: PublishedFolder) -> None:
    writer.publish(ONE, files("one"))
    shutil.rmtree(writer.root)
    assert read_there(writer) == ONE
