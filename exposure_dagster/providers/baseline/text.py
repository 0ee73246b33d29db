"""Documents as vectors, and as weights of listed words: what the baseline sees of a text.

Nothing here knows a prompt's scale or its levels.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Scripts written without spaces: every sign is a token, so that a listed word is found as a row of signs.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")

_DIMENSIONS = 50
_MIN_SHARE_OF_DOCUMENTS = 0.01
_SMOOTHING = 0.25
_TINY = 1e-9


def tokens_of(text: str) -> list[str]:
    """The words of a text in any language, in order, without case or punctuation."""
    return _TOKEN.findall(unicodedata.normalize("NFC", text).casefold())


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
    weighted: Any
    mean_weights: Floats
    terms: Sequence[str]
    vectorizer: Any
    components: Floats
    center: Floats

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]]) -> TextSpace | None:
        """The space of tokenized documents; None where they have too few words to tell them apart."""
        import numpy as np
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        occurrences = Counter(term for tokens in documents for term in set(_terms(tokens)))
        if len(occurrences) < 2:
            return None
        least = _MIN_SHARE_OF_DOCUMENTS * len(documents)
        is_pruned = sum(count >= least for count in occurrences.values()) >= 2
        vectorizer = TfidfVectorizer(
            analyzer=_terms, sublinear_tf=True, min_df=_MIN_SHARE_OF_DOCUMENTS if is_pruned else 1
        )
        weighted = vectorizer.fit_transform(documents)
        svd = TruncatedSVD(min(_DIMENSIONS, *weighted.shape), random_state=0)
        with np.errstate(invalid="ignore"):  # identical documents have no variance to explain
            latent = svd.fit_transform(weighted)
        center = latent.mean(axis=0)
        mean_weights = np.asarray(weighted.mean(axis=0)).ravel()
        vectors = _unit_rows(latent - center, weighted)
        terms = vectorizer.get_feature_names_out().tolist()
        return cls(vectors, weighted, mean_weights, terms, vectorizer, svd.components_, center)

    def project(self, texts: Sequence[Sequence[str]]) -> Floats:
        """The vectors of other tokenized texts, such as those of levels."""
        weighted = self.vectorizer.transform(texts)
        return _unit_rows(weighted @ self.components.T - self.center, weighted)

    def pulls(self, row: int, direction: Floats) -> dict[str, float]:
        """How far each word of a document moves it along a direction, against the average document."""
        import numpy as np

        present = self.weighted[row].indices
        surplus = self.weighted[row].data - self.mean_weights[present]
        length = np.linalg.norm(self.weighted[row] @ self.components.T - self.center)
        moved = surplus * (direction @ self.components[:, present]) / max(float(length), _TINY)
        return {self.terms[index]: float(move) for index, move in zip(present, moved, strict=True)}


def _unit_rows(rows: Floats, weighted: Any) -> Floats:
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1)
    is_usable = (weighted.getnnz(axis=1) > 0) & (lengths > _TINY)
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

    @property
    def _divisor(self) -> Floats:
        total: Floats = self.raising.weights.sum(axis=1) + self.lowering.weights.sum(axis=1)
        return total + max(_SMOOTHING * float(total.mean()), _TINY)

    @property
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
