"""Where the columns of O*NET's tables, the projections and the crosswalk come from."""

from exposure_dagster.core.lineage import made_from, same_as

_SOURCES = ("raw.onet_pages.body", "raw.onet_database.body")

LINEAGE = {
    "parsed.onet_occupations": {
        **made_from("onet_code soc_code title is_scoreable", "raw.onet_list.body"),
        **made_from("job_zone text tasks_count", *_SOURCES),
        **made_from("sample_titles url description median_wage_hourly", *_SOURCES),
        **made_from(
            "median_wage_annual wage_is_top_coded growth_category employment_change_pct openings education_top "
            "projection_match",
            *_SOURCES,
            "raw.employment_projections.body",
        ),
    },
    "parsed.onet_tasks": made_from("doc_id onet_code title task_id task task_type importance", *_SOURCES),
    "parsed.onet_titles": made_from("onet_code title kind origin", *_SOURCES),
    "parsed.onet_features": made_from("onet_code feature place name element_id importance", "raw.onet_database.body"),
    "parsed.employment_projections": made_from(
        "soc_code title employment projected_employment openings", "raw.employment_projections.body"
    ),
    "parsed.soc_crosswalk": {
        **same_as("parsed.onet_occupations", "onet_code soc_code"),
        **made_from("slug", "parsed.ooh_occupations.onet_codes", "parsed.ooh_occupations.soc_codes"),
        **made_from("jobs_share", "parsed.employment_projections.employment"),
    },
}
