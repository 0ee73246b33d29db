"""A user's own roles over the quadrants of the country."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from tests.integration.company import ROWS, made_company
from tests.slow.browser.conftest import BuiltSite, Visits, published_site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def company_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltSite]:
    """The sample and a company's roles, both asked the same two numbers."""
    company = made_company(tmp_path_factory.mktemp("company"))
    company.add_prompt("two_variable", of="two_variable", corpus="ooh")
    with ThreadPoolExecutor(1) as own_thread:  # Playwright keeps an event loop in this one, Dagster wants none
        own_thread.submit(company.run, sites="sample").result()
    yield published_site(company.root / "home")


def test_own_roles_are_pins_over_the_quadrants_and_lead_to_their_own(visits: Visits, company_site: BuiltSite) -> None:
    visit = visits(company_site)
    page = visit.open("layer=two_variable&view=quadrants")
    pins = page.locator(".chart .pin")
    assert pins.count() == len(ROWS)
    assert "Backend developer" in (page.locator(".chart .names").text_content() or "")
    assert page.get_by_text("Pins are documents of your own").is_visible()
    dev, cook = (page.locator(f'.chart .pin[data-pin="{name}"]').bounding_box() for name in ("dev", "cook"))
    assert dev is not None and cook is not None
    assert dev["x"] > cook["x"]  # a product that is more digital
    page.locator('.chart .pin[data-pin="dev"]').click()
    expect(page).to_have_url(re.compile("layer=our_roles.*id=dev"))
    assert page.locator(".chart .pin").count() == 0
    assert page.locator(".chart .point").count() == len(ROWS)
    visit.check()
