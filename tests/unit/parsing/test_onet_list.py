"""The list of all O*NET occupations."""

from __future__ import annotations

import pytest

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.onet.listing import ListedOccupation, parse_onet_list

HEADER = "Job Zone,Code,Occupation,Data-level,url"


def a_list(*rows: str, header: str = HEADER) -> bytes:
    return "\r\n".join([header, *rows]).encode()


def test_an_occupation_with_data_has_a_job_zone_and_can_be_scored() -> None:
    body = a_list("4,29-1141.01,Acute Care Nurses,Y,https://www.onetonline.org/link/summary/29-1141.01")
    assert parse_onet_list(body) == [ListedOccupation("29-1141.01", "Acute Care Nurses", 4, is_scoreable=True)]


def test_an_occupation_without_data_has_no_job_zone_and_cannot_be_scored() -> None:
    body = a_list('n/a,45-2099.00,"Agricultural Workers, All Other",,u')
    assert parse_onet_list(body) == [
        ListedOccupation("45-2099.00", "Agricultural Workers, All Other", None, is_scoreable=False)
    ]


def test_the_order_of_columns_does_not_matter_nor_does_a_byte_order_mark() -> None:
    body = b"\xef\xbb\xbf" + a_list("Actors,Y,27-2011.00,2", header="Occupation,Data-level,Code,Job Zone")
    assert [occupation.onet_code for occupation in parse_onet_list(body)] == ["27-2011.00"]


@pytest.mark.parametrize(
    ("body", "where", "what"),
    [
        (b"", "All_Occupations.csv", "no rows"),
        (
            a_list("4,x", header="Job Zone,SOC Code"),
            "line 1",
            "there is no column 'Code'; the columns are: Job Zone, SOC",
        ),
        (a_list("4,13-2011,Accountants,Y,u"), "line 2, column 'Code'", "'13-2011' is no O*NET-SOC code"),
        (a_list("4,13-2011.00,,Y,u"), "line 2, column 'Occupation'", "without a title"),
        (a_list("6,13-2011.00,Accountants,Y,u"), "line 2, column 'Job Zone'", "'6' is neither a job zone"),
        (a_list("4,13-2011.00,Accountants,yes,u"), "line 2, column 'Data-level'", "'yes' is neither Y nor empty"),
        (a_list("4,13-2011.00,Accountants,Y"), "line 2", "4 cells where the header has 5"),
        (
            a_list("4,13-2011.00,Accountants,Y,u", "2,27-2011.00,Actors,Y,u", "4,13-2011.00,Auditors,Y,u"),
            "line 4, column 'Code'",
            "13-2011.00 stands already in line 2",
        ),
    ],
    ids=["empty", "column", "code", "title", "zone", "level", "short row", "twice"],
)
def test_a_list_of_another_form_is_refused_with_its_place(body: bytes, where: str, what: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_onet_list(body)
    assert caught.value.where is not None
    assert caught.value.where.endswith(where)
    assert what in caught.value.what
    assert caught.value.remedy


def test_errors_call_the_list_as_the_caller_does() -> None:
    with pytest.raises(SourceError, match=r"^saved/list\.csv: "):
        parse_onet_list(b"", file="saved/list.csv")
