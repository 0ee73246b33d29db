"""Documents as vectors, and as weights of listed words: what the baseline sees of a text.

Nothing here knows a prompt's scale or its levels.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]

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


def _terms(tokens: Sequence[str]) -> list[str]:
    return [token for token in tokens if token.isalpha()]


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
    TF-IDF, `mean_weights` the average document's. After Deerwester et al. 1990, "Indexing by latent semantic
    analysis".
    """

    vectors: Floats
    weighted: csr_array
    mean_weights: Floats
    terms: Sequence[str]
    idf: Floats
    components: Floats
    center: Floats

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]]) -> TextSpace | None:
        """The space of tokenized documents; None where they have too few words to tell them apart."""
        import numpy as np

        counts = [Counter(_terms(tokens)) for tokens in documents]
        having = Counter(term for counted in counts for term in counted)
        if len(having) < 2:
            return None
        least = _MIN_SHARE_OF_DOCUMENTS * len(documents)
        frequent = [term for term in sorted(having) if having[term] >= least]
        terms = frequent if len(frequent) >= 2 else sorted(having)
        idf = np.log((1 + len(documents)) / (1 + np.array([having[term] for term in terms]))) + 1
        weighted = _tf_idf(counts, terms, idf)
        components = _leading_components(weighted, _DIMENSIONS)
        latent = weighted @ components.T
        center = latent.mean(axis=0)
        vectors = _unit_rows(latent - center, weighted)
        return cls(vectors, weighted, weighted.mean(axis=0), terms, idf, components, center)

    def project(self, texts: Sequence[Sequence[str]]) -> Floats:
        """The vectors of other tokenized texts, such as those of levels."""
        weighted = _tf_idf([Counter(_terms(tokens)) for tokens in texts], self.terms, self.idf)
        return _unit_rows(weighted @ self.components.T - self.center, weighted)

    def pulls(self, row: int, direction: Floats) -> dict[str, float]:
        """How far each word of a document moves it along a direction, against the average document."""
        import numpy as np

        of_document = slice(self.weighted.indptr[row], self.weighted.indptr[row + 1])
        present, weights = self.weighted.indices[of_document], self.weighted.data[of_document]
        length = np.linalg.norm(self.components[:, present] @ weights - self.center)
        surplus = weights - self.mean_weights[present]
        moved = surplus * (direction @ self.components[:, present]) / max(float(length), _TINY)
        return {self.terms[index]: float(move) for index, move in zip(present, moved, strict=True)}


def _tf_idf(counts: Sequence[Counter[str]], terms: Sequence[str], idf: Floats) -> csr_array:
    """(1 + ln n) · idf for a term that stands n times, each row of length 1; other words are passed over."""
    import numpy as np
    from scipy.sparse import csr_array

    column_of = {term: column for column, term in enumerate(terms)}
    known = [sorted((column_of[term], n) for term, n in counted.items() if term in column_of) for counted in counts]
    columns = np.array([column for row in known for column, _ in row], dtype=np.intp)
    weights = np.array([1 + math.log(n) for row in known for _, n in row]) * idf[columns]
    ends = np.cumsum([0, *(len(row) for row in known)])
    rows = np.repeat(np.arange(len(known)), np.diff(ends))
    lengths = np.sqrt(np.bincount(rows, weights**2, len(known)))
    return csr_array((weights / lengths[rows], columns, ends), shape=(len(counts), len(terms)))


def _leading_components(weighted: csr_array, wanted: int) -> Floats:
    """The first right singular vectors, a row each, by subspace iteration from a fixed start.

    After Halko, Martinsson and Tropp 2011, "Finding structure with randomness".
    """
    import numpy as np

    size = min(wanted + _OVERSAMPLED, *weighted.shape)
    basis = np.random.default_rng(0).standard_normal((weighted.shape[1], size))
    for _ in range(_ITERATIONS):
        basis = _orthonormal(weighted.T @ _orthonormal(weighted @ basis))
    image = weighted @ basis
    _, turned = np.linalg.eigh(image.T @ image)
    components: Floats = (basis @ turned[:, ::-1][:, :wanted]).T
    return components


def _orthonormal(columns: Floats) -> Floats:
    """Orthonormal columns of the same span.

    By way of their products: in a QR factorization of few and long columns threads wait for one another.
    """
    import numpy as np

    squares, directions = np.linalg.eigh(columns.T @ columns)
    is_there = squares > _TINY * max(float(squares[-1]), _TINY)
    spanned: Floats = columns @ (directions[:, is_there] / np.sqrt(squares[is_there]))
    return spanned


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
    weights: Floats

    @classmethod
    def of(cls, entries: Sequence[str], documents: Sequence[Sequence[str]]) -> ListedWords:
        """The weights of the entries in tokenized documents."""
        import numpy as np

        needles = [_needle(entry) for entry in entries]
        counts = np.zeros((len(documents), len(entries)))
        for row, tokens in enumerate(documents):
            text = _joined(tokens)
            counts[row] = [text.count(needle) if needle else 0 for needle in needles]
        idf = np.log((1 + len(documents)) / (1 + (counts > 0).sum(axis=0))) + 1
        damped = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0)
        return cls(tuple(entries), damped * idf)


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
        total: Floats = self.raising.weights.sum(axis=1) + self.lowering.weights.sum(axis=1)
        return total + max(_SMOOTHING * float(total.mean()), _TINY)

    @cached_property
    def values(self) -> Floats:
        difference: Floats = self.raising.weights.sum(axis=1) - self.lowering.weights.sum(axis=1)
        return difference / self._divisor

    def pulls(self, row: int) -> dict[str, float]:
        """How far each listed entry that a document has moves it."""
        divisor = float(self._divisor[row])
        return {
            entry: float(sign * weight / divisor)
            for words, sign in ((self.raising, 1), (self.lowering, -1))
            for entry, weight in zip(words.entries, words.weights[row], strict=True)
            if weight > 0
        }


def _joined(tokens: Sequence[str]) -> str:
    # A space on either side of each token: no two finds share one, so that `str.count` sees all of them.
    return "".join(f" {token} " for token in tokens)


def _needle(entry: str) -> str:
    joined = _joined(tokens_of(entry))
    return joined.rstrip() if entry.rstrip().endswith("*") else joined


def form_in_text(entry: str, tokens: Sequence[str]) -> str:
    """How an entry reads in a text: `analy*` as "analysis" if that is its most frequent form there."""
    words = tokens_of(entry)
    if len(words) != 1 or not entry.endswith("*"):
        return entry.removesuffix("*")
    forms = Counter(token for token in tokens if token.startswith(words[0]))
    return min(forms, key=lambda form: (-forms[form], form), default=entry)
