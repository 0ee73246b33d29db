"""Tables of O*NET, of BLS's employment projections, and of the links between the code systems."""

from __future__ import annotations

from exposure_dagster.core.tables import FETCHED, Column, Table, flag, json, number, text, whole

_PROVENANCE = (
    text("release", "Release or edition: of the database as in 30.2, of the projections their years."),
    text("licence", "Licence of the source, and whose it is."),
)

ONET_LIST = Table(
    schema="raw",
    name="onet_list",
    grain="the list of all O*NET occupations",
    description="The list of all O*NET occupations, as fetched.",
    columns=(*FETCHED, *_PROVENANCE),
    key=("url",),
    is_kept=True,
)

ONET_PAGES = Table(
    schema="raw",
    name="onet_pages",
    grain="O*NET occupation with data",
    description=(
        "The summary page of every scoreable O*NET occupation, as fetched. A page that could not be had keeps its "
        "last good body, with the status and reason of the failed attempt."
    ),
    columns=(
        text("onet_code", "O*NET-SOC code.", required=True),
        flag("is_listed", "False where the list no longer names the occupation; it is kept and no longer parsed."),
        *FETCHED,
        *_PROVENANCE,
    ),
    key=("onet_code",),
    is_kept=True,
)

ONET_DATABASE = Table(
    schema="raw",
    name="onet_database",
    grain="the release of the O*NET database in use",
    description=(
        "The release of the O*NET database that is parsed: the zip archive as fetched or saved, or, of a saved "
        "folder, an archive of its tables. `url` is the address, or the path of what was saved."
    ),
    columns=(
        *FETCHED,
        *_PROVENANCE,
        text("newest_release", "Newest release that its publisher named when last looked; null where unknown."),
        flag(
            "is_newest_readable",
            "Whether that one could be read through; null where it was not tried, since it is known or in use.",
        ),
        text("newest_problem", "What of it could not be read, by table and column, or why it could not be had."),
    ),
    key=("url",),
    is_kept=True,
)

RAW_PROJECTIONS = Table(
    schema="raw",
    name="employment_projections",
    grain="the edition of BLS's employment projections in use",
    description=(
        "BLS's employment projections by occupation, as downloaded. `url` is the address, or the path of what was "
        "saved."
    ),
    columns=(*FETCHED, *_PROVENANCE),
    key=("url",),
    is_kept=True,
)

ONET_OCCUPATIONS = Table(
    schema="parsed",
    name="onet_occupations",
    grain="O*NET occupation",
    description=(
        "Every listed O*NET occupation. Each figure comes from the summary page, else from the database, else from "
        "the projections; `origins` says which. Nothing in it is imputed."
    ),
    columns=(
        text("onet_code", "O*NET-SOC code, as in 29-1141.00.", required=True),
        text("soc_code", "2018 SOC code that it belongs to.", required=True),
        text("title", "Title in the list."),
        whole("job_zone", "Job zone, 1 (little preparation) to 5 (extensive)."),
        flag("is_scoreable", "True where O*NET has data on it: not the military and “All Other” ones."),
        text("description", "What people in it do, in a sentence or two."),
        number("median_wage_annual", "Median annual wage; a lower bound where top-coded.", unit="USD per year"),
        number("median_wage_hourly", "Median hourly wage; only pages have it.", unit="USD per hour"),
        flag("wage_is_top_coded", "True where the wage is a lower bound; null without a wage."),
        text("growth_category", "BLS's category of projected change, Decline to Much faster than average."),
        number(
            "employment_change_pct", "Projected change of employment of its row of the projections.", unit="percent"
        ),
        whole("openings", "Projected openings a year of its row of the projections.", unit="jobs per year"),
        text("education_top", "Level of education that most respondents call required; else BLS's entry level."),
        number("education_top_pct", "Share of respondents who say so; null for BLS's entry level.", unit="percent"),
        text("education_second", "Level that the second most call required."),
        number("education_second_pct", "Share of respondents who say so.", unit="percent"),
        Column(name="sample_titles", type="VARCHAR[]", description="Job titles that people in it report."),
        whole("tasks_count", "Number of task statements.", unit="tasks"),
        text("url", "Address of its summary page."),
        text("projection_soc_code", "Row of the projections that it is or lies in."),
        text(
            "projection_match", "exact: the row is its own; specialty: a part of it; combined: several taken together."
        ),
        whole("base_year", "First year of the projection.", unit="year"),
        whole("projection_year", "Last year of the projection.", unit="year"),
        json("origins", "For each figure that is there: page, database or projections."),
        text("text", "What a prompt is asked about: title, description, tasks, titles, education.", unit="Markdown"),
    ),
    key=("onet_code",),
)

EMPLOYMENT_PROJECTIONS = Table(
    schema="parsed",
    name="employment_projections",
    grain="row of BLS's employment projections",
    description="BLS's employment projections: detailed SOC occupations, and groups that BLS projects as one.",
    columns=(
        text("soc_code", "2018 SOC code, or a code that takes several together.", required=True),
        text("title", "Occupation title."),
        Column(name="aliases", type="VARCHAR[]", description="Other titles in the same cell of the file."),
        whole("employment", "Employment in the base year.", unit="jobs"),
        whole("projected_employment", "Projected employment in the projection year.", unit="jobs"),
        whole("change", "Projected change between the two years, as BLS rounds it.", unit="jobs"),
        number("change_pct", "Projected change between the two years.", unit="percent"),
        whole("openings", "Projected openings, annual average.", unit="jobs per year"),
        number("median_wage_annual", "Median annual wage; null where BLS has none.", unit="USD per year"),
        flag("wage_is_top_coded", "True where the wage is a lower bound."),
        text("entry_education", "Typical entry-level education."),
        text("work_experience", "Work experience in a related occupation."),
        text("training", "Typical on-the-job training."),
        whole("base_year", "First year of the projection.", unit="year"),
        whole("projection_year", "Last year of the projection.", unit="year"),
        whole("wage_year", "Year of the wages; null where the header does not say.", unit="year"),
    ),
    key=("soc_code",),
)

ONET_TASKS = Table(
    schema="parsed",
    name="onet_tasks",
    grain="task statement of an O*NET occupation",
    description="What people in each occupation do, statement by statement. Several occupations share some texts.",
    columns=(
        text("doc_id", "O*NET-SOC code and task id: the document id of corpus onet_tasks.", required=True),
        text("onet_code", "O*NET-SOC code.", required=True),
        text("title", "Title of the occupation."),
        whole("task_id", "O*NET's number of the task."),
        text("task", "The statement."),
        text("task_type", "Core, Supplemental, or null."),
        whole("incumbents_responding", "Share of the workers asked who do it.", unit="percent"),
        number("importance", "Mean importance, 1 to 5; null where the release at hand has no ratings.", unit="scale"),
        text("date", "Month and year of the statement's last update."),
        text("domain_source", "Who was asked."),
    ),
    key=("doc_id",),
)

ONET_TITLES = Table(
    schema="parsed",
    name="onet_titles",
    grain="O*NET occupation × job title",
    description=(
        "Job titles by which each occupation goes: those that people in it report, and O*NET's longer list (Job "
        "Titles; up to release 30.2 Alternate Titles), with the short forms in it."
    ),
    columns=(
        text("onet_code", "O*NET-SOC code.", required=True),
        text("title", "Title as reported or listed.", required=True),
        text("kind", "reported, or listed where it stands in the longer list alone."),
        text("origin", "page or database."),
    ),
    key=("onet_code", "title"),
)

ONET_FEATURES = Table(
    schema="parsed",
    name="onet_features",
    grain="O*NET occupation × feature",
    description=(
        "What matters most in each occupation: its skills and work activities by importance, its software (what "
        "employers ask for first), its nearest relatives. At most ten of a kind; empty where the release has no such "
        "table."
    ),
    columns=(
        text("onet_code", "O*NET-SOC code.", required=True),
        text("feature", "skills, software, work_activities or related.", required=True),
        whole("place", "1 for what matters most.", required=True),
        text("name", "Name of the skill, program, activity or occupation.", required=True),
        text("element_id", "Element of the content model, or code of the related occupation; null of software."),
        number("importance", "Mean importance, 1 to 5; null where none is rated.", unit="scale"),
    ),
    key=("onet_code", "feature", "place"),
)

ONET_UNREAD = Table(
    schema="parsed",
    name="onet_unread",
    grain="field of a summary page that should be there and could not be read",
    description="Signs of a changed page layout at O*NET. Empty when every page was read in full.",
    columns=(
        text("onet_code", "O*NET-SOC code.", required=True),
        text("field", "Field of the page, or page where none of it could be read.", required=True),
        text("found", "What stood where the field was looked for."),
    ),
    key=("onet_code", "field", "found"),
)

SOC_CROSSWALK = Table(
    schema="parsed",
    name="soc_crosswalk",
    grain="O*NET occupation × handbook page that covers it",
    description=(
        "Handbook page ↔ SOC ↔ O*NET, from the pages' own links and the combined codes of the projections. The jobs "
        "of a row of the projections are shared equally among the O*NET occupations in it: shares add up to the "
        "row, and nobody is counted twice. A share says nothing about how many work in one specialty."
    ),
    columns=(
        text("onet_code", "O*NET-SOC code.", required=True),
        text("soc_code", "2018 SOC code that it belongs to.", required=True),
        text("title", "Title in the list."),
        flag("is_scoreable", "True where O*NET has data on it."),
        text("slug", "Handbook page that covers it; null where none does."),
        flag("is_linked", "True where the page itself links to it, False where they share a SOC code."),
        text("projection_soc_code", "Row of the projections that it is or lies in."),
        text("projection_match", "exact, specialty or combined."),
        whole("jobs_share", "Its equal share of the row's jobs in the base year.", unit="jobs"),
        whole("sharing", "Number of rows of this table that share the row's jobs."),
    ),
    key=("onet_code", "slug"),
)
