/**
 * Bars: the histogram of jobs beside the map, and the ranked bars.
 */
import { scaleLinear } from "d3-scale";
import { axes, drawing, NARROW, shape } from "./charts.js";
import * as detail from "./detail.js";
import * as figures from "./figures.js";
import * as formats from "./formats.js";
import { line, unitWidth } from "./labels.js";
import * as scales from "./scales.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { el, fill } from "./text.js";
import * as theme from "./theme.js";

const FEW = 60;
const ROW_HEIGHT = 24;

function histogramColours(layer, at) {
  return layer.bins.map((bin) => {
    const value = scales.middle(bin);
    const own = scales.colour(layer, value);
    return store.reaches(value, at) ? own : scales.paled(own);
  });
}

/** What stands at the two ends of the histogram's axis. */
function endsOf(layer) {
  if (layer.unit !== "education") return [formats.bound(layer, layer.low), formats.bound(layer, layer.high)];
  const used = layer.bins.filter((bin) => !bin.isUnused);
  return [used[0].label, used[used.length - 1].label];
}

export function histogram(element, layer, matches, at, size) {
  const rows = figures.histogram(layer, matches, layer.bins);
  const { hasJobs } = layer.documents;
  const svg = drawing(element, size);
  const bottom = size.height - 18;
  const step = size.width / rows.length;
  const up = scaleLinear([0, Math.max(1, ...rows.map((row) => row.area))], [0, bottom - 4]);
  const colours = histogramColours(layer, at);
  const bars = rows.map((row, index) => {
    const title = `${row.bin.label}: ${formats.plural(row.documents, "occupation", "occupations")}${hasJobs ? `, ${formats.short(row.jobs)} jobs` : ""}`;
    return shape("rect", { class: "bin", x: (index + 0.04) * step, y: bottom - up(row.area), width: 0.92 * step, height: up(row.area), fill: colours[index], stroke: theme.css("--quiet"), "stroke-width": 0.8 }, shape("title", {}, title));
  });
  const quiet = { fill: theme.css("--quiet"), "font-size": 11, y: size.height - 5 };
  const areNumbers = rows.length <= 12 && rows.every(({ bin }) => bin.label.length <= 2);
  const [first, final] = endsOf(layer);
  const texts = areNumbers
    ? rows.map(({ bin }, index) => shape("text", { ...quiet, x: (index + 0.5) * step, "text-anchor": "middle" }, bin.label))
    : [shape("text", { ...quiet, x: 0 }, line(first, size.width * 0.46, 11)), shape("text", { ...quiet, x: size.width, "text-anchor": "end" }, line(final, size.width * 0.46, 11))];
  svg.append(...bars, ...texts);
}

/** The threshold has moved: colours alone. */
export function paintHistogram(element, layer, at) {
  const colours = histogramColours(layer, at);
  element.querySelectorAll(".bin").forEach((bar, index) => bar.setAttribute("fill", colours[index]));
}

/** @type {[string, string, (of: (doc: any) => number) => (a: any, b: any) => number][]} */
const ORDERS = [
  ["high", "highest first", (of) => (a, b) => of(b) - of(a) || b.area - a.area],
  ["low", "lowest first", (of) => (a, b) => of(a) - of(b) || b.area - a.area],
  ["jobs", "most jobs first", () => (a, b) => b.area - a.area],
];

/** Whether all bars are wanted, and not the first of them alone. */
let isWhole = false;

function ordered(layer, matches, at) {
  const [, , order] = ORDERS.find(([name]) => name === at.order) || ORDERS[0];
  return [...matches].filter((doc) => layer.value[doc.index] !== null).sort((a, b) => order((doc) => layer.value[doc.index])(a, b) || (a.id < b.id ? -1 : 1));
}

const shownOf = (layer, matches, at) => ordered(layer, matches, at).slice(0, isWhole ? undefined : FEW);

/** A document's whisker: its 90 % interval, or the standard deviation of repeated answers where that alone is known. */
function whiskerOf(layer, doc) {
  const value = layer.value[doc.index];
  if (layer.sure && layer.sure.has) return store.intervalOf(layer, doc) || [value, value];
  const sd = layer.sd ? layer.sd[doc.index] || 0 : null;
  return sd === null ? null : [value - sd, value + sd];
}

/** The axis of the bars, and the value where they begin. */
function across(layer, docs, from, to) {
  const values = docs.map((doc) => layer.value[doc.index]);
  if (layer.unit === "education") return { scale: scaleLinear([-0.4, layer.documents.levels.length + 2.2], [from, to]), ticks: [], base: -0.4 };
  if (layer.unit === "percent" || layer.unit === "money") {
    const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)];
    const room = (most - least) * 0.14 || 1;
    const scale = scaleLinear([least < 0 ? least - room : 0, most > 0 ? most + room : 0], [from, to]);
    return { scale, ticks: scale.ticks(5), write: (value) => (layer.unit === "percent" ? formats.percent(value) : formats.shortValue(layer, value)), base: 0 };
  }
  const scale = scaleLinear([layer.low, layer.high + (layer.high - layer.low) * 0.14], [from, to]);
  return { scale, ticks: scale.ticks(6).filter((tick) => tick <= layer.high), write: formats.score, base: layer.low };
}

/** What the drawn bars stand for, by document. */
let drawnLayer = null;

export function find(target) {
  const id = target.closest("[data-id]")?.dataset.id;
  const doc = id && drawnLayer ? drawnLayer.documents.byId.get(id) : null;
  return doc ? { key: `${drawnLayer.id} ${id}`, layer: drawnLayer, doc } : null;
}

function draw(element, layer, matches, at, size) {
  const docs = shownOf(layer, matches, at);
  const isNarrow = size.width < NARROW;
  const [ink, paper, quiet] = ["--ink", "--paper", "--quiet"].map(theme.css);
  const font = isNarrow ? 11 : 12;
  const widest = Math.max(0, ...docs.map((doc) => unitWidth(doc.title) * font));
  const left = Math.ceil(Math.min(widest + 14, size.width * (isNarrow ? 0.42 : 0.36)));
  const height = docs.length * ROW_HEIGHT + 40;
  const svg = drawing(element, { width: size.width, height });
  const frame = { top: 26, right: size.width - 12, bottom: height - 8, left };
  const { scale, ticks, write, base } = across(layer, docs, frame.left, frame.right);
  axes(svg, { ...frame, at: "top", x: { scale, ticks, write }, y: { scale: null } });
  docs.forEach((doc, index) => {
    const value = layer.value[doc.index];
    const top = frame.top + index * ROW_HEIGHT;
    const centre = top + ROW_HEIGHT / 2;
    const [from, to] = [scale(base), scale(value)].sort((a, b) => a - b);
    const whisker = whiskerOf(layer, doc);
    const ends = whisker ? whisker.map(scale) : null;
    const label = line(doc.title, left - 12, font) || line(doc.short || doc.title, left - 12, font);
    const end = Math.max(to, ends ? ends[1] : to);
    const written = formats.valueOf(layer, doc, formats.shortValue);
    const isNegative = value < base;
    svg.append(
      shape(
        "g",
        { class: "row", "data-id": doc.id },
        shape("rect", { class: "row-ground", x: 0, y: top, width: size.width, height: ROW_HEIGHT, fill: doc.id === at.id ? theme.css("--accent-soft") : paper, "fill-opacity": doc.id === at.id ? 1 : 0 }),
        shape("text", { x: left - 8, y: centre + 4, "text-anchor": "end", "font-size": font, fill: ink }, label),
        shape("rect", { class: "point", x: from, y: top + 3, width: Math.max(1, to - from), height: ROW_HEIGHT - 6, fill: scales.colour(layer, value), stroke: doc.id === at.id ? ink : quiet, "stroke-width": doc.id === at.id ? 2.5 : 0.8 }),
        // dark on light below, so that whiskers read on a bar of any colour and beside it
        ...(ends ? [whiskerShape(ends, centre, paper, 4, 5), whiskerShape(ends, centre, ink, 1.4, 4, "whisker")] : []),
        shape("text", { x: isNegative ? from - 5 : end + 6, y: centre + 4, "text-anchor": isNegative ? "end" : "start", "font-size": font, fill: ink }, written),
      ),
    );
  });
  drawnLayer = layer;
  if (element.dataset.rows) return;
  element.dataset.rows = "true";
  // a click, and nothing earlier: a finger that swipes over the bars chooses none
  element.addEventListener("click", (event) => {
    const id = event.target.closest("g.row")?.dataset.id;
    if (id) detail.open(id, event.target);
  });
}

/**
 * @param {number[]} ends in pixels
 * @param {string} [name]
 */
const whiskerShape = ([low, high], y, stroke, width, cap, name = null) =>
  shape("path", { class: name, d: `M${low.toFixed(1)} ${y}H${high.toFixed(1)}M${low.toFixed(1)} ${y - cap}V${y + cap}M${high.toFixed(1)} ${y - cap}V${y + cap}`, stroke, "stroke-width": width, fill: "none" });

function controls(element, layer, at) {
  const chosen = ORDERS.find(([name]) => name === at.order) || ORDERS[0];
  const select = el("select", { id: "bars-order", onchange: (event) => state.set({ order: event.target.value === "high" ? null : event.target.value }) });
  for (const order of ORDERS) select.append(el("option", { value: order[0], selected: order === chosen }, order[1]));
  fill(element, el("label", { for: "bars-order" }, "Order"), select);
}

/** The way to those that are not drawn yet. */
function notes(element, layer, matches, at) {
  const count = ordered(layer, matches, at).length;
  if (count <= FEW) return;
  const show = (event) => {
    isWhole = !isWhole;
    event.currentTarget.dispatchEvent(new CustomEvent("redraw", { bubbles: true }));
  };
  fill(element, el("p", {}, el("button", { type: "button", id: "bars-all", onclick: show }, isWhole ? `Show the first ${FEW}` : `Show all ${formats.count(count)}`)));
}

function note(layer, at, matches) {
  const all = ordered(layer, matches, at).length;
  const whiskers = layer.sure && layer.sure.has ? " Whiskers: 90% intervals." : layer.sd ? " Whiskers: one standard deviation of repeated answers." : "";
  return ` ${formats.count(isWhole ? all : Math.min(FEW, all))} of ${formats.plural(all, "occupation", "occupations")}.${whiskers}`;
}

export const ranked = { isThere: () => true, draw, controls, notes, note };
