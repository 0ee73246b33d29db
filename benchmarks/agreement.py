"""The published half of the exposure scores, and the baseline's estimates, against every index: a table and a picture.

    python benchmarks/agreement.py SITES_FOLDER REFERENCE_FOLDER [PICTURE]

SITES_FOLDER holds one folder a host. REFERENCE_FOLDER has `published_exposure_half.csv` (slug, exposure) and files of
indices as docs/agreement.md has them made (`aioe.csv`, `eisfeldt.csv` …), which are compared by their names, as the
bundled indices always are. With PICTURE, a PNG or SVG file, the correlations are drawn with their intervals.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.baseline import HOST, PUBLISHED, read_handbook, read_published, score_handbook
from exposure_dagster.corpora.ooh.index import index_pages, parse_index
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.indices.bundled import bundled_index, soc_2018_codes
from exposure_dagster.indices.expected import Band, expected_band
from exposure_dagster.indices.index import CodedDocument, CodeSystem, Index, index_values
from exposure_dagster.indices.names import BUNDLED_NAMES, NamedIndex
from exposure_dagster.indices.reading import read_index
from exposure_dagster.providers.baseline.scorer import BASELINE_VERSION
from exposure_dagster.reliability.agreement import Interval, spearman_interval, top_decile_overlap

PROMPT = "exposure"


@dataclass(frozen=True)
class Row:
    """Scores of one kind against an index."""

    index: str
    kind: str
    n: int
    spearman: Interval
    top_decile: float


def coded_pages(sites: Path) -> list[CodedDocument]:
    """Every page of a saved handbook with its codes."""
    documents = []
    for page in index_pages(parse_index((sites / HOST / "ooh" / "a-z-index.htm").read_bytes())):
        body = (sites / HOST / page.url.split(HOST + "/", 1)[1]).read_bytes()
        occupation = parse_page(body, url=page.url).occupation
        documents.append(CodedDocument(occupation.slug, occupation.soc_codes, occupation.onet_codes))
    return documents


def indices_of(folder: Path) -> list[Index]:
    """The bundled indices of occupations, and those whose files lie in the folder."""
    bundled = [bundled_index(name) for name in BUNDLED_NAMES]
    own = [read_index(NamedIndex(file.stem, file)) for file in sorted(folder.glob("*.csv")) if is_index(file)]
    return [*(one for one in bundled if one.code_system is not CodeSystem.SLUG), *own]


def is_index(file: Path) -> bool:
    with file.open(encoding="utf-8-sig") as lines:
        return {"code", "value"} <= set(lines.readline().strip().split(","))


def compare(index: Index, kind: str, scores: dict[str, float], pages: list[CodedDocument]) -> Row | None:
    values = {one.doc_id: one.value for one in index_values(index, pages, soc_2018_codes()) if one.value is not None}
    both = sorted(scores.keys() & values.keys())
    ours, theirs = [scores[page] for page in both], [values[page] for page in both]
    interval, top = spearman_interval(ours, theirs), top_decile_overlap(ours, theirs)
    return None if interval is None or top is None else Row(index.name, kind, len(both), interval, top)


def draw(rows: list[Row], file: Path) -> None:
    """Correlations as points with their intervals, and the band that is expected of the prompt behind them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    names = list(dict.fromkeys(row.index for row in rows))
    kinds = list(dict.fromkeys(row.kind for row in rows))
    figure, axes = pyplot.subplots(figsize=(8, 0.5 * len(names) + 1.4), dpi=120)
    for place, name in enumerate(names):
        band: Band | None = expected_band(PROMPT, name)
        if band is not None:
            axes.barh(place, band[1] - band[0], left=band[0], height=0.7, color="#e4e7ec", zorder=0)
    for kind, colour, shift in zip(kinds, ("#1f4e8c", "#b4541a"), (-0.14, 0.14), strict=True):
        own = [row for row in rows if row.kind == kind]
        places = [names.index(row.index) + shift for row in own]
        values = [row.spearman.value for row in own]
        away = [
            [row.spearman.value - row.spearman.low for row in own],
            [row.spearman.high - row.spearman.value for row in own],
        ]
        axes.errorbar(values, places, xerr=away, fmt="o", color=colour, markersize=5, capsize=3, label=kind)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("Spearman's rank correlation over handbook pages, 95 % bootstrap interval")
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="#d0d5dd", linewidth=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend([*handles, Patch(color="#e4e7ec")], [*labels, "expected"], loc="upper left", frameon=False)
    figure.tight_layout()
    figure.savefig(file)


def main() -> None:
    if len(sys.argv) < 3 or not (Path(sys.argv[2]) / PUBLISHED).is_file():
        sys.exit(f"usage: agreement.py SITES_FOLDER REFERENCE_FOLDER [PICTURE]; the latter folder has {PUBLISHED}")
    sites, reference = Path(sys.argv[1]), Path(sys.argv[2])
    handbook, pages = read_handbook(sites), coded_pages(sites)
    kinds = {
        "published half": read_published(reference / PUBLISHED),
        f"baseline {BASELINE_VERSION}": {one.doc_id: one.attributes["score"] for one in score_handbook(handbook)},
    }
    rows = [
        row
        for index in indices_of(reference)
        for kind, scores in kinds.items()
        if (row := compare(index, kind, scores, pages)) is not None
    ]
    highest = {row.index: max(one.spearman.value for one in rows if one.index == row.index) for row in rows}
    rows.sort(key=lambda row: (-highest[row.index], row.index))
    print("index               scores                n  Spearman       95 %      expected  top tenth")
    for row in rows:
        low, high = expected_band(PROMPT, row.index) or (None, None)
        band = "–" if low is None else f"{low:.2f}–{high:.2f}"
        interval = f"{row.spearman.low:.2f}–{row.spearman.high:.2f}"
        print(
            f"{row.index:19} {row.kind:18} {row.n:5} {row.spearman.value:9.3f} {interval:>10} {band:>13} "
            f"{row.top_decile:10.2f}"
        )
    if len(sys.argv) > 3:
        draw(rows, Path(sys.argv[3]))


if __name__ == "__main__":
    main()
