"""How long work tells that it goes on."""

from __future__ import annotations

from exposure_dagster.core.progress import NO_PROGRESS, LoggedProgress, counted, readable_duration


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_lines_say_what_is_done_what_is_left_and_how_long_it_takes() -> None:
    lines: list[str] = []
    watch = Watch()
    progress = LoggedProgress(lines.append, monotonic=watch)
    progress.start("fetched", 342)
    for _ in range(120):
        watch.seconds += 1
        progress.advance()
    assert lines[-1] == "fetched 120 of 342, 222 left, about 3m42s"


def test_lines_are_few() -> None:
    lines: list[str] = []
    watch = Watch()
    progress = LoggedProgress(lines.append, every_seconds=5, monotonic=watch)
    progress.start("fetched", 342)
    for _ in range(20):
        watch.seconds += 1
        progress.advance()
    assert [line.split(",")[0] for line in lines] == [f"fetched {count} of 342" for count in (5, 10, 15, 20)]


def test_the_last_line_comes_always_and_says_how_long_it_took() -> None:
    lines: list[str] = []
    watch = Watch()
    progress = LoggedProgress(lines.append, monotonic=watch)
    progress.start("fetched", 2)
    progress.advance()
    progress.advance()
    watch.seconds += 2
    progress.finish()
    assert lines == ["fetched 2 of 2 in 2s"]


def test_the_latest_figures_stand_beside_the_count() -> None:
    lines: list[str] = []
    progress = LoggedProgress(lines.append, every_seconds=0, monotonic=Watch())
    progress.start("asked", None)
    progress.advance(10, cost_usd=0.5, failed=1)
    progress.advance(1200, cost_usd=1.25)
    assert lines == ["asked 10, cost usd 0.50, failed 1", "asked 1,210, cost usd 1.25, failed 1"]


def test_a_second_piece_of_work_begins_at_nothing() -> None:
    lines: list[str] = []
    progress = LoggedProgress(lines.append, monotonic=Watch())
    progress.start("fetched", 3)
    progress.advance(3, missing=1)
    progress.start("parsed", 3)
    progress.finish()
    assert lines == ["parsed 0 of 3 in 0s"]


def test_durations_read_well() -> None:
    assert [readable_duration(seconds) for seconds in (0.4, 59, 60, 222, 3599.6, 7500)] == [
        "0s",
        "59s",
        "1m00s",
        "3m42s",
        "1h00m",
        "2h05m",
    ]


def test_nobody_need_listen() -> None:
    NO_PROGRESS.start("fetched", 1)
    NO_PROGRESS.advance(failed=1)
    NO_PROGRESS.finish()


def test_what_is_counted_reads_as_english() -> None:
    assert [counted(count, "page") for count in (0, 1, 1200)] == ["0 pages", "1 page", "1,200 pages"]
