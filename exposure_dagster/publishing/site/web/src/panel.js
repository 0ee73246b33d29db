/**
 * The figures beside and below the chart: headline, legend, threshold, breakdowns.
 */
import { around } from "./around.js";
import * as figures from "./figures.js";
import * as formats from "./formats.js";
import * as scales from "./scales.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { el, foreign, fill, byId } from "./text.js";

const isOrdinal = (layer) => layer.unit === "education";

/** A coloured square that stands for a stretch of the layer's values. */
export function swatch(layer, bin) {
  const value = scales.middle(bin);
  if (value === null) return null;
  const square = el("span", { class: "swatch", "aria-hidden": "true" });
  square.style.backgroundColor = scales.colour(layer, value);
  return square;
}

const KINDS = { samples: "repeated answers", models: "several models", wordings: "several wordings", "left-out examples": "left-out examples" };

/** What kind of error a layer's intervals are of, or why it has none: a badge that opens. Of one document, its own. */
export function badge(layer, doc = null) {
  if (layer.kind === "figure") return null;
  const { title, notes } = errorOf(layer, doc);
  return el("details", { class: "badge" }, el("summary", {}, title), ...notes.map((note) => el("p", {}, note)));
}

function errorOf(layer, doc) {
  const { sure } = layer;
  if (layer.kind === "attribute") return { title: "No interval", notes: [`Intervals are made for the score that is ranked, “${layer.owner.title}”, and not for its parts.`] };
  if (!sure) return { title: "No interval", notes: ["This number is made of several scores, and no interval is made for it. The scores themselves may have one."] };
  const methods = [...new Set(doc ? [sure.method[doc.index]] : sure.method)].filter((name) => name in KINDS);
  if (!methods.length) return { title: "No interval", notes: sure.notes };
  const answers = doc ? sure.answers[doc.index] : null;
  return { title: `Error: ${methods.map((name) => KINDS[name]).join(", ")}${answers > 1 ? ` (${answers})` : ""}`, notes: sure.notes };
}

export function legend(layer) {
  const isHatched = layer.hasTiers && layer.documents.docs.some((doc) => store.isUnsure(layer, doc));
  byId("legend-unsure").hidden = !isHatched;
  const strip = byId("legend-strip");
  const ticks = byId("legend-ticks");
  byId("legend").classList.toggle("is-list", isOrdinal(layer));
  if (isOrdinal(layer)) {
    fill(ticks, ...layer.groups.filter((group) => !group.isUnused).map((group) => el("li", {}, swatch(layer, group), group.label)));
    strip.style.background = "none";
    return;
  }
  strip.style.background = `linear-gradient(to right, ${scales.strip(layer, 13).join(", ")})`;
  fill(
    ticks,
    ...ticksOf(layer).map(([value, label]) => {
      const tick = el("li", {}, label);
      tick.style.left = `${100 * scales.position(layer, value)}%`;
      return tick;
    }),
  );
}

function ticksOf(layer) {
  if (layer.unit === "percent") return [-20, -10, 0, 10, 20].map((value) => [value, `${value === -20 ? "≤ " : value === 20 ? "≥ " : ""}${formats.percent(value)}`]);
  if (layer.unit === "money") return layer.documents.money.ticks.map((value) => [value, `${value === layer.high ? "≥ " : ""}${formats.shortValue(layer, value)}`]);
  const parts = layer.high - layer.low === 10 ? 10 : 4;
  return Array.from({ length: parts + 1 }, (_, at) => layer.low + (at * (layer.high - layer.low)) / parts).map((value) => [value, formats.score(value)]);
}

function headline(layer, matches) {
  byId("histogram-title").textContent = `${layer.documents.hasJobs ? "Jobs" : "Occupations"} by ${layer.kind === "figure" ? layer.title.toLowerCase() : "score"}`;
  const totals = figures.totals(layer, matches);
  const rows = [];
  if (isOrdinal(layer)) rows.push(["Half of the jobs need at most", formats.value(layer, figures.medianByJobs(layer, matches)), "is-text"]);
  else {
    const write = layer.kind === "figure" ? (value) => formats.value(layer, value === null ? null : Math.round(value * 10) / 10) : (value) => formats.meanOf(layer, value);
    const around = (mean, half) => (half === null ? null : formats.interval(layer, [mean - half, mean + half]));
    const plain = [write(totals.mean), null, around(totals.mean, totals.error)];
    if (layer.documents.hasJobs) rows.push(["Mean, weighted by jobs", write(totals.weightedMean), null, around(totals.weightedMean, totals.weightedError)]);
    rows.push([layer.documents.hasJobs ? "Unweighted mean" : "Mean", ...plain]);
  }
  if (layer.documents.hasJobs) rows.push(["Jobs", formats.short(totals.jobs)]);
  if (layer.documents.hasJobs && layer.documents.money) rows.push(["Annual wages", formats.shortMoney(layer.documents.money, totals.wages)]);
  fill(byId("headline"), ...rows.map(([name, value, kind, interval]) => el("div", { class: kind }, el("dt", {}, name), el("dd", {}, value, interval ? el("span", { class: "interval" }, ` (${interval})`) : null))));
  fill(byId("sureness"), badge(layer));
  const unscored = totals.documents - totals.scored;
  byId("unscored").hidden = unscored === 0;
  byId("unscored").textContent = unscored ? `${formats.plural(unscored, "occupation has", "occupations have")} no value here; ${unscored === 1 ? "it is" : "they are"} drawn in grey and counted apart.` : "";
}

/** The legend, and the threshold's slider beside it. */
export function scale(layer, chosen) {
  const at = chosen ?? layer.threshold;
  legend(layer);
  byId("threshold-clear").hidden = chosen === null;
  const slider = byId("threshold");
  if (slider.dataset.layer !== layer.id) {
    slider.dataset.layer = layer.id;
    slider.min = String(layer.low);
    slider.max = String(layer.high);
    slider.step = String(layer.step);
  }
  if (document.activeElement !== slider || Number(slider.value) !== at) slider.value = String(at);
  const label = formats.bound(layer, at);
  slider.setAttribute("aria-valuetext", label);
  byId("threshold-value").textContent = label;
}

/** What lies at or above the threshold. */
export function threshold(layer, matches, chosen) {
  const at = chosen ?? layer.threshold;
  const above = figures.atOrAbove(layer, matches, at);
  const all = { jobs: figures.jobs(matches), wages: figures.wages(matches) };
  const part = (of, whole) => (whole > 0 ? formats.share(of / whole) : formats.MISSING);
  const rows = [["Occupations", formats.count(above.documents), part(above.documents, matches.length)]];
  if (layer.documents.hasJobs) {
    rows.push(["Jobs", formats.short(above.jobs), part(above.jobs, all.jobs)]);
    if (layer.documents.money) rows.push(["Annual wages", formats.shortMoney(layer.documents.money, above.wages), part(above.wages, all.wages)]);
    const ofThese = (jobs) => `${part(jobs, above.jobs)}${above.jobs > 0 ? " of these" : ""}`;
    const ofJobs = [
      ["Jobs where growth is projected", formats.short(above.growing), ofThese(above.growing), "is-part"],
      ["Jobs where decline is projected", formats.short(above.declining), ofThese(above.declining), "is-part"],
    ];
    rows.splice(2, 0, ...ofJobs);
  }
  const expected = layer.documents.hasJobs ? figures.expectedShare(layer, matches, at) : null;
  if (expected) rows.splice(2, 0, ["Jobs expected, as sure as each score is", formats.shareRange(expected.low, expected.high), `about ${Math.round(100 * expected.value)}%`, "is-part"]);
  fill(
    byId("threshold-counts"),
    ...rows.map(([name, value, share, kind]) => el("tr", { class: kind }, el("th", { scope: "row" }, name), el("td", {}, value), el("td", { class: "quiet" }, share))),
  );
  byId("threshold-heading").textContent = headingOf(layer, at);
  const other = around(layer, matches, chosen);
  byId("threshold-around").hidden = other === null;
  byId("threshold-around").textContent = other || "";
}

/** What the counts are of. */
function headingOf(layer, at) {
  const label = formats.bound(layer, at);
  const unit = layer.documents.hasJobs ? "Jobs" : "Occupations";
  if (layer.unit === "money") return `${unit} with median pay of ${label} or more`;
  if (layer.unit === "education") return `${unit} that need at least: ${label}`;
  if (layer.unit === "percent") return `${unit} with a projected change of ${label} or more`;
  return `${unit} scoring ${label} or higher`;
}

export function bar(share, colour) {
  const inner = el("span", { class: "bar-part" });
  inner.style.width = `${Math.max(0, Math.min(100, 100 * share)).toFixed(2)}%`;
  if (colour) inner.style.backgroundColor = colour;
  return el("span", { class: "bar", "aria-hidden": "true" }, inner);
}

const spread = (layer, half) => (half === null ? null : el("span", { class: "interval" }, ` ${formats.halfWidth(layer, half)}`));

/** One table of groups: jobs, their share as figure and bar, and the mean. */
function breakdown(title, rows, layer, { withMean = true, colourOf = null } = {}) {
  const hasJobs = layer.documents.hasJobs;
  const whole = rows.reduce((total, row) => total + row.area, 0);
  const showsMean = withMean && !isOrdinal(layer);
  const head = ["", hasJobs ? "Jobs" : "Occupations", "Share", ...(showsMean ? ["Mean"] : [])];
  const writeMean = layer.kind === "figure" ? (value) => formats.shortValue(layer, value === null ? null : Math.round(value * 10) / 10) : (value) => formats.meanOf(layer, value);
  return el(
    "section",
    { class: "card" },
    el("h3", {}, title),
    el(
      "table",
      { class: "groups" },
      el("thead", {}, el("tr", {}, ...head.map((name, at) => (name ? el("th", { scope: "col", class: at ? "number" : null }, name) : el("td", {}))))),
      el(
        "tbody",
        {},
        ...rows.map((row) =>
          el(
            "tr",
            {},
            el("th", { scope: "row" }, colourOf ? colourOf(row) : null, foreign(row.label)),
            el("td", { class: "number" }, hasJobs ? formats.short(row.jobs) : formats.count(row.documents)),
            el("td", { class: "number share" }, bar(whole ? row.area / whole : 0), el("span", {}, whole ? formats.share(row.area / whole) : formats.MISSING)),
            showsMean ? el("td", { class: "number" }, writeMean(hasJobs ? row.weightedMean : row.mean), spread(layer, hasJobs ? row.weightedError : row.error)) : null,
          ),
        ),
      ),
    ),
  );
}

function growth(matches) {
  const groups = [
    { label: "Growing", has: (doc) => doc.outlook > 0 },
    { label: "No change", has: (doc) => doc.outlook === 0 },
    { label: "Declining", has: (doc) => doc.outlook !== null && doc.outlook < 0 },
  ];
  return groups.map((group) => ({ group, members: matches.filter(group.has) }));
}

function breakdowns(layer, matches) {
  const cards = [];
  const ownGroups = layer.groups.map((group) => ({ ...group, has: (doc) => store.holds(group, doc, layer.value[doc.index]) }));
  const ownTitle = layer.kind === "figure" ? layer.title : layer.hasTiers ? "Tiers" : "Score";
  cards.push(
    breakdown(ownTitle, figures.by(layer, matches, ownGroups, layer.kind === "figure" ? "Not given" : "No score"), layer, {
      withMean: layer.kind !== "figure",
      colourOf: (row) => {
        const group = layer.groups.find((candidate) => candidate.label === row.label);
        return group ? swatch(layer, group) : null;
      },
    }),
  );
  const has = (column) => layer.documents.docs.some((doc) => doc[column] !== null);
  if (layer.unit !== "money" && has("pay")) cards.push(breakdown("Median annual pay", figures.by(layer, matches, figures.payGroups(layer.documents.money), "No annual pay"), layer));
  if (!isOrdinal(layer) && has("education")) cards.push(breakdown("Entry-level education", figures.by(layer, matches, figures.educationGroups(), "No education given"), layer));
  if (has("outlook")) {
    const rows = figures.by(
      layer,
      matches,
      growth(matches).map(({ group }) => group),
      "No projection",
    );
    const card = breakdown("Projected employment", rows, layer, { withMean: layer.unit !== "percent" });
    const net = figures.sum(matches, (doc) => doc.change);
    if (net) card.append(el("p", { class: "quiet" }, `Together ${net > 0 ? "+" : "−"}${formats.short(Math.abs(net))} jobs over the projection period.`));
    cards.push(card);
  }
  fill(byId("breakdowns"), ...cards);
}

export function start() {
  byId("threshold").addEventListener("input", (event) => state.set({ at: Number(event.target.value) }, { replace: true, event }));
  byId("threshold-clear").addEventListener("click", () => {
    state.set({ at: null });
    byId("threshold").focus();
  });
}

export function show(layer, matches, at) {
  headline(layer, matches);
  threshold(layer, matches, at);
  breakdowns(layer, matches);
}
