"""Where the columns of the handbook's tables come from."""

from exposure_dagster.core.lineage import RUN, made_from, same_as

LINEAGE = {
    "parsed.ooh_titles": made_from("title slug is_alias", "raw.ooh_index.body"),
    "parsed.ooh_occupations": {
        **made_from(
            "title url soc_code soc_codes onet_codes median_pay_annual median_pay_hourly pay_basis "
            "pay_is_top_coded pay_year entry_education work_experience training jobs projected_jobs outlook_pct "
            "outlook_desc employment_change base_year projection_year last_modified description text",
            "raw.ooh_pages.body",
        ),
        **same_as("raw.ooh_pages", "slug category content_sha256"),
        **made_from("parser_version", RUN),
    },
    "parsed.ooh_projections": {
        **same_as("raw.ooh_pages", "slug"),
        **made_from(
            "row level occupation_title soc_code is_total employment projected_employment change_pct change",
            "raw.ooh_pages.body",
        ),
    },
    "parsed.ooh_unread": {
        **same_as("raw.ooh_pages", "slug"),
        **made_from("field found", "raw.ooh_pages.body"),
    },
}
