"""The tables of indices."""

from __future__ import annotations

from exposure_dagster.core.tables import Column, Table, number, text, whole

INDICES = Table(
    schema="raw",
    name="indices",
    grain="index × code",
    description="Published figures that EXPOSURE_INDICES names, by the codes that they were published for.",
    columns=(
        text("index", "Name of the index, as set.", required=True),
        text("code", "Code of an occupation, or the id of a document.", required=True),
        text(
            "code_system",
            "soc2010, soc2018, onet2019, isco, or slug: the id of a document, as of a handbook page or a task.",
            required=True,
        ),
        number("value", "The figure, on the index's own scale; null where the file has none.", unit="index"),
        number("scale_low", "Lowest figure of its scale, where the file says so.", unit="index"),
        number("scale_high", "Highest figure of its scale, likewise.", unit="index"),
        text("file_sha256", "SHA-256 of the file's bytes.", required=True, unit="hex"),
        text("licence", "Licence, as the file says; of bundled ones as it is."),
        text("citation", "What to cite, likewise."),
        whole("year", "Year of publication, likewise.", unit="year"),
    ),
    key=("index", "code"),
    is_kept=True,
)

INDEX_VALUES = Table(
    schema="parsed",
    name="index_values",
    grain="index × document that has codes of the index's system",
    description=(
        "What each index says of each document: the mean over the document's codes. Codes of SOC 2010 are brought to "
        "2018 by BLS's crosswalk first. Codes that the index has no figure for are listed, and left out of the mean."
    ),
    columns=(
        text("index", "Name of the index.", required=True),
        text("corpus", "Corpus of the document.", required=True),
        text("doc_id", "Document.", required=True),
        number("value", "Mean of the figures of its codes, to twelve decimals; null where none has one.", unit="index"),
        Column(name="codes_used", type="VARCHAR[]", description="Codes of the document that have a figure."),
        Column(name="codes_missing", type="VARCHAR[]", description="Codes of the document that have none."),
    ),
    key=("index", "corpus", "doc_id"),
)
