"""The table of users' own documents."""

from __future__ import annotations

from exposure_dagster.core.tables import Column, Table, flag, moment, number, text, whole

OWN_DOCUMENTS = Table(
    schema="raw",
    name="own_documents",
    grain="row of a user's own file of documents",
    description=(
        "Users' own documents, as read from the files that EXPOSURE_DOCUMENTS names. A file that cannot be used "
        "leaves the rows of its last good version."
    ),
    columns=(
        text("corpus", "Name of the corpus, as the setting and prompts name it.", required=True),
        text("doc_id", "Document, unique in its corpus.", required=True),
        text("title", "Title of the document.", required=True),
        text("text", "Text as the file has it.", required=True),
        whole("jobs", "People who do it, where the file says so.", unit="jobs"),
        number(
            "median_pay_annual",
            "Pay, where the file says so; 12 times a month's, 52 times a week's.",
            unit="pay_currency per year",
        ),
        number("median_pay_hourly", "Pay of an hour, where the file has that.", unit="pay_currency per hour"),
        text("pay_currency", "Currency of the pay, as in EUR; null where the file names none: then USD."),
        text("pay_basis", "annual, monthly, weekly or hourly: the pay that stands in the file; null: annual."),
        flag("pay_is_top_coded", "True where the pay is a lower bound."),
        text("category", "Group that the document belongs to."),
        text("education", "Education that it takes."),
        whole("education_order", "Place of that level of education among all, lowest first."),
        number("outlook_pct", "Projected change of employment.", unit="percent"),
        text("outlook_desc", "The same in words."),
        text("url", "Address of a page about it."),
        text("soc_code", "2018 SOC code."),
        Column(name="soc_codes", type="VARCHAR[]", description="2018 SOC codes that it covers."),
        Column(name="onet_codes", type="VARCHAR[]", description="O*NET-SOC codes that it covers."),
        Column(name="isco_codes", type="VARCHAR[]", description="ISCO-08 codes that it covers."),
        Column(name="esco_codes", type="VARCHAR[]", description="ESCO occupations that it covers."),
        text("parent", "Document that it is a part of."),
        text("source", "Who is credited for the documents, as the mapping beside the file says."),
        text("source_url", "Address of that source."),
        text("source_licence", "Licence of that source."),
        text("file", "File that it was read from."),
        text("file_sha256", "SHA-256 of the file's bytes.", unit="hex"),
        moment("read_at", "When that version of the file was first read."),
    ),
    key=("corpus", "doc_id"),
    is_kept=True,
)
