"""Pages damaged in many ways, and what a damaged page may do to the cells that are read from it.

The rule: what is read from a damaged page is what was read from the whole one, or the page has a finding (a body
that fetching refuses, a page that is refused, a field named as unread). A cell may differ without one only where the
damage changed the very words of it: then the same damage done to the words alone, with all markup left as it
was, gives the same cell.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from exposure_dagster.core.errors import ExposureError
from exposure_dagster.corpora.onet.page import parse_onet_page
from exposure_dagster.corpora.ooh.index import index_pages, parse_index, unread_entries
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.sources.bodies import problem_of


@dataclass(frozen=True)
class Words:
    """A long text: its words, whatever paragraphs damaged markup put them into."""

    counts: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, text: str) -> Words:
        return cls(frozenset(Counter(re.findall(r"\w+", text)).items()))

    def distance(self, other: Words) -> int:
        """How many words one has and the other has not."""
        mine, theirs = Counter(dict(self.counts)), Counter(dict(other.counts))
        return (mine - theirs).total() + (theirs - mine).total()

    def is_kept_in(self, other: Words, body: bytes) -> bool:
        more = Counter(dict(other.counts)) - Counter(dict(self.counts))
        lost = Counter(dict(self.counts)) - Counter(dict(other.counts))
        return not lost and set(more) <= set(re.findall(r"\w+", body.decode(errors="replace")))


Cells = Mapping[str, Hashable]
"""What was read from a page, by a name for each cell."""


@dataclass(frozen=True)
class Reading:
    """The cells of a page, and the findings that go with them."""

    cells: Cells
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """A page to be damaged, and how it is read."""

    name: str
    kind: str
    source: str
    read: Callable[[bytes], Reading]


@dataclass(frozen=True)
class Edit:
    """`source[start:stop]` becomes `new`."""

    start: int
    stop: int
    new: str = ""


@dataclass(frozen=True)
class Damage:
    """A damaged page. `words_alone` is the page with the same done to its words and not to its markup: None where
    the damage touched no word."""

    how: str
    body: bytes
    words_alone: bytes | None = None
    edits: int = 0


# --- reading -------------------------------------------------------------------------------------------------------


def handbook_page(name: str, source: str, url: str) -> Subject:
    def read(body: bytes) -> Reading:
        page = parse_page(body, url=url)
        cells = {key: _plain(key, value) for key, value in asdict(page.occupation).items()}
        for row in page.projections:
            about = f"projections of {row.occupation_title} {row.soc_code}"
            at = about if about not in cells else f"{about}, row {row.row}"
            cells[at] = (row.employment, row.projected_employment, row.change_pct, row.change, row.is_total)
        return Reading(cells, tuple(unread.field for unread in page.unread))

    return Subject(name, "handbook page", source, _guarded(read))


def index_page(name: str, source: str) -> Subject:
    def read(body: bytes) -> Reading:
        entries = parse_index(body)
        index_pages(entries)
        cells: dict[str, Hashable] = {f"{e.title} -> {e.url}": e.is_alias for e in entries}
        return Reading(cells, tuple(unread.field for unread in unread_entries(body)))

    return Subject(name, "A–Z index", source, _guarded(read))


def subjects_in(sites: Path) -> list[Subject]:
    """The A–Z index and all handbook pages of a folder that holds one folder a host."""
    ooh = sites / "www.bls.gov" / "ooh"
    index = (ooh / "a-z-index.htm").read_text(encoding="utf-8")
    subjects = [index_page("A–Z index", index)]
    for page in index_pages(parse_index(index.encode())):
        file = ooh / page.category / f"{page.slug}.htm"
        if file.is_file():
            subjects.append(handbook_page(page.slug, file.read_text(encoding="utf-8"), page.url))
    return subjects


def summary_page(name: str, source: str, url: str) -> Subject:
    def read(body: bytes) -> Reading:
        parsed = parse_onet_page(body, url=url)
        cells = {key: _plain(key, value) for key, value in asdict(parsed.page).items()}
        return Reading(cells, tuple(unread.field for unread in parsed.unread))

    return Subject(name, "O*NET summary page", source, _guarded(read))


def _guarded(read: Callable[[bytes], Reading]) -> Callable[[bytes], Reading]:
    """With what fetching says of a body first, and a refusal as a finding: no other error is one."""

    def guarded(body: bytes) -> Reading:
        problem = problem_of(body, "html")
        if problem is not None:
            return Reading({}, (problem,))
        try:
            return read(body)
        except ExposureError as error:
            return Reading({}, (error.what,))

    return guarded


def _plain(name: str, value: object) -> Hashable:
    return Words.of(str(value)) if name == "text" else repr(value)


# --- judging -------------------------------------------------------------------------------------------------------


@dataclass
class Verdict:
    """How a reader stood the damage: `wrong` are cells that differ without a finding and without an excuse.

    `longer` are texts that kept all their words and gained others of the page, which an attribute kept out of them.
    """

    crash: str | None = None
    has_finding: bool = False
    differing: int = 0
    excused: int = 0
    longer: int = 0
    wrong: dict[str, tuple[object, object]] = field(default_factory=dict)


def judge(subject: Subject, whole: Reading, damage: Damage) -> Verdict:
    try:
        damaged = subject.read(damage.body)
    except Exception as error:  # noqa: BLE001  any that is not ours is a crash, whatever it is
        return Verdict(crash=f"{type(error).__name__}: {error}"[:300])
    differing = {
        name: (whole.cells.get(name), damaged.cells.get(name))
        for name in [*whole.cells, *(set(damaged.cells) - set(whole.cells))]
        if whole.cells.get(name) != damaged.cells.get(name)
    }
    verdict = Verdict(has_finding=damaged.findings != whole.findings, differing=len(differing))
    if not differing or verdict.has_finding:
        return verdict
    alone = None if damage.words_alone is None else subject.read(damage.words_alone).cells
    for name, (before, after) in differing.items():
        if alone is not None and _is_excused(before, after, alone.get(name), damage.edits):
            verdict.excused += 1
        elif isinstance(before, Words) and isinstance(after, Words) and before.is_kept_in(after, damage.body):
            verdict.longer += 1
        else:
            verdict.wrong[name] = (before, after)
    return verdict


def _is_excused(before: object, after: object, alone: object, edits: int) -> bool:
    """Whether the damage changed the very words of a cell. Of a long text it always changes some: there no more may
    differ than these, and the words at both ends of each passage."""
    if isinstance(after, Words) and isinstance(alone, Words):
        return after.distance(alone) <= 4 * edits
    return alone != before


# --- damaging ------------------------------------------------------------------------------------------------------

_MARKUP = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|<[a-zA-Z/!][^>]*>", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>")
_READ_AS_WORDS = re.compile(r"""\s(?:href|content|data-text)=["']([^"']*)""")
_ATTRIBUTE = re.compile(r"\s+[\w-]+=(?:\"[^\"]*\"|'[^']*')")
_DEEP = 10_000
_NESTED = (
    "div",
    "span",
    "b",
    "a",
    "font",
    "blockquote",
    "section",
    "p",
    "ul><li",
    "dl><dd",
    "table><tbody><tr><td",
    "svg",
)
_SPANS = ("0", "2", "3", "7", "99", "1000000000", "-1", "x", "", "²", "٣", "1.5", "2 ", "18446744073709551617")
_ENCODINGS = ("cp1252", "iso-8859-2", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037", "shift_jis", "koi8-r")
_A_BYTE_A_LETTER = ("cp1252", "windows-1252", "iso-8859-1", "iso-8859-2", "koi8-r", "shift_jis")
_DECLARATION = re.compile(r"""(<meta[^>]+charset\s*=\s*["']?)([\w-]+)""", re.IGNORECASE)

Damager = Callable[[random.Random, str], Damage]


def _tags(source: str) -> list[re.Match[str]]:
    return list(_TAG.finditer(source))


def _edited(source: str, edits: Sequence[Edit]) -> str:
    parts, at = [], 0
    for edit in sorted(edits, key=lambda one: (one.start, one.stop)):
        if edit.start < at:
            continue
        parts += [source[at : edit.start], edit.new]
        at = edit.stop
    return "".join([*parts, source[at:]])


def _markup_of(source: str) -> list[tuple[int, int]]:
    """Where the markup stands. Values of attributes that are read as words are none of it."""
    spans = []
    for match in _MARKUP.finditer(source):
        at = match.start()
        for value in _READ_AS_WORDS.finditer(match[0]):
            spans.append((at, match.start() + value.start(1)))
            at = match.start() + value.end(1)
        spans.append((at, match.end()))
    return spans


def _words_alone(source: str, edits: Sequence[Edit]) -> str:
    """The source with edits done to its words, and not to its markup."""
    markup = _markup_of(source)
    kept: list[Edit] = []
    for edit in edits:
        at, new = edit.start, edit.new
        for start, stop in markup:
            if stop <= edit.start:
                continue
            if start >= edit.stop:
                break
            if at < start:
                kept.append(Edit(at, start, new))
                new = ""
            at = max(at, stop)
        if at < edit.stop or (at == edit.stop == edit.start and not any(a < at < b for a, b in markup)):
            kept.append(Edit(at, edit.stop, new))
    return _edited(source, kept)


def _markup_only(how: str, source: str, edits: Sequence[Edit]) -> Damage:
    return Damage(how, _edited(source, edits).encode())


def _with_words(how: str, source: str, edits: Sequence[Edit]) -> Damage:
    return Damage(how, _edited(source, edits).encode(), _words_alone(source, edits).encode(), len(edits))


def tags_dropped(draw: random.Random, source: str) -> Damage:
    """Some tags, or all end tags of one name."""
    tags = _tags(source)
    if draw.random() < 0.3:
        name = draw.choice(tags)[2]
        chosen = [tag for tag in tags if tag[2] == name and tag[1]]
    else:
        chosen = draw.sample(tags, min(len(tags), draw.choice((1, 1, 2, 5, 30))))
    names = ", ".join(tag[0][:40] for tag in chosen[:3])
    return _markup_only(f"{len(chosen)} tags dropped: {names}", source, [Edit(*tag.span()) for tag in chosen])


def tags_strayed(draw: random.Random, source: str) -> Damage:
    """Tags that stand where they do not belong: copies of the page's own, and some that swallow."""
    tags = _tags(source)
    strays = [draw.choice(tags)[0] for _ in range(draw.choice((1, 3, 10)))]
    strays.append(
        draw.choice(("<form>", "<select>", "<svg>", "<math>", "<template>", "</body>", "</html>", "<br/>", ""))
    )
    edits = [Edit(at, at, stray) for stray in strays if (at := draw.choice(tags).end())]
    return _markup_only(f"tags strayed: {strays[:3]}", source, edits)


def attributes_cut(draw: random.Random, source: str) -> Damage:
    """An attribute lost, its closing quote, all its quotes, or the end of its tag."""
    edits, told = [], []
    for _ in range(draw.choice((1, 1, 3, 10))):
        tag = draw.choice([tag for tag in _tags(source) if _ATTRIBUTE.search(tag[3])])
        attribute = draw.choice(list(_ATTRIBUTE.finditer(source, tag.start(3), tag.end(3))))
        start, stop = attribute.span()
        how = draw.choice(("gone", "gone", "unclosed", "unquoted", "half", "tag unclosed"))
        if how in ("unquoted", "half") and _READ_AS_WORDS.match(attribute[0]):
            how = "gone"  # for what is left of its value is other words
        told.append(f"{how} {attribute[0].strip()[:40]}")
        match how:
            case "gone":
                edits.append(Edit(start, stop))
            case "unclosed":
                edits.append(Edit(stop - 1, stop))
            case "unquoted":
                edits.append(Edit(start, stop, attribute[0].replace('"', "").replace("'", "")))
            case "half":
                edits.append(Edit(draw.randint(start, stop - 1), stop))
            case _:
                edits.append(Edit(tag.end() - 1, tag.end()))
    return _markup_only(f"attributes cut: {told[:3]}", source, edits)


def spans_wrong(draw: random.Random, source: str) -> Damage:
    """Cells that say they span other columns or rows than they do."""
    cells = [tag for tag in _tags(source) if tag[2] in ("td", "th") and not tag[1]]
    if not cells:
        return tags_dropped(draw, source)
    edits, told = [], []
    for cell in draw.sample(cells, min(len(cells), draw.choice((1, 1, 2, 5)))):
        attributes = re.sub(r"\s*(col|row)span=\"?\w*\"?", "", cell[3])
        spans = "".join(f' {name}="{draw.choice(_SPANS)}"' for name in ("colspan", "rowspan") if draw.random() < 0.6)
        told.append(f"<{cell[2]}{spans}>")
        edits.append(Edit(*cell.span(), f"<{cell[2]}{attributes}{spans}>"))
    return _markup_only(f"spans wrong: {told[:3]}", source, edits)


def nested_deep(draw: random.Random, source: str) -> Damage:
    """10,000 elements in one another, closed or not, or 10,000 end tags of nothing."""
    name = draw.choice(_NESTED)
    tags = _tags(source)
    around = draw.choice(tags)
    shape = draw.choice(("open", "open", "around", "ended"))
    opening, closing = f"<{name}>", "".join(f"</{part}>" for part in reversed(name.split("><")))
    at = around.end()
    match shape:
        case "open":
            edits = [Edit(at, at, opening * _DEEP)]
        case "ended":
            edits = [Edit(at, at, closing * _DEEP)]
        case _:
            end = draw.choice([tag.start() for tag in tags if tag.start() >= at] or [at])
            edits = [Edit(at, at, opening * _DEEP), Edit(end, end, closing * _DEEP)]
    return _markup_only(f"nested deep: {shape} <{name}> after {around[0][:40]}", source, edits)


def null_bytes(draw: random.Random, source: str) -> Damage:
    """NULs and other characters that no text has, one or many, anywhere."""
    sign = draw.choice(("\0", "\0", "\0\0\0\0", "\x01", "\x1b[2J", "\x7f", "\ufeff", "\u200b", "\u202e", "\x85"))
    places = sorted(draw.randrange(len(source)) for _ in range(draw.choice((1, 3, 50, 2000))))
    how = f"{len(places)} times {sign!r}"
    return _with_words(how, source, [Edit(at, at, sign) for at in dict.fromkeys(places)])


def encodings_swapped(draw: random.Random, source: str) -> Damage:
    """A page in another encoding, declared truly, falsely or not at all; or one declared to be in another."""
    encoding = draw.choice(_ENCODINGS)
    declared = draw.choice((encoding, "utf-8", "windows-1252", "iso-8859-1", "koi8-r", "utf-16", "", "no-such"))
    page = _DECLARATION.sub(lambda found: found[1] + declared, source)
    if draw.random() < 0.3:
        encoding = "utf-8"
    body = page.encode(encoding, "xmlcharrefreplace" if draw.random() < 0.7 else "replace")
    own_words = body.decode(encoding)
    if encoding in _A_BYTE_A_LETTER and declared in _A_BYTE_A_LETTER:  # then the page's words are what it says they are
        own_words = body.decode(declared, "replace")
    changed = sum(ours != theirs for ours, theirs in zip(own_words, page, strict=False))
    alone = own_words.encode() if changed else None
    return Damage(f"encodings swapped: {encoding} declared {declared!r}", body, alone, changed)


def entities_written(draw: random.Random, source: str) -> Damage:
    """Characters of words written as references: the same words, for whoever reads HTML."""
    texts = _text_places(source)
    edits = []
    for at in draw.sample(texts, min(len(texts), draw.choice((1, 20, 500)))):
        code = ord(source[at])
        if source[at] not in "&;#" and not _inside_reference(source, at):
            edits.append(Edit(at, at + 1, draw.choice((f"&#{code};", f"&#x{code:x};", f"&#{code:07};"))))
    return _markup_only(f"{len(edits)} characters as references", source, edits)


def entities_broken(draw: random.Random, source: str) -> Damage:
    """References without an end, of no character, or bare ampersands."""
    edits = [Edit(found.end() - 1, found.end()) for found in re.finditer(r"&#?\w+;", source) if draw.random() < 0.5]
    broken = (
        "&",
        "&;",
        "&#;",
        "&#x;",
        "&#0;",
        "&#x110000;",
        "&#xD800;",
        "&#128;",
        "&nbsp",
        "&amp;amp;",
        "&lt",
        "&nosuch;",
    )
    places = draw.sample(range(len(source)), draw.choice((1, 5, 50)))
    edits.extend(Edit(at, at, draw.choice(broken)) for at in places)
    return _with_words(f"{len(edits)} references broken", source, edits)


def cut_off(draw: random.Random, source: str) -> Damage:
    """The end is lost; sometimes something adds the closing tags again, as proxies and browsers do."""
    at = draw.randrange(len(source))
    end = draw.choice(("", "</html>", "</div></div></body></html>"))
    return _with_words(f"cut off at {at} of {len(source)}, then {end!r}", source, [Edit(at, len(source), end)])


def passage_lost(draw: random.Random, source: str) -> Damage:
    start = draw.randrange(len(source))
    stop = min(len(source), start + draw.choice((1, 3, 10, 100, 1000, 10_000)))
    return _with_words(f"lost {source[start:stop][:60]!r}", source, [Edit(start, stop)])


def bytes_flipped(draw: random.Random, source: str) -> Damage:
    places = sorted({draw.randrange(len(source)) for _ in range(draw.choice((1, 1, 10, 200)))})
    edits = [Edit(at, at + 1, chr(draw.choice((32, 34, 60, 62, 48, 49, 65, 97, 255, 38, 47)))) for at in places]
    return _with_words(f"{len(edits)} characters replaced", source, edits)


def noise_between(draw: random.Random, source: str) -> Damage:
    """What changes nothing for a reader of HTML: comments, white space, letter case, scripts with tags in them."""
    how = draw.choice(("comments", "open comment", "white space", "upper case", "scripts"))
    tags = _tags(source)
    places = [tag.start() for tag in draw.sample(tags, min(len(tags), 20))]
    match how:
        case "comments":
            texts = _text_places(source)
            edits = [Edit(at, at, "<!-- <td>1</td> -->") for at in draw.sample(texts, min(len(texts), 20))]
            edits = [edit for edit in edits if not _inside_reference(source, edit.start)]
        case "open comment":
            edits = [Edit(places[0], places[0], "<!-- ")]
        case "white space":
            edits = [
                Edit(found.start(), found.end(), draw.choice(("\n\t ", "\r\n", "  ")))
                for found in re.finditer(r"(?<=[a-z,]) (?=[a-z])", source)
            ]
        case "upper case":
            edits = [Edit(tag.start(2), tag.end(2), tag[2].upper()) for tag in tags]
        case _:
            edits = [Edit(at, at, '<script>var a = "<td>1</td></table>";</script>') for at in places]
    return _markup_only(f"noise: {how}", source, edits)


def _text_places(source: str) -> list[int]:
    """Where characters of words stand within the body."""
    body = max(source.find("<body"), 0)
    places, at = [], body
    for match in _MARKUP.finditer(source, body):
        places += [place for place in range(at, match.start()) if not source[place].isspace()]
        at = match.end()
    return places


def _inside_reference(source: str, at: int) -> bool:
    return re.search(r"&#?\w*$", source[max(0, at - 12) : at]) is not None


DAMAGERS: tuple[Damager, ...] = (
    tags_dropped,
    tags_strayed,
    attributes_cut,
    spans_wrong,
    nested_deep,
    null_bytes,
    encodings_swapped,
    entities_written,
    entities_broken,
    cut_off,
    passage_lost,
    bytes_flipped,
    noise_between,
)
