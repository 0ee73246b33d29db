"""The text of a page as Markdown."""

from __future__ import annotations

from exposure_dagster.corpora.ooh.page import parse_page
from tests.unit.parsing.handbook import PAGE, PAGE_URL, changed


def text(page: str = PAGE) -> str:
    return parse_page(page.encode(), url=PAGE_URL).occupation.text


def duties(html: str) -> str:
    """The Markdown of some HTML that stands alone below a heading."""
    page = changed("<h3>Duties</h3>", f"<h3>Mark</h3>{html}<h3>Duties</h3>")
    return text(page).partition("### Mark\n\n")[2].partition("\n\n### Duties")[0]


def test_tabs_2_to_6_stand_in_order_below_the_title() -> None:
    assert [line for line in text().splitlines() if line.startswith("#")] == [
        "# Lamp Keepers",
        "## What Lamp Keepers Do",
        "### Duties",
        "## Work Environment",
        "## How to Become a Lamp Keeper",
        "### Training",
        "## Pay",
        "## Job Outlook",
    ]


def test_the_whole_page_reads_cleanly() -> None:
    assert (
        text()
        == """# Lamp Keepers

## What Lamp Keepers Do

Lamp keepers light lamps, trim wicks, and keep logs.

### Duties

- Light lamps
- Trim wicks of
  - oil lamps
  - signal lamps

1. Fill
2. Light

## Work Environment

Keepers held about 12,000 jobs. Their largest employers:

|  |  |
| --- | --- |
| Harbors | 75% |
| Towns \\| cities | 25 |

Most keepers work at night.

## How to Become a Lamp Keeper

### Training

Keepers learn from other keepers.

## Pay

| Lamp Keepers | Median annual wages, May 2031 |
| --- | --- |
| Lamp keepers | $50,000 |
| Total, all occupations | $49,000 |

The median annual wage for keepers was $50,000 in May 2031.

## Job Outlook

Employment of keepers is projected to decline.

**Employment projections data for lamp keepers, 2031–41**

| Occupational Title | SOC Code | Employment, 2031 | Projected Employment, 2041 | \
Change, 2031–41: Percent | Change, 2031–41: Numeric |
| --- | --- | --- | --- | --- | --- |
| Lamp keepers | — | 12,000 | 11,400 | -5 | -600 |
| Harbor lamp keepers | 49-9910 | 9,000 | 8,500 | -6 | -500 |
| Oil lamp keepers | 49-9911 | 4,000 | 3,600 | -10 | -400 |
| Gas lamp keepers | 49-9912 | 5,000 | 4,900 | -2 | -100 |
| Street lamp keepers | 49-9920 | 3,000 | 2,900 | -3 | -100 |"""
    )


def test_words_of_loose_text_keep_the_spaces_between_them() -> None:
    assert duties("<div><em>one</em> <b>two</b><i>s</i>\n<a>three</a></div>") == "one twos three"


def test_a_line_break_parts_words() -> None:
    assert duties("<p>one<br>two</p>") == "one two"


def test_scripts_and_styles_are_no_text() -> None:
    assert duties("<p>one<script>var a</script><style>p {}</style> two</p>") == "one two"


def test_paragraphs_in_one_cell_are_parted() -> None:
    assert "| one two | three |" in duties("<table><tr><td><p>one</p><p>two</p></td><td>three</td></tr></table>")


def test_paragraphs_in_one_item_stay_in_the_item() -> None:
    assert duties("<ul><li><p>one</p><p>two</p></li><li>three</li></ul>") == "- one\n\n  two\n- three"


def test_a_list_directly_in_a_list_belongs_to_the_item_before() -> None:
    assert duties("<ul><li>one</li><ul><li>two</li></ul></ul>") == "- one\n  - two"


def test_a_paragraph_that_looks_like_a_list_or_heading_stays_a_paragraph() -> None:
    assert (
        duties("<p>- one</p><p># two</p><p>3. three</p><p>-4% four</p>")
        == "\\- one\n\n\\# two\n\n3\\. three\n\n-4% four"
    )


def test_a_table_that_opens_with_a_row_of_headings_has_it_as_its_header() -> None:
    table = "<table><tr><th>Rank</th><th>Pay</th></tr><tr><th>First</th><td>10</td></tr></table>"
    assert duties(table) == "| Rank | Pay |\n| --- | --- |\n| First | 10 |"


def test_cells_that_span_rows_and_columns_keep_the_others_in_their_columns() -> None:
    table = (
        "<table><tr><td rowspan='2'>a</td><td>b</td><td>c</td></tr><tr><td colspan='2'>d</td></tr>"
        "<tr><td>e</td></tr></table>"
    )
    assert duties(table).splitlines()[2:] == ["| a | b | c |", "| a | d |  |", "| e |  |  |"]


def test_notes_below_a_table_are_kept_and_sources_are_not() -> None:
    table = (
        "<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr>"
        "<tr><td colspan='2'>B counts boats.</td></tr><tr><td colspan='2'>SOURCE: somewhere</td></tr></tbody>"
        "<tfoot><tr><td>A counts ships.</td></tr></tfoot></table>"
    )
    assert duties(table) == "| A | B |\n| --- | --- |\n| 1 | 2 |\n\nB counts boats.\n\nA counts ships."


def test_a_table_without_words_is_left_out() -> None:
    assert duties("<p>one</p><table><tr><td> </td></tr></table>") == "one"
