"""Which occupation a title is taken for: exact ones, near ones, and those of which nothing is known."""

from __future__ import annotations

import pytest

from exposure_dagster.matching import ACCEPTED_SHARE, CANDIDATES
from exposure_dagster.matching.matcher import KnownOccupation, Match, Matcher, Role, plain_title

CLERK, COOK, DRIVER, NURSE, TUTOR = "43-0001.00", "35-0001.00", "53-0001.00", "29-0001.00", "25-0001.00"

OCCUPATIONS = [
    KnownOccupation(CLERK, "Office Clerks", ["File Clerk", "Records Clerk", "Assistant"], "Files and copies letters."),
    KnownOccupation(COOK, "Cooks", ["Line Cook", "Grill Cook", "Kitchen Assistant"], "Prepares meals in a kitchen."),
    KnownOccupation(DRIVER, "Drivers", ["Bus Driver", "Truck Driver", "Assistant"], "Drives vehicles to customers."),
    KnownOccupation(NURSE, "Registered Nurses", ["RN (Registered Nurse)", "Staff Nurse"], "Cares for patients."),
    KnownOccupation(TUTOR, "Secretaries", ["Tutor", "Café Owner"], "Teaches pupils."),
]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(OCCUPATIONS)


def one(matcher: Matcher, title: str, duties: str = "") -> Match:
    (found,) = matcher.match([Role(title, duties)])
    return found


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("Line Cook", COOK),
        ("  LINE-cook ", COOK),
        ("Rn registered nurse", NURSE),
        ("Registered Nurse", NURSE),
        ("secretary", TUTOR),
        ("CAFE owner", TUTOR),
    ],
)
def test_a_title_of_one_occupation_alone_is_exact_whatever_its_case_signs_and_number(
    matcher: Matcher, title: str, code: str
) -> None:
    found = one(matcher, title)
    assert found.is_exact
    assert [candidate.onet_code for candidate in found.candidates] == [code]
    assert found.accepted is not None and found.accepted.share == 1


def test_a_title_of_two_occupations_is_neither_by_itself(matcher: Matcher) -> None:
    found = one(matcher, "Assistant")
    assert not found.is_exact
    assert {candidate.onet_code for candidate in found.candidates[:2]} == {CLERK, DRIVER}


def test_duties_tell_which_of_two_it_is(matcher: Matcher) -> None:
    driver = one(matcher, "Assistant", "Drives vehicles to the customers' houses")
    clerk = one(matcher, "Assistant", "Copies and files what letters there are")
    assert driver.candidates[0].onet_code == DRIVER
    assert clerk.candidates[0].onet_code == CLERK


def test_a_name_of_its_own_comes_before_a_title_of_another() -> None:
    known = [KnownOccupation(COOK, "Chefs"), KnownOccupation(CLERK, "Office Clerks", ["Chef"])]
    assert one(Matcher(known), "Chef").candidates[0].onet_code == COOK


def test_a_near_title_has_candidates_with_shares_that_fall_and_add_up_to_one_at_most(matcher: Matcher) -> None:
    found = one(matcher, "Senior bus drivers")
    shares = [candidate.share for candidate in found.candidates]
    assert found.candidates[0].onet_code == DRIVER
    assert 1 < len(shares) <= CANDIDATES
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1.001


def test_what_is_near_enough_is_accepted_and_what_is_merely_nearest_is_not(matcher: Matcher) -> None:
    near = one(matcher, "Bus drivers")
    assert not near.is_exact
    assert near.accepted is not None and near.accepted.onet_code == DRIVER
    far = one(matcher, "Driftwood")
    assert far.candidates[0].share >= ACCEPTED_SHARE
    assert far.accepted is None


@pytest.mark.parametrize("title", ["", "   ", "!?", "软件工程师", "مهندس", "\u200b"])
def test_a_title_of_which_nothing_is_known_has_no_candidate(matcher: Matcher, title: str) -> None:
    assert one(matcher, title) == Match(())


def test_without_a_title_the_duties_have_candidates_and_accept_none(matcher: Matcher) -> None:
    found = one(matcher, "", "Cares for patients.")
    assert found.candidates[0].onet_code == NURSE
    assert found.accepted is None


def test_a_title_of_ten_thousand_characters_is_one_like_others(matcher: Matcher) -> None:
    assert one(matcher, "bus driver " * 1000).candidates[0].onet_code == DRIVER


def test_roles_are_answered_in_their_order_and_alike_whoever_stands_beside_them(matcher: Matcher) -> None:
    titles = ["Bus drivers", "Tutor", "Kitchen help", "Bus drivers", ""] * 120
    together = matcher.match([Role(title) for title in titles])
    assert together == [one(matcher, title) for title in titles[:5]] * 120


def test_without_occupations_there_are_no_candidates() -> None:
    assert one(Matcher([]), "Cook") == Match(())
    assert one(Matcher([KnownOccupation(COOK, "", ["…"])]), "Cook") == Match(())


def test_a_plain_title_is_letters_and_figures_alone() -> None:
    assert plain_title("  Sr. Café-Owner  (R&D), ﬁnance II ") == "sr cafe owner r d finance ii"
