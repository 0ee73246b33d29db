"""Which file of a folder stands for an address, and which contacts may be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure_dagster.core.errors import SettingError
from exposure_dagster.sources.folder import file_names
from exposure_dagster.sources.sites import SiteKind, checked_contact, open_site


def test_a_page_lies_under_its_host_and_path() -> None:
    assert file_names("https://www.bls.gov/ooh/legal/lawyers.htm") == [Path("www.bls.gov/ooh/legal/lawyers.htm")]


def test_a_query_may_be_part_of_the_name_or_left_out() -> None:
    assert file_names("https://www.onetonline.org/find/all/All_Occupations.csv?fmt=csv") == [
        Path("www.onetonline.org/find/all/All_Occupations.csv?fmt=csv"),
        Path("www.onetonline.org/find/all/All_Occupations.csv"),
    ]


def test_signs_that_are_encoded_in_an_address_are_plain_in_a_name() -> None:
    assert file_names("https://host.org/a%20b/c.htm#pay") == [Path("host.org/a b/c.htm")]


@pytest.mark.parametrize(
    "url",
    [
        "https://host.org/../../etc/passwd",
        "https://host.org/%2e%2e/%2e%2e/etc/passwd",
        "https://host.org/..%2f..%2fetc%2fpasswd",
        "https://host.org//etc/passwd",
        "https://host.org/%2fetc/passwd",
        "https://host.org/a/..\\..\\secret",
        "https://host.org/a%00.htm",
        "https://../etc/passwd",
        "file:///etc/passwd",
        "/etc/passwd",
        "https://[broken/x.htm",
        "https://host.org/ooh/",
        "https://host.org",
        "",
    ],
)
def test_an_address_that_names_no_file_below_the_folder_has_none(url: str) -> None:
    assert file_names(url) == []


def test_a_query_cannot_lead_out_of_the_folder() -> None:
    assert file_names("https://host.org/x.htm?/../../../etc/passwd") == [Path("host.org/x.htm")]


@given(st.text(alphabet="./\\%25eEfF?#:@ab\0", max_size=30))
def test_no_address_leads_out_of_the_folder(tail: str) -> None:
    for name in file_names(f"https://host.org/{tail}"):
        assert not name.is_absolute()
        assert ".." not in name.parts


@pytest.mark.parametrize("contact", ["jo@uni.edu", " jo.doe+ooh@mail.uni-x.edu ", "o'hara@bls.example"])
def test_an_email_address_is_a_contact(contact: str) -> None:
    assert checked_contact(contact) == contact.strip()


@pytest.mark.parametrize("contact", [None, "", "   "])
def test_a_live_site_without_a_contact_is_refused_with_an_example(contact: str | None) -> None:
    with pytest.raises(SettingError, match=r"^EXPOSURE_CONTACT: .*EXPOSURE_CONTACT=\S+@\S+"):
        open_site("live", contact=contact)


@pytest.mark.parametrize(
    "contact", ["secret-key", "jo@", "@uni.edu", "jo@uni", "jo@uni.edu\r\nX: y", "jo@ünï.edu", "a b@uni.edu"]
)
def test_what_is_no_address_is_refused_and_not_repeated(contact: str) -> None:
    with pytest.raises(SettingError, match="not an e-mail address") as caught:
        open_site("live", contact=contact)
    assert contact not in str(caught.value)


@pytest.mark.parametrize("contact", ["123+jo@users.noreply.github.com", "jo@GitHub.com", "jo.github.com@uni.edu"])
def test_a_contact_that_bls_refuses_is_refused_with_the_reason_and_not_repeated(contact: str) -> None:
    with pytest.raises(SettingError) as caught:
        open_site("live", contact=contact)
    assert str(caught.value).startswith(
        "EXPOSURE_CONTACT: bls.gov answers 403 to every User-Agent that contains github.com, as what is set does. "
    )
    assert contact not in str(caught.value)


def test_a_site_does_not_show_its_contact() -> None:
    site = open_site("live", contact="jo@uni.edu")
    assert site.kind is SiteKind.LIVE
    assert "jo@uni.edu" not in repr(site)


def test_the_sample_needs_no_contact() -> None:
    assert open_site("sample", contact=None).kind is SiteKind.SAMPLE
