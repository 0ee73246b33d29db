/**
 * What moved since the last version of a prompt, or between two models.
 */
import { scaleLinear } from "d3-scale";
import { shape } from "./charts.js";
import * as formats from "./formats.js";
import * as scales from "./scales.js";
import * as scatter from "./scatter.js";
import { el, foreign, fill } from "./text.js";
import * as theme from "./theme.js";

const MOST = 12;
/** Dots that have their name: those that moved most. */
const NAMED = 5;

/** The layer whose changes are shown: the question that the layer is, or is a part of. */
const changed = (layer) => (layer.owner.changes ? layer.owner : null);

/** The rows of a comparison that match, with their documents. */
function rowsOf(layer, matches) {
  const { changes, documents } = changed(layer);
  return changes.document
    .map((index, at) => ({
      doc: documents.docs[index],
      before: changes.score_before[at],
      after: changes.score_after[at],
      reasonBefore: changes.rationale_before?.[at],
      reasonAfter: changes.rationale_after?.[at],
    }))
    .filter((row) => matches.has(row.doc));
}

const shift = (row) => row.after - row.before;
const inBoth = (rows) => rows.filter((row) => row.before !== null && row.after !== null);

export /** Colours by the largest shift there is, so that a small one is seen where all are small. */
function shiftScale(rows) {
  const most = Math.max(...rows.map((row) => Math.abs(shift(row))), 1e-9);
  return { unit: "percent", low: -most, high: most };
}

function draw(element, layer, matches, at, size) {
  const own = changed(layer);
  const rows = inBoth(rowsOf(layer, matches));
  const { low, high } = own;
  const pad = (high - low) * 0.06;
  const scale = shiftScale(rows);
  const axis = (title) => (from, to) => {
    const across = scaleLinear([low - pad, high + pad], [from, to]);
    return { scale: across, ticks: across.ticks(6).filter((tick) => tick >= low && tick <= high), write: formats.score, title };
  };
  const points = rows
    .map((row) => ({
      doc: row.doc,
      layer: own,
      x: row.before,
      y: row.after,
      r: shift(row) === 0 ? 4 : 6.5,
      fill: shift(row) === 0 ? theme.css("--rule") : scales.colour(scale, shift(row)),
      weight: Math.abs(shift(row)),
      lines: [`${formats.score(row.before)} before, ${formats.score(row.after)} now`],
    }))
    .sort((a, b) => a.weight - b.weight || (a.doc.id < b.doc.id ? -1 : 1));
  scatter.plot(element, size, {
    x: axis(`Score before (version ${own.changes.before.version})`),
    y: axis(`Score now (version ${own.changes.after.version})`),
    points,
    at,
    named: NAMED,
    under: ({ x, y }) => [shape("line", { x1: x(low), y1: y(low), x2: x(high), y2: y(high), stroke: theme.css("--quiet"), "stroke-width": 1, "stroke-dasharray": "2 4" })],
  });
}

const version = (side) => el("span", {}, `version ${side.version} `, side.hash ? el("code", {}, side.hash.slice(0, 12)) : "", side.model ? " by " : "", side.model ? foreign(side.model) : "");

function mover(row) {
  return el(
    "li",
    {},
    el("p", {}, scatter.opener(row.doc), el("span", { class: "quiet" }, ` ${formats.score(row.before)} to ${formats.score(row.after)} (${formats.signed(Number(shift(row).toFixed(6)))})`)),
    el("dl", { class: "reasons" }, el("dt", {}, "Before"), el("dd", {}, foreign(row.reasonBefore || formats.MISSING)), el("dt", {}, "Now"), el("dd", {}, foreign(row.reasonAfter || formats.MISSING))),
  );
}

export function notes(element, layer, matches) {
  const own = changed(layer);
  const rows = rowsOf(layer, matches);
  const both = inBoth(rows);
  const moved = (test) => both.filter((row) => test(Number(shift(row).toFixed(6)))).length;
  const mean = both.length ? both.reduce((total, row) => total + shift(row), 0) / both.length : null;
  const counts = [
    ["Up", formats.count(moved((by) => by > 0))],
    ["Down", formats.count(moved((by) => by < 0))],
    ["The same", formats.count(moved((by) => by === 0))],
    ["New", formats.count(rows.filter((row) => row.before === null && row.after !== null).length)],
    ["Gone", formats.count(rows.filter((row) => row.after === null && row.before !== null).length)],
    ["Mean shift", formats.signed(mean === null ? null : Number(mean.toFixed(2)))],
    ["Rank correlation", own.changes.rank_correlation === null ? formats.MISSING : own.changes.rank_correlation.toFixed(3)],
  ];
  const movers = [...both].filter((row) => shift(row) !== 0).sort((a, b) => Math.abs(shift(b)) - Math.abs(shift(a)) || (a.doc.id < b.doc.id ? -1 : 1)).slice(0, MOST);
  fill(
    element,
    el("p", {}, foreign(own.title), ": from ", version(own.changes.before), " to ", version(own.changes.after), "."),
    el("dl", { class: "headline is-row" }, ...counts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    el("section", { class: "card" }, el("h3", {}, "Largest movers"), movers.length ? el("ol", { class: "movers" }, ...movers.map(mover)) : el("p", {}, "Nothing moved.")),
  );
}

export const caption = (layer) => `${changed(layer).title}: score before and now. Above the line and blue: higher than before; below it and orange: lower.`;

export const view = { isThere: (layer) => changed(layer) !== null, draw, notes, caption, baselines: (layer) => [changed(layer)] };
