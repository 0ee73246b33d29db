"""Tables of the Occupational Outlook Handbook."""

from __future__ import annotations

from exposure_dagster.core.tables import FETCHED, Column, Table, flag, number, text, whole

OOH_INDEX = Table(
    schema="raw",
    name="ooh_index",
    grain="the handbook's A–Z page",
    description="The A–Z index of the Occupational Outlook Handbook, as fetched.",
    columns=FETCHED,
    key=("url",),
    is_kept=True,
)

OOH_PAGES = Table(
    schema="raw",
    name="ooh_pages",
    grain="handbook page",
    description=(
        "Every occupation page that the A–Z index names, as fetched. A page that could not be had keeps "
        "its last good body, with the status and reason of the failed attempt."
    ),
    columns=(
        text("slug", "Last part of the page's address: the document id of corpus ooh.", required=True),
        text("category", "Occupation group in the handbook, from the address."),
        flag("is_listed", "False where the A–Z index no longer names the page; it is kept and no longer parsed."),
        *FETCHED,
    ),
    key=("slug",),
    is_kept=True,
)

OOH_TITLES = Table(
    schema="parsed",
    name="ooh_titles",
    grain="title in the A–Z index",
    description="Every title and alias in the A–Z index, with the page it leads to.",
    columns=(
        text("title", "Occupation title or alias, as printed.", required=True),
        text("slug", "Page that the title leads to.", required=True),
        flag("is_alias", "True where the index says “see” another title."),
    ),
    key=("title", "slug"),
)

OOH_OCCUPATIONS = Table(
    schema="parsed",
    name="ooh_occupations",
    grain="handbook page",
    description="Quick facts, codes and text of every handbook page. Nothing in it is imputed.",
    columns=(
        text("slug", "Page, as in raw.ooh_pages.", required=True),
        text("title", "Occupation title, from the page's heading."),
        text("category", "Occupation group in the handbook, from the address."),
        text("url", "Canonical address of the page."),
        text("soc_code", "2018 SOC code of the page's total row; null where the page prints a dash there."),
        Column(
            name="soc_codes",
            type="VARCHAR[]",
            description="Detailed 2018 SOC codes that the page covers, from the projections table and O*NET links.",
        ),
        Column(
            name="onet_codes",
            type="VARCHAR[]",
            description="O*NET-SOC codes that the page links to under More Info.",
        ),
        number("median_pay_annual", "Median annual pay; null where the page prints none.", unit="USD per year"),
        number("median_pay_hourly", "Median hourly pay; null where the page prints none.", unit="USD per hour"),
        text("pay_basis", "annual: the page prints a yearly figure; hourly_only: an hourly one alone; none."),
        flag("pay_is_top_coded", "True where the page says “equal to or greater than”."),
        whole("pay_year", "Year of the pay figures, from their label.", unit="year"),
        text("entry_education", "Typical entry-level education; null where the page points at another tab."),
        text("work_experience", "Work experience in a related occupation; “None” is a value."),
        text("training", "Typical on-the-job training; “None” is a value."),
        whole("jobs", "Employment in the base year.", unit="jobs"),
        whole("projected_jobs", "Projected employment in the projection year.", unit="jobs"),
        number("outlook_pct", "Projected change of employment between the two years.", unit="percent"),
        text("outlook_desc", "BLS's phrase for the outlook, as in “Faster than average”."),
        whole("employment_change", "Projected change of employment between the two years.", unit="jobs"),
        whole("base_year", "First year of the projection, from the page.", unit="year"),
        whole("projection_year", "Last year of the projection, from the page.", unit="year"),
        Column(name="last_modified", type="DATE", description="Last Modified Date printed on the page."),
        text("description", "The page's own one-sentence description."),
        text("text", "Text of tabs 2–6 as Markdown.", unit="Markdown"),
        text("content_sha256", "SHA-256 of the body it was parsed from.", unit="hex"),
        text("parser_version", "Version of the parser that read it."),
    ),
    key=("slug",),
)

OOH_PROJECTIONS = Table(
    schema="parsed",
    name="ooh_projections",
    grain="row of a page's projections table",
    description="Every row of every page's employment projections table; rows with is_total = false add up.",
    columns=(
        text("slug", "Page, as in raw.ooh_pages.", required=True),
        whole("row", "Position in the page's table, from 1.", required=True),
        whole("level", "Depth of indentation, 0 for the page's total."),
        text("occupation_title", "Title in the row."),
        text("soc_code", "2018 SOC code in the row; null where the page prints a dash."),
        flag("is_total", "True where the row adds up rows below it."),
        whole("employment", "Employment in the base year.", unit="jobs"),
        whole("projected_employment", "Projected employment in the projection year.", unit="jobs"),
        number("change_pct", "Projected change.", unit="percent"),
        whole("change", "Projected change.", unit="jobs"),
    ),
    key=("slug", "row"),
    filled_with="parsed.ooh_occupations",
)

OOH_UNREAD = Table(
    schema="parsed",
    name="ooh_unread",
    grain="field of a page that should be there and could not be read",
    description="Signs of a changed page layout. Empty when every page was read in full.",
    columns=(
        text("slug", "Page, as in raw.ooh_pages.", required=True),
        text("field", "Column of parsed.ooh_occupations or parsed.ooh_projections.", required=True),
        text("found", "What stood where the field was looked for."),
        text("content_sha256", "SHA-256 of the body in which it was looked for.", unit="hex"),
    ),
    key=("slug", "field", "found"),
    filled_with="parsed.ooh_occupations",
)
