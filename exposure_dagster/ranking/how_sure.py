"""What intervals mean, and why there are none, in sentences: for the command line, the brief and the site."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.ranking.uncertainty import Method

MEANING = {
    Method.SAMPLES: (
        "Intervals are of 90 % and come from repeated answers of one model. What another model would answer, or the "
        "same one to other words, is not in them."
    ),
    Method.MODELS: (
        "Intervals are of 90 % and come from the answers of several models, and from repeated answers where there are "
        "any. What other models would answer is in them as far as these differ; other words are not."
    ),
    Method.WORDINGS: (
        "Intervals are of 90 % and come from the prompt and its variants, and from repeated answers where there are "
        "any. What a wording would have got that nobody tried is in them as far as these differ."
    ),
    Method.LEFT_OUT: (
        "Intervals are of 90 % and come from the prompt's examples, each estimated with itself left out: they say how "
        "far such an estimate errs from what the examples' author gave, and not what a model would answer."
    ),
    Method.LEFT_OUT_ANSWERS: (
        "Intervals are of 90 % and come from the model's answers about other documents, each estimated with itself "
        "left out: they say how far such an estimate errs from what the model would answer."
    ),
}
"""What kind of error is meant, by the method."""

ONE_ANSWER = (
    "There is no interval: each document has a single answer, and nothing says how far another would lie from it. Set "
    "`samples: 3` in the prompt's file, or name several `models`."
)
NO_EXAMPLES = (
    "There is no interval: too few of the prompt's examples agree with the texts to tell how far these estimates err. "
    "Add examples that name documents, or ask a model with `samples: 3`."
)


def how_sure(scores: pd.DataFrame) -> list[str]:
    """What is meant by the intervals of a prompt's scores, or why they have none: a sentence for each kind there is.

    `scores` has a row for each document with a score: `method`, as in ranked.uncertainty, and `scorer`. Where there are
    several kinds, each sentence says of how many scores it speaks, the most first.
    """
    said = pd.Series(
        [_sentence(method, scorer) for method, scorer in zip(scores["method"], scores["scorer"], strict=True)],
        dtype="object",
    )
    counts = said.value_counts()
    if len(counts) < 2:
        return [str(sentence) for sentence in counts.index]
    return [f"{count:,} of {len(said):,} scores: {sentence}" for sentence, count in counts.items()]


def _sentence(method: object, scorer: object) -> str:
    meaning = MEANING.get(Method(method)) if isinstance(method, str) else None
    return meaning or (NO_EXAMPLES if scorer == "baseline" else ONE_ANSWER)
