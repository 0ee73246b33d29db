"""The checks that scores go through before they are published, and which of them keep scores back."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

EXAMPLES = "examples_lie_in_their_levels"
PROBES = "probes_lie_where_expected"
VARIATION = "scores_vary"
AGREEMENT = "indices_agree_as_expected"
DRIFT = "scores_have_not_drifted"
MODELS = "models_agree"
STABILITY = "tiers_are_sure"
ATTRIBUTES = "attributes_differ"
POSITION = "places_in_a_request_do_not_matter"

ESSENTIAL = frozenset({EXAMPLES, PROBES, VARIATION})
"""Where one of these fails, the numbers are not about the question."""

CHECKS: Mapping[str, str] = {
    EXAMPLES: "Of the documents that the question names as examples, four in five score within a step of their level.",
    PROBES: "Of the documents that the prompt file names as probes, four in five score within a step of their range.",
    VARIATION: "Fewer than 95 % of the documents have the same score.",
    AGREEMENT: "The rank correlation with each published index lies in the band that is expected of it.",
    DRIFT: "Since the version before, the mean moved by less than a tenth of the scale, and ranks correlate by .9.",
    MODELS: "Where several models answer, ICC(A,k) of their mean is at least .75.",
    STABILITY: "At most a fifth of the jobs is in occupations whose tier is kept in fewer than 75 % of the draws.",
    ATTRIBUTES: "No two attributes correlate by .9 or more.",
    POSITION: "An answer does not depend on the document's place in its request.",
}


class Gate(StrEnum):
    """What a check that fails stops: any of them, only those that are essential, or none."""

    BLOCK = "block"
    ESSENTIAL = "essential"
    WARN = "warn"

    def stops_at(self, check: str) -> bool:
        return self is Gate.BLOCK or (self is Gate.ESSENTIAL and check in ESSENTIAL)
