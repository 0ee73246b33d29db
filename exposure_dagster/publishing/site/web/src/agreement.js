/**
 * How far a question's scores agree with published indices, and where not.
 */
import { scaleLinear } from "d3-scale";
import * as formats from "./formats.js";
import * as scales from "./scales.js";
import * as scatter from "./scatter.js";
import * as state from "./state.js";
import { el, foreign, fill } from "./text.js";

const MOST = 6;

/** The layer whose agreement is shown: the question that the layer is, or is a part of. */
const compared = (layer) => (layer.owner.agreement ? layer.owner : null);

/** The row of the chosen index, or of the one with the most occupations that can be drawn. */
function chosen(layer, at) {
  const rows = compared(layer).agreement;
  return rows.find((row) => row.reference === at.against) || [...rows].sort((a, b) => b.n - a.n || b.spearman - a.spearman)[0];
}

/** The index's value of each document of the set, null where it has none. */
const valuesOf = (layer, row) => layer.documents.indices.get(row.reference) || layer.documents.docs.map(() => null);

const inBoth = (own, values, docs) => docs.filter((doc) => own.value[doc.index] !== null && values[doc.index] !== null);

const fixed = (value) => (value === null ? formats.MISSING : formats.mean(value));
const range = (low, high) => (low === null || high === null ? formats.MISSING : `${formats.mean(low)} to ${formats.mean(high)}`);

export function draw(element, layer, matches, at, size) {
  const own = compared(layer);
  const row = chosen(layer, at);
  const values = valuesOf(own, row);
  const docs = inBoth(own, values, own.documents.docs);
  const pad = (own.high - own.low) * 0.06;
  const points = docs.map((doc) => {
    const colour = scales.colour(own, own.value[doc.index]);
    const isIn = matches.has(doc);
    return { doc, layer: own, x: values[doc.index], y: own.value[doc.index], r: 4.5, fill: isIn ? colour : scales.faded(colour), isOut: !isIn, lines: [`${row.reference}: ${values[doc.index]}`] };
  });
  const among = gaps(own, values, docs);
  among.forEach(({ ours, theirs }, index) => (points[index].weight = Math.abs(ours - theirs)));
  const indexed = docs.map((doc) => values[doc.index]);
  scatter.plot(element, size, {
    x: (from, to, isNarrow) => {
      const scale = scaleLinear([Math.min(...indexed), Math.max(...indexed)], [from + 8, to - 8]);
      return { scale, ticks: scale.ticks(isNarrow ? 4 : 8), write: String, title: row.reference };
    },
    y: (from, to) => {
      const scale = scaleLinear([own.low - pad, own.high + pad], [from, to]);
      return { scale, ticks: scale.ticks(6).filter((tick) => tick >= own.low && tick <= own.high), write: formats.score, title: "Score" };
    },
    points,
    at,
    named: 6,
  });
}

/** Whether the correlation lies in the band that is expected of the index, in words. */
function expected({ spearman, expected_low: low, expected_high: high }) {
  if (low === null || high === null || spearman === null) return null;
  const where = spearman < low ? "below" : spearman > high ? "above" : "within";
  return `${where} ${range(low, high)}`;
}

function choice(own, row, current) {
  const button = el("button", { type: "button", class: "link", id: `against-${own.agreement.indexOf(row)}`, "aria-pressed": String(row === current), onclick: () => state.set({ against: row.reference }) }, foreign(row.reference));
  return el("th", { scope: "row" }, button);
}

function table(own, current) {
  const head = ["Index", "Occupations", "Coverage", "Spearman", "95% interval", "Expected", "Top tenth", "Bottom tenth", "Mean error"];
  const cells = (row) => [
    formats.count(row.n),
    row.coverage === null ? formats.MISSING : `${Math.round(100 * row.coverage)}%`,
    fixed(row.spearman),
    range(row.lo, row.hi),
    expected(row) ?? formats.MISSING,
    row.top_decile === null ? formats.MISSING : `${Math.round(100 * row.top_decile)}%`,
    row.bottom_decile === null ? formats.MISSING : `${Math.round(100 * row.bottom_decile)}%`,
    fixed(row.mae),
  ];
  return el(
    "div",
    { class: "table-scroll", role: "region", "aria-label": "Agreement with each index", tabindex: "0" },
    el(
      "table",
      { class: "groups agreement" },
      el("thead", {}, el("tr", {}, ...head.map((name, at) => el("th", { scope: "col", class: at ? "number" : null }, name)))),
      el("tbody", {}, ...own.agreement.map((row) => el("tr", { class: row === current ? "is-chosen" : null }, choice(own, row, current), ...cells(row).map((text) => el("td", { class: "number" }, text))))),
    ),
  );
}

/** Where each document stands among those that both speak of, 0 to 100, ties in their middle: as the published table. */
function gaps(own, values, docs) {
  const place = (of) => {
    const sorted = docs.map(of).sort((a, b) => a - b);
    const first = new Map();
    const count = new Map();
    sorted.forEach((value, index) => {
      if (!first.has(value)) first.set(value, index);
      count.set(value, (count.get(value) || 0) + 1);
    });
    return (doc) => (docs.length < 2 ? 50 : (100 * (first.get(of(doc)) + (count.get(of(doc)) - 1) / 2)) / (docs.length - 1));
  };
  const [ours, theirs] = [place((doc) => own.value[doc.index]), place((doc) => values[doc.index])];
  return docs.map((doc) => ({ doc, ours: ours(doc), theirs: theirs(doc), value: values[doc.index] }));
}

function disagreement(own, { doc, ours, theirs, value }) {
  const reason = own.rationale ? own.rationale[doc.index] : null;
  return el(
    "li",
    {},
    el("p", {}, scatter.opener(doc), el("span", { class: "quiet" }, ` ${Math.round(ours)} of 100 by its score of ${formats.valueOf(own, doc)}, ${Math.round(theirs)} by the index's ${value}`)),
    reason ? el("p", { class: "reason" }, foreign(reason)) : null,
  );
}

export function notes(element, layer, matches, at) {
  const own = compared(layer);
  const row = chosen(layer, at);
  const values = valuesOf(own, row);
  const all = gaps(own, values, inBoth(own, values, own.documents.docs)).filter(({ doc }) => matches.has(doc));
  const byGap = all.sort((a, b) => b.ours - b.theirs - (a.ours - a.theirs) || (a.doc.id < b.doc.id ? -1 : 1));
  const list = (title, members) => el("section", { class: "card" }, el("h3", {}, title), members.length ? el("ol", { class: "movers" }, ...members.map((one) => disagreement(own, one))) : el("p", {}, "None."));
  fill(
    element,
    el("section", { class: "card" }, el("h3", {}, "Every index"), table(own, row)),
    el("p", { class: "quiet" }, "Agreement says that two scorers see the same order, and not that either is right; an index that asks another question should agree less. Top and bottom tenth: how much of it both have in common; a tenth is chance. A mean error is said where the index is on the same scale."),
    el(
      "div",
      { class: "cards" },
      list(`Placed higher here than by ${row.reference}`, byGap.filter((one) => one.ours > one.theirs).slice(0, MOST)),
      list(`Placed lower here than by ${row.reference}`, byGap.filter((one) => one.ours < one.theirs).slice(-MOST).reverse()),
    ),
    el("p", { class: "quiet" }, "The reasons are those of the scores; an index gives none for a single occupation."),
  );
}

export function caption(layer, at) {
  const row = chosen(layer, at);
  const interval = row.lo === null ? "" : ` (95% interval ${range(row.lo, row.hi)})`;
  return `${compared(layer).title} against ${row.reference}: ${formats.plural(row.n, "occupation", "occupations")}, rank correlation ${fixed(row.spearman)}${interval}.`;
}

export const view = { isThere: (layer) => compared(layer) !== null, draw, notes, caption, baselines: (layer) => [compared(layer)] };
