"""A summary page of O*NET OnLine to its record.

What a page of an occupation with data ought to have and has not is reported as unread; what some
such pages lack (reported titles, shares of education levels) is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from exposure_dagster.core.errors import SourceError
from exposure_dagster.core.growth import GrowthCategory, named_growth_category
from exposure_dagster.parsing.codes import ONET_CODE
from exposure_dagster.parsing.damage import DAMAGE, damage_of
from exposure_dagster.parsing.education import EducationShare, education_level
from exposure_dagster.parsing.figures import read_count, read_last_year, read_year
from exposure_dagster.parsing.findings import Findings
from exposure_dagster.parsing.html import NestedTooDeeplyError, squeezed, text_of, tree_of_words
from exposure_dagster.parsing.records import UnreadField

_TITLES_LABEL = re.compile(r"sample of reported job titles:?", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"a subset of this occupation", re.IGNORECASE)
_SHORTEST_DESCRIPTION = 20
_MISSING = "-2"
_HELP = "more info"
_MOST_PERCENT = 105
"""What shares add up to at most, each of them rounded."""
_COMMA = re.compile(r",\s+(?![^(]*\))")
_DISPLAYED = re.compile(r"\bof (?:all )?(\d+) displayed", re.IGNORECASE)
_WAGE = re.compile(r"\$([\d,]+(?:\.\d+)?)(\+)?\s*(hourly|annual)", re.IGNORECASE)
_NO_WAGE = re.compile(r"(?:\w+ )*not available|n/a|[—–-]", re.IGNORECASE)
_SHARE = re.compile(r"(\d{1,3})\s*%.*?\bresponded:?\s*(.+?)(?:\s*\brequired\b.*)?", re.IGNORECASE)
_RESPONDENTS = re.compile(r"\brespondents said\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OnetPage:
    """A summary page. Figures are null, and lists empty, where the page has none.

    `tasks_count` is the number of tasks that the page says there are, which may be more than it shows.
    Wages are USD in `wage_year`, lower bounds where `wage_is_top_coded`; `openings` are jobs a year
    between `base_year` and `projection_year`; `education` is in the order of the page.
    """

    onet_code: str
    title: str | None
    description: str | None
    sample_titles: tuple[str, ...]
    tasks: tuple[str, ...]
    tasks_count: int | None
    median_wage_annual: int | None
    median_wage_hourly: float | None
    wage_is_top_coded: bool
    wage_year: int | None
    growth_category: GrowthCategory | None
    openings: int | None
    base_year: int | None
    projection_year: int | None
    education: tuple[EducationShare, ...]


@dataclass(frozen=True, slots=True)
class ParsedOnetPage:
    """All that was read from a summary page, and all that should have been and was not.

    `slug` of an unread field is the O*NET-SOC code.
    """

    page: OnetPage
    unread: list[UnreadField]


@dataclass(frozen=True, slots=True)
class _Wages:
    annual: int | None = None
    hourly: float | None = None
    is_top_coded: bool = False


def parse_onet_page(body: bytes, *, url: str, has_data: bool = True) -> ParsedOnetPage:
    """The record of the summary page that was fetched from `url`.

    `has_data` is False for occupations that the list marks as without data: of their pages nothing but
    title and description is wanted. Raises SourceError if the body is no summary page, or one of
    another occupation.
    """
    tree = _tree(body, url)
    code = _checked_code(tree, url)
    findings = Findings(code)
    figures = _definitions(tree)
    wage_label, wage_words = _figure(figures, "median wages")
    growth_label, growth_words = _figure(figures, "projected growth")
    openings_label, openings_words = _figure(figures, "projected job openings")
    wages = _wages(wage_words)
    growth = None if growth_words is None else named_growth_category(growth_words)
    openings = None if openings_words is None else read_count(openings_words)
    tasks = _tasks(tree, findings)
    title, description = _title(tree, code), _description(tree)
    years = growth_label or openings_label or ""
    page = OnetPage(
        onet_code=code,
        title=findings.required("title", title, "no words in the heading"),
        description=findings.required("description", description, "no paragraph below the heading"),
        sample_titles=_sample_titles(tree, findings),
        tasks=tasks,
        tasks_count=_tasks_count(tree, tasks),
        median_wage_annual=wages.annual if wages else None,
        median_wage_hourly=wages.hourly if wages else None,
        wage_is_top_coded=wages is not None and wages.is_top_coded,
        wage_year=read_year(wage_label or ""),
        growth_category=growth,
        openings=openings,
        base_year=read_year(years),
        projection_year=read_last_year(years),
        education=_education(tree, findings),
    )
    if has_data:
        findings.required("tasks_count", page.tasks_count, "no section of tasks")
        findings.required("median_wage_annual", wages, wage_words or "no median wages")
        findings.required("growth_category", growth, growth_words or "no projected growth")
        findings.required("openings", openings, openings_words or "no projected job openings")
    for clause in damage_of(body):
        findings.report(DAMAGE, clause)
    return ParsedOnetPage(page, findings.unread)


def _tree(body: bytes, url: str) -> LexborHTMLParser:
    try:
        tree = tree_of_words(body)
    except NestedTooDeeplyError:
        raise SourceError(
            "this is no summary page: its elements are nested too deeply to be followed",
            where=url,
            remedy="Open the address in a browser; if the page looks right there, report it",
        ) from None
    for link in tree.css("a"):
        if text_of(link).casefold() == _HELP:
            link.decompose()
    return tree


def _checked_code(tree: LexborHTMLParser, url: str) -> str:
    wanted = ONET_CODE.search(url)
    heading, title = tree.css_first("h1"), tree.css_first("title")
    printed = [match[0] for node in (heading, title) if node is not None and (match := ONET_CODE.search(text_of(node)))]
    if wanted is None or heading is None or not printed or printed[0] != wanted[0]:
        about = f"it is about {printed[0]}" if printed else f"it is titled {text_of(title) if title else ''!r}"
        raise SourceError(
            f"this is not the summary page of {wanted[0] if wanted else 'an O*NET occupation'}: {about}",
            where=url,
            remedy="Look whether the site refused the request; if it changed its layout, the parser has to follow.",
        )
    return wanted[0]


def _title(tree: LexborHTMLParser, code: str) -> str | None:
    node = tree.css_first("h1 span.main") or tree.css_first("h1")
    return None if node is None else text_of(node).partition(code)[0].strip(" -–") or None


def _description(tree: LexborHTMLParser) -> str | None:
    """The first paragraph below the heading with something to say about the occupation."""
    is_below_heading = False
    for node in tree.css(":is(h1,p,div.reportsection)"):
        if node.tag == "h1":
            is_below_heading = True
        elif node.tag == "div":
            return None
        elif is_below_heading:
            text = text_of(node)
            is_other = _TITLES_LABEL.match(text) or _PLACEHOLDER.search(text)
            if len(text) >= _SHORTEST_DESCRIPTION and not is_other:
                return text
    return None


def _sample_titles(tree: LexborHTMLParser, findings: Findings) -> tuple[str, ...]:
    for paragraph in tree.css("p"):
        text = text_of(paragraph)
        if label := _TITLES_LABEL.match(text):
            titles = tuple(filter(None, (title.strip() for title in _COMMA.split(text[label.end() :]))))
            return findings.required("sample_titles", titles or None, "a label without titles") or ()
    if tree.body is not None and (label := _TITLES_LABEL.search(text_of(tree.body))):
        findings.report("sample_titles", label.string[label.start() :])
    return ()


def _tasks(tree: LexborHTMLParser, findings: Findings) -> tuple[str, ...]:
    """Rated tasks stand in a table, unrated ones in a list."""
    section = tree.css_first("#Tasks")
    if section is None:
        return ()
    without = [row for row in section.css("tr") if row.css("td[data-title]") and not row.css('td[data-title="Task"]')]
    if without:
        findings.report("tasks", f"{len(without)} rows without a task, the first is: {text_of(without[0])}")
    cells = section.css('td[data-title="Task"]') or section.css("td[data-text]") or section.css("li")
    return tuple(text for text in map(_task_text, cells) if text and not text.lstrip("-").isdecimal())


def _task_text(node: LexborNode) -> str:
    words = squeezed(node.attributes.get("data-text") or "")
    if words and words != _MISSING:
        return words
    return text_of(node.css_first(".order-2") or node)


def _tasks_count(tree: LexborHTMLParser, tasks: tuple[str, ...]) -> int | None:
    section = tree.css_first("#Tasks")
    displayed = None if section is None else _DISPLAYED.search(text_of(section))
    return max(len(tasks), int(displayed[1]) if displayed else 0) or None


def _definitions(tree: LexborHTMLParser) -> dict[str, str]:
    """The words beside each term of the page's definition lists; the first of a term."""
    found: dict[str, str] = {}
    for term in tree.css("dt"):
        words = next((node for node in _siblings_after(term) if node.tag in {"dd", "dt"}), None)
        if words is not None and words.tag == "dd":
            found.setdefault(text_of(term), text_of(words))
    return found


def _siblings_after(node: LexborNode) -> Iterator[LexborNode]:
    while (following := node.next) is not None:
        yield following
        node = following


def _figure(figures: dict[str, str], words: str) -> tuple[str | None, str | None]:
    """Label and words of a figure; labels carry the edition's years as well."""
    return next(((label, found) for label, found in figures.items() if words in label.casefold()), (None, None))


def _wages(words: str | None) -> _Wages | None:
    """ "$46.66 hourly, $93,600 annual", either alone, or words that say there is none; None if no such words."""
    amounts = {unit.casefold(): (amount, plus) for amount, plus, unit in _WAGE.findall(words or "")}
    if not amounts:
        return None if words is None or not _NO_WAGE.fullmatch(words) else _Wages()
    return _Wages(
        annual=int(float(amounts["annual"][0].replace(",", ""))) if "annual" in amounts else None,
        hourly=float(amounts["hourly"][0].replace(",", "")) if "hourly" in amounts else None,
        is_top_coded=any(plus for _, plus in amounts.values()),
    )


def _education(tree: LexborHTMLParser, findings: Findings) -> tuple[EducationShare, ...]:
    items = [text_of(item) for item in tree.css("li")]
    shares = tuple(
        EducationShare(education_level(match[2]), float(match[1])) for match in map(_SHARE.fullmatch, items) if match
    )
    responses = sum("responded" in item.casefold() for item in items)
    if responses > len(shares) or sum(share.percent for share in shares) > _MOST_PERCENT:
        findings.report("education_top", f"{len(shares)} shares in {responses} responses")
    elif not shares and tree.body is not None and (announced := _RESPONDENTS.search(text_of(tree.body))):
        findings.report("education_top", announced.string[announced.start() :])
    return shares
