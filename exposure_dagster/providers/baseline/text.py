"""Documents as vectors, and as weights of listed words: what the baseline sees of a text.

Nothing here knows a prompt's scale or its levels.
"""

from __future__ import annotations

import math
import re
import unicodedata
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Numbers = NDArray[np.int32]

# Scripts written without spaces: every sign is a token, so that a listed word is found as a row of signs.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")

_TITLE = re.compile(r"\A# .*")
_SECTION = re.compile(r"^## ", re.MULTILINE)

_DIMENSIONS = 50
_OVERSAMPLED = 10
_ITERATIONS = 7
_MIN_SHARE_OF_DOCUMENTS = 0.01
_SMOOTHING = 0.25
_TINY = 1e-9

PORTION = 25_000
"""Documents that are gone through at once: what is made of a portion on the way is no larger for a million of them.
Sums over fewer documents are those of one portion, to the last bit."""


def portions(length: int) -> Iterator[slice]:
    """The rows of so many, a portion at a time; of none one portion, which is empty."""
    return (slice(start, min(start + PORTION, length)) for start in range(0, max(1, length), PORTION))


def tokens_of(text: str) -> list[str]:
    """The words of a text in any language, in order, without case or punctuation."""
    return _TOKEN.findall(unicodedata.normalize("NFC", text).casefold())


@dataclass(frozen=True)
class WorkText:
    """What a text says of the work: all of it, and its parts, one a section."""

    whole: str
    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str, sections: Sequence[str]) -> WorkText:
        """What stands under the headings of level two that begin as one of `sections` does.

        What stands before the first heading belongs to every part, but for the title. For a section that the text
        lacks all the others stand in. A text that has none of them, and one of which no sections are known, is about
        the work as a whole.
        """
        before, *divided = _SECTION.split(_TITLE.sub("", text, count=1))
        found = ["\n".join(part for part in divided if part.startswith(section)) for section in sections]
        if not any(found):
            return cls(text, (text,) * max(1, len(sections)))
        whole = "\n".join([before, *found])
        return cls(whole, tuple(f"{before}\n{part}" if part else whole for part in found))


@dataclass(frozen=True)
class Tokens:
    """The tokens of documents, each as its number among the different `words`.

    Those of a row stand in `numbers` from one of the `ends` to the next. A token takes four bytes, and fifty as a
    text of its own.
    """

    words: Sequence[str]
    numbers: Numbers
    ends: Ints

    @classmethod
    def of(cls, documents: Iterable[Sequence[str]]) -> Tokens:
        """Of tokenized documents, which are gone through once."""
        import numpy as np

        known: dict[str, int] = {}
        numbers, ends = array("i"), array("q", [0])
        for tokens in documents:
            numbers.extend([known.setdefault(token, len(known)) for token in tokens])
            ends.append(len(numbers))
        return cls(list(known), np.frombuffer(numbers, dtype=np.int32), np.frombuffer(ends, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ends) - 1

    def row(self, at: int) -> list[str]:
        """The tokens of a document, in order."""
        return [self.words[number] for number in self.numbers[self.ends[at] : self.ends[at + 1]]]

    def is_empty(self, at: int) -> bool:
        return bool(self.ends[at] == self.ends[at + 1])

    @cached_property
    def _sorted(self) -> tuple[list[str], list[int]]:
        numbers = sorted(range(len(self.words)), key=self.words.__getitem__)
        return [self.words[number] for number in numbers], numbers

    def numbers_of(self, word: str, *, is_beginning: bool) -> list[int]:
        """Of the word, or of all words that begin with it."""
        words, numbers = self._sorted
        first = bisect_left(words, word)
        last = first
        while last < len(words) and (words[last].startswith(word) if is_beginning else words[last] == word):
            last += 1
        return numbers[first:last]

    def counts(self, rows: slice, column_of: Numbers, columns: int) -> csr_array:
        """How often each column's words stand in each of the rows; `column_of` has for each word a column, or -1."""
        import numpy as np
        from scipy.sparse import csr_array

        first, last = self.ends[rows.start], self.ends[rows.stop]
        found = column_of[self.numbers[first:last]]
        is_known = found >= 0
        before = np.concatenate([[0], np.cumsum(is_known)])
        ends = before[self.ends[rows.start : rows.stop + 1] - first]
        found = found[is_known]
        counted = csr_array((np.ones(len(found)), found, ends), shape=(rows.stop - rows.start, columns))
        counted.sum_duplicates()
        return counted


@dataclass(frozen=True)
class Signal:
    """A number a document, standardized over the documents to mean 0 and standard deviation 1."""

    values: Floats
    mean: float
    deviation: float

    @classmethod
    def of(cls, raw: Floats) -> Signal | None:
        """None where the documents do not differ."""
        mean, deviation = float(raw.mean()), float(raw.std())
        return None if deviation < _TINY else cls((raw - mean) / deviation, mean, deviation)

    def standardize(self, raw: Floats) -> Floats:
        """Other numbers of the same kind, by the documents' mean and deviation."""
        return (raw - self.mean) / self.deviation


@dataclass(frozen=True)
class TextSpace:
    """Latent semantic analysis of documents: TF-IDF, its first singular vectors, centred, of length 1.

    `vectors` has a row a document; the row of a document without words is 0. `weighted` is the documents'
    TF-IDF, a matrix a portion of them, `mean_weights` the average document's. After Deerwester et al. 1990, "Indexing
    by latent semantic analysis".
    """

    vectors: Floats
    weighted: Sequence[csr_array]
    mean_weights: Floats
    terms: Sequence[str]
    idf: Floats
    components: Floats
    center: Floats

    @classmethod
    def of(cls, documents: Tokens) -> TextSpace | None:
        """The space of documents; None where they have too few words to tell them apart."""
        import numpy as np

        own = np.array([number if word.isalpha() else -1 for number, word in enumerate(documents.words)], np.int32)
        having = np.zeros(len(documents.words), np.int64)
        for rows in portions(len(documents)):
            counted = documents.counts(rows, own, len(documents.words))
            having += np.bincount(counted.indices, minlength=len(having))
        if np.count_nonzero(having) < 2:
            return None
        frequent = np.flatnonzero((having > 0) & (having >= _MIN_SHARE_OF_DOCUMENTS * len(documents)))
        chosen = frequent if len(frequent) >= 2 else np.flatnonzero(having)
        number_of = {documents.words[number]: number for number in chosen.tolist()}
        terms = sorted(number_of)
        idf = np.log((1 + len(documents)) / (1 + having[[number_of[term] for term in terms]])) + 1
        weighted = _tf_idf(documents, terms, idf)
        components = _leading_components(weighted, _DIMENSIONS)
        vectors = np.empty((len(documents), len(components)))
        total = np.zeros(len(components))
        mean_weights = np.zeros(len(terms))
        for rows, part in zip(portions(len(documents)), weighted, strict=True):
            vectors[rows] = part @ components.T
            total += vectors[rows].sum(axis=0)
            mean_weights += part.mean(axis=0) * (part.shape[0] / len(documents))
        center = total / len(documents)
        for rows, part in zip(portions(len(documents)), weighted, strict=True):
            vectors[rows] = _unit_rows(vectors[rows] - center, part)
        return cls(vectors, weighted, mean_weights, terms, idf, components, center)

    def project(self, texts: Sequence[Sequence[str]]) -> Floats:
        """The vectors of other tokenized texts, such as those of levels."""
        (weighted,) = _tf_idf(Tokens.of(texts), self.terms, self.idf)
        return _unit_rows(weighted @ self.components.T - self.center, weighted)

    def pulls(self, row: int, direction: Floats) -> dict[str, float]:
        """How far each word of a document moves it along a direction, against the average document."""
        import numpy as np

        part, at = self.weighted[row // PORTION], row % PORTION
        of_document = slice(part.indptr[at], part.indptr[at + 1])
        present, weights = part.indices[of_document], part.data[of_document]
        length = np.linalg.norm(self.components[:, present] @ weights - self.center)
        surplus = weights - self.mean_weights[present]
        moved = surplus * (direction @ self.components[:, present]) / max(float(length), _TINY)
        return {self.terms[index]: float(move) for index, move in zip(present, moved, strict=True)}


def _tf_idf(documents: Tokens, terms: Sequence[str], idf: Floats) -> list[csr_array]:
    """(1 + ln n) · idf for a term that stands n times, each row of length 1; other words are passed over."""
    import numpy as np
    from scipy.sparse import csr_array

    place_of = {term: place for place, term in enumerate(terms)}
    column_of = np.array([place_of.get(word, -1) for word in documents.words], np.int32)
    parts = []
    for rows in portions(len(documents)):
        counted = documents.counts(rows, column_of, len(terms))
        often = counted.data.astype(np.intp)
        weights = _damped(int(often.max(initial=1)))[often] * idf[counted.indices]
        of_row = np.repeat(np.arange(counted.shape[0]), np.diff(counted.indptr))
        lengths = np.sqrt(np.bincount(of_row, weights**2, counted.shape[0]))
        parts.append(csr_array((weights / lengths[of_row], counted.indices, counted.indptr), shape=counted.shape))
    return parts


def _damped(most: int) -> Floats:
    """1 + ln n by n, up to the highest."""
    import numpy as np

    return np.array([0.0, *(1 + math.log(n) for n in range(1, most + 1))])


def _leading_components(parts: Sequence[csr_array], wanted: int) -> Floats:
    """The first right singular vectors, a row each, by subspace iteration from a fixed start.

    After Halko, Martinsson and Tropp 2011, "Finding structure with randomness".
    """
    import numpy as np

    rows, columns = sum(part.shape[0] for part in parts), parts[0].shape[1]
    size = min(wanted + _OVERSAMPLED, rows, columns)
    basis = np.random.default_rng(0).standard_normal((columns, size))
    for _ in range(_ITERATIONS):
        images = [part @ basis for part in parts]
        turned = _orthonormalizing(sum(image.T @ image for image in images))
        basis = sum(part.T @ (image @ turned) for part, image in zip(parts, images, strict=True))
        basis = basis @ _orthonormalizing(basis.T @ basis)
    _, turned = np.linalg.eigh(sum(image.T @ image for image in (part @ basis for part in parts)))
    components: Floats = (basis @ turned[:, ::-1][:, :wanted]).T
    return components


def _orthonormalizing(squares: Floats) -> Floats:
    """What columns, whose products are given, have to be multiplied with to be orthonormal, of the same span.

    By way of their products: in a QR factorization of few and long columns threads wait for one another.
    """
    import numpy as np

    lengths, directions = np.linalg.eigh(squares)
    is_there = lengths > _TINY * max(float(lengths[-1]), _TINY)
    turned: Floats = directions[:, is_there] / np.sqrt(lengths[is_there])
    return turned


def _unit_rows(rows: Floats, weighted: csr_array) -> Floats:
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1)
    is_usable = (np.diff(weighted.indptr) > 0) & (lengths > _TINY)
    unit: Floats = np.divide(rows, lengths[:, None], out=np.zeros_like(rows), where=is_usable[:, None])
    return unit


@dataclass(frozen=True)
class ListedWords:
    """The weights of listed words in documents: a row a document, a column an entry.

    An entry is a word or a phrase; it counts where its words stand one after another, whatever their
    case and the punctuation between them, and `*` at its end stands for any ending. A count n weighs
    (1 + ln n) · idf, as TF-IDF has it.
    """

    entries: tuple[str, ...]
    weights: csr_array
    totals: Floats

    @classmethod
    def of(cls, entries: Sequence[str], documents: Tokens) -> ListedWords:
        """The weights of the entries in documents, and what all of them weigh in each."""
        import numpy as np
        from scipy.sparse import csr_array, vstack

        counted = [
            csr_array((0, len(entries))),
            *(_counts(entries, documents, rows) for rows in portions(len(documents))),
        ]
        counts = csr_array(vstack(counted, format="csr"))
        idf = np.log((1 + len(documents)) / (1 + np.bincount(counts.indices, minlength=len(entries)))) + 1
        counts.data = (1 + np.log(counts.data)) * idf[counts.indices]
        # summed up as rows of all entries: of the few that are there the last bit might be another
        totals = [counts[rows].toarray().sum(axis=1) for rows in portions(len(documents))]
        return cls(tuple(entries), counts, np.concatenate([np.zeros(0), *totals]))

    def of_row(self, row: int) -> Iterator[tuple[str, float]]:
        """The entries that a document has, each with its weight."""
        there = slice(self.weights.indptr[row], self.weights.indptr[row + 1])
        for column, weight in zip(self.weights.indices[there], self.weights.data[there], strict=True):
            yield self.entries[column], float(weight)


@dataclass(frozen=True)
class WordBalance:
    """Raising against lowering words, a number a document between -1 and 1.

    (raising − lowering) / (raising + lowering + s), where s, a quarter of what the average document has,
    keeps the few words of a short document from counting as much as the many of a long one.
    """

    raising: ListedWords
    lowering: ListedWords

    @cached_property
    def _divisor(self) -> Floats:
        total: Floats = self.raising.totals + self.lowering.totals
        return total + max(_SMOOTHING * float(total.mean()), _TINY)

    @cached_property
    def values(self) -> Floats:
        difference: Floats = self.raising.totals - self.lowering.totals
        return difference / self._divisor

    def pulls(self, row: int) -> dict[str, float]:
        """How far each listed entry that a document has moves it."""
        divisor = float(self._divisor[row])
        return {
            entry: sign * weight / divisor
            for words, sign in ((self.raising, 1), (self.lowering, -1))
            for entry, weight in words.of_row(row)
        }


def _counts(entries: Sequence[str], documents: Tokens, rows: slice) -> csr_array:
    """How often each entry stands in each of the rows."""
    import numpy as np
    from scipy.sparse import csr_array

    phrases: dict[int, Ints] = {}
    members: list[tuple[int, int]] = []
    for column, entry in enumerate(entries):
        tokens = tokens_of(entry)
        is_open = entry.rstrip().endswith("*")
        if len(tokens) == 1:
            members += [(number, column) for number in documents.numbers_of(tokens[0], is_beginning=is_open)]
        elif tokens:
            phrases[column] = _phrase_counts(tokens, documents, rows, is_open=is_open)
    listed = {number: place for place, number in enumerate(sorted({number for number, _ in members}))}
    place_of = np.full(len(documents.words), -1, np.int32)
    place_of[list(listed)] = list(listed.values())
    at = np.array([(listed[number], column) for number, column in members], np.intp).reshape(-1, 2)
    has_entry = csr_array((np.ones(len(at)), (at[:, 0], at[:, 1])), shape=(len(listed), len(entries)))
    counts = (documents.counts(rows, place_of, len(listed)) @ has_entry).toarray()
    for column, counted in phrases.items():
        counts[:, column] = counted
    return csr_array(counts)


def _phrase_counts(tokens: Sequence[str], documents: Tokens, rows: slice, *, is_open: bool) -> Ints:
    """How often the tokens stand one after another in each of the rows; no two finds share one."""
    import numpy as np

    first, last = documents.ends[rows.start], documents.ends[rows.stop]
    numbers = documents.numbers[first:last]
    begins = np.ones(max(0, len(numbers) - len(tokens) + 1), dtype=bool)
    for place, token in enumerate(tokens):
        is_beginning = is_open and place == len(tokens) - 1
        fitting = np.zeros(len(documents.words), dtype=bool)
        fitting[documents.numbers_of(token, is_beginning=is_beginning)] = True
        begins &= fitting[numbers[place : place + len(begins)]]
    starts = np.flatnonzero(begins)
    row_of = np.searchsorted(documents.ends[rows.start + 1 : rows.stop + 1] - first, starts, side="right")
    ends_in = np.searchsorted(documents.ends[rows.start + 1 : rows.stop + 1] - first, starts + len(tokens) - 1, "right")
    counted = np.zeros(rows.stop - rows.start, dtype=np.int64)
    free_from = -1
    for start, row, end_row in zip(starts.tolist(), row_of.tolist(), ends_in.tolist(), strict=True):
        if row == end_row and start >= free_from:
            counted[row] += 1
            free_from = start + len(tokens)
    return counted


def form_in_text(entry: str, tokens: Sequence[str]) -> str:
    """How an entry reads in a text: `analy*` as "analysis" if that is its most frequent form there."""
    words = tokens_of(entry)
    if len(words) != 1 or not entry.endswith("*"):
        return entry.removesuffix("*")
    forms = Counter(token for token in tokens if token.startswith(words[0]))
    return min(forms, key=lambda form: (-forms[form], form), default=entry)
