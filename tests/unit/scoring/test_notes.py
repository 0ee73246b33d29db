"""What a row of the ledger notes, written and read back."""

from __future__ import annotations

from exposure_dagster.providers.prices import Usage
from exposure_dagster.scoring.metering import believed
from exposure_dagster.scoring.notes import COUNTED, FENCED, NUMBER_AS_TEXT, Cuts, counts, cut_note, cuts, joined

CUT = cut_note(1_234, 56_789, "a-model", 200_000)


def test_notes_are_joined_and_none_is_none() -> None:
    assert joined(None, CUT, None, FENCED) == f"{CUT}; {FENCED}"
    assert joined(None, None) is None


def test_how_much_was_cut_is_read_back_from_the_notes_whatever_else_they_say() -> None:
    found = cuts([None, joined(CUT, FENCED), FENCED, cut_note(1_000_000, 1_000_001, "b", 9)])

    assert found == Cuts(documents=2, sent=1_001_234, left_out=55_556)
    assert str(cuts([CUT])) == (
        "1 document is longer than the model takes: 55,555 characters, 97.8% of their text, are left out at the end"
    )
    assert cuts([None, FENCED]) == Cuts(0, 0, 0)


def test_answers_that_had_to_be_put_right_are_counted_by_how() -> None:
    _, doubt = believed(None, Usage())

    assert counts([None, CUT, FENCED, joined(FENCED, NUMBER_AS_TEXT), doubt]) == {
        COUNTED[FENCED]: 2,
        COUNTED[NUMBER_AS_TEXT]: 1,
        "answers whose usage could not be true": 1,
    }
