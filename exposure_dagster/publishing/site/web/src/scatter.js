/**
 * Views with two axes: bubbles, outlook, two layers against each other, the four quadrants.
 */
import { scaleLinear, scaleLog } from "d3-scale";
import { axes, drawing, NARROW, shape } from "./charts.js";
import * as detail from "./detail.js";
import * as figures from "./figures.js";
import * as flips from "./flips.js";
import * as formats from "./formats.js";
import { line, unitWidth } from "./labels.js";
import * as scales from "./scales.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { el, foreign, fill } from "./text.js";
import * as theme from "./theme.js";

const MOST_LISTED = 8;
const MOST_PINS_NAMED = 24;

/** A stable number in ±0.5 from a document's id. */
function scatterOf(id) {
  let hash = 2166136261;
  for (const char of id) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  return ((hash >>> 0) % 1000) / 1000 - 0.5;
}

/** Whole values would lie on top of each other: they are spread a little around their place. */
const isSpread = (layer) => layer.unit === "education" || (layer.kind !== "figure" && layer.step === 1);

const valueAt = (layer, doc, salt) => {
  const value = layer.value[doc.index];
  return value !== null && isSpread(layer) ? value + 0.62 * scatterOf(doc.id + salt) : value;
};

/** A layer as an axis between two pixels. @returns {import("./charts.js").Axis} */
function axis(layer, docs, from, to, isNarrow) {
  if (layer.unit === "money") {
    const values = docs.map((doc) => layer.value[doc.index]);
    const domain = [Math.min(...values, layer.low) * 0.94, Math.max(...values, layer.high) * 1.06];
    return { scale: scaleLog(domain, [from, to]), ticks: layer.documents.money.axis.filter((value) => value >= domain[0] && value <= domain[1]), write: (value) => formats.shortValue(layer, value), title: layer.title };
  }
  if (layer.unit === "percent") {
    const values = docs.map((doc) => layer.value[doc.index]);
    const scale = scaleLinear([Math.min(...values, 0), Math.max(...values, 0)], [from, to]).nice();
    return { scale, ticks: scale.ticks(isNarrow ? 5 : 8), write: formats.percent, title: layer.title };
  }
  if (layer.unit === "education") {
    const { levels } = layer.documents;
    const write = (level) => line(levels[level], isNarrow ? 70 : 110, 11);
    return { scale: scaleLinear([-0.6, levels.length - 0.4], [from, to]), ticks: levels.map((_, level) => level), write, title: layer.title };
  }
  const pad = (layer.high - layer.low) * 0.06;
  const scale = scaleLinear([layer.low - pad, layer.high + pad], [from, to]);
  const ticks = layer.high - layer.low === 10 ? Array.from({ length: 11 }, (_, at) => layer.low + at) : scale.ticks(6);
  return { scale, ticks, write: formats.score, title: layer.title };
}

/**
 * The plot of two axes that all of these views share.
 * @param {HTMLElement} element
 * @param {any} size
 * @param {{x: (from: number, to: number, isNarrow: boolean) => import("./charts.js").Axis, y: (from: number, to: number, isNarrow: boolean) => import("./charts.js").Axis, points: any[], at: any, under?: (drawn: any) => Node[], named?: number, pinned?: any[]}} given
 */
export function plot(element, size, { x, y, points, at, under = () => [], named = 12, pinned = [] }) {
  const isNarrow = size.width < NARROW;
  const svg = drawing(element, size);
  const frame = { top: 14, right: size.width - 16, bottom: size.height - 46, left: isNarrow ? 52 : 60 };
  const across = x(frame.left, frame.right, isNarrow);
  const upwards = y(frame.bottom, frame.top, isNarrow);
  if (isNarrow && across.ticks && across.ticks.length > 7) across.ticks = across.ticks.filter((_, place) => place % 2 === 0);
  axes(svg, { ...frame, x: across, y: upwards });
  const lineColour = theme.css("--point-line");
  for (const point of [...points, ...pinned]) Object.assign(point, { cx: across.scale(point.x), cy: upwards.scale(point.y) });
  const dots = points.map((point) =>
    shape("circle", { class: "point", "data-id": point.doc.id, cx: point.cx.toFixed(1), cy: point.cy.toFixed(1), r: point.r.toFixed(1), fill: point.fill, "fill-opacity": 0.88, stroke: lineColour, "stroke-width": point.isOut ? 0.3 : 0.8 }),
  );
  const chosen = points.filter(({ doc }) => doc.id === at.id);
  const rings = chosen.map((point) => shape("circle", { class: "ring", cx: point.cx, cy: point.cy, r: point.r + 1.5, fill: "none", stroke: theme.css("--ink"), "stroke-width": 3 }));
  svg.append(...under({ svg, frame, x: across.scale, y: upwards.scale }), shape("g", { class: "points" }, ...dots), ...rings, ...pins(pinned));
  const placed = [];
  const written = [...names(pinned, frame, MOST_PINS_NAMED, at.id, placed), ...names(points, frame, isNarrow ? Math.ceil(named / 2) : named, at.id, placed)];
  svg.append(shape("g", { class: "names", "pointer-events": "none" }, ...written));
  remember(element, points);
}

/** The points to name: the chosen one; of those with a weight the heaviest, otherwise the largest and those farthest out. */
function worthNaming(points, count, id) {
  const shown = points.filter((point) => !point.isOut);
  const chosen = shown.filter(({ doc }) => doc.id === id);
  if (points.some(({ weight }) => weight !== undefined)) {
    const heavy = shown.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight || (a.doc.id < b.doc.id ? -1 : 1));
    return [...new Set([...chosen, ...heavy.slice(0, count)])];
  }
  const first = (order) => [...shown].sort((a, b) => order(a, b) || (a.doc.id < b.doc.id ? -1 : 1));
  const bySize = first((a, b) => b.r - a.r);
  const [byX, byY] = [first((a, b) => a.cx - b.cx), first((a, b) => a.cy - b.cy)];
  const extreme = [byX[0], byX[byX.length - 1], byY[0], byY[byY.length - 1]];
  return [...new Set([...chosen, ...bySize.slice(0, count), ...extreme, ...bySize])].filter(Boolean);
}

/** Pins that stand on the places of documents of another set; a click opens one in its own set. */
function pins(pinned) {
  const drop = "M0,0C-2,-6 -7,-8 -7,-14a7,7 0 1 1 14,0C7,-8 2,-6 0,0Z";
  return pinned.map(({ doc, layer, cx, cy }) =>
    shape(
      "g",
      { class: "pin", transform: `translate(${cx.toFixed(1)} ${cy.toFixed(1)})`, "data-pin": doc.id, "data-pin-layer": layer.id },
      shape("path", { d: drop, fill: theme.css("--ink"), stroke: theme.css("--paper"), "stroke-width": 1.5 }),
      shape("circle", { cy: -14, r: 2.6, fill: theme.css("--paper") }),
      shape("title", {}, doc.title),
    ),
  );
}

/** Names beside their points, as many as find a place where they hide neither each other, nor what is placed, nor the frame. */
function names(points, frame, count, id, placed) {
  const written = [];
  const size = 11.5;
  for (const point of worthNaming(points, count, id)) {
    if (written.length >= count) break;
    const text = line(point.doc.short || point.doc.title, 170, size);
    if (!text) continue;
    const width = unitWidth(text) * size;
    const spots = [
      [point.cx + point.r + 4, point.cy + 4],
      [point.cx - point.r - 4 - width, point.cy + 4],
      [point.cx - width / 2, point.cy - point.r - 5],
      [point.cx - width / 2, point.cy + point.r + 13],
      ...(point.r > width / 2 ? [[point.cx - width / 2, point.cy + 4]] : []),
    ];
    const box = (/** @type {number[]} */ [left, base]) => ({ left: left - 2, right: left + width + 2, top: base - 11, bottom: base + 4 });
    const isFree = (one) => one.left >= frame.left && one.right <= frame.right && one.top >= frame.top && one.bottom <= frame.bottom && !placed.some((other) => one.left < other.right && one.right > other.left && one.top < other.bottom && one.bottom > other.top);
    const spot = spots.find((one) => isFree(box(one)));
    if (!spot) continue;
    placed.push(box(spot));
    written.push(shape("text", { class: "name", x: spot[0].toFixed(1), y: spot[1].toFixed(1), "font-size": size, fill: theme.css("--ink"), stroke: theme.css("--paper"), "stroke-width": 3, "stroke-linejoin": "round", "paint-order": "stroke" }, text));
  }
  return written;
}

/** What the points of the drawn plot stand for, by document. */
const things = new Map();

function remember(element, points) {
  things.clear();
  for (const point of points) things.set(point.doc.id, point);
  if (element.dataset.opens) return;
  element.dataset.opens = "true";
  element.addEventListener("click", (event) => {
    const pin = event.target.closest("[data-pin]");
    if (pin) return openPin(pin.dataset.pinLayer, pin.dataset.pin);
    const id = event.target.closest("[data-id]:not(.slice)")?.dataset.id;
    if (id) detail.open(id, event.target);
  });
}

const openPin = (layer, id) => state.set({ layer, id });

/** What a target stands for, for the card. */
export function find(target) {
  const point = things.get(target.closest("[data-id]")?.dataset.id);
  return point ? { key: `${point.layer.id} ${point.doc.id} ${point.lines}`, layer: point.layer, doc: point.doc, lines: point.lines } : null;
}

/** The points of two layers, large ones first so that small ones stay visible. */
function pointsOf(layer, x, y, docs, matches, at, size) {
  const placed = docs.filter((doc) => x.value[doc.index] !== null && y.value[doc.index] !== null).sort((a, b) => b.area - a.area || (a.id < b.id ? -1 : 1));
  const most = Math.max(1, ...placed.map((doc) => doc.area));
  const largest = Math.min(64, Math.max(26, size.width / 16)) / 2;
  const { hasJobs } = layer.documents;
  return placed.map((doc) => {
    const own = scales.colour(layer, layer.value[doc.index]);
    const isIn = matches.has(doc) && (at.at === null || store.reaches(layer.value[doc.index], at.at));
    const others = [...new Set([x, y])].filter((other) => other !== layer && other.kind !== "figure");
    return {
      doc,
      layer,
      x: valueAt(x, doc, "x"),
      y: valueAt(y, doc, "y"),
      r: hasJobs ? Math.max(2, largest * Math.sqrt(doc.area / most)) : 4,
      fill: isIn ? own : scales.faded(own),
      isOut: !isIn,
      lines: others.map((other) => `${other.title}: ${formats.valueOf(other, doc)}`),
    };
  });
}

/** A line across the whole plot, upright or level. */
const upright = (x, frame, more) => shape("line", { x1: x, x2: x, y1: frame.top, y2: frame.bottom, stroke: theme.css("--ink"), ...more });
const level = (y, frame, more) => shape("line", { x1: frame.left, x2: frame.right, y1: y, y2: y, stroke: theme.css("--ink"), ...more });

/** @param {(drawn: any) => Node[]} [under] @param {any[]} [pinned] */
function draw(element, layer, x, y, matches, at, size, under = () => [], pinned = []) {
  const docs = layer.documents.docs.filter((doc) => x.value[doc.index] !== null && y.value[doc.index] !== null);
  plot(element, size, {
    x: (from, to, isNarrow) => axis(x, docs, from, to, isNarrow),
    y: (from, to, isNarrow) => axis(y, docs, from, to, isNarrow),
    points: pointsOf(layer, x, y, docs, matches, at, size),
    pinned,
    at,
    under: (drawn) => [
      ...(y.unit === "percent" ? [level(drawn.y(0), drawn.frame, { "stroke-width": 1, "stroke-opacity": 0.5 })] : []),
      ...(x.unit === "percent" ? [upright(drawn.x(0), drawn.frame, { "stroke-width": 1, "stroke-opacity": 0.5 })] : []),
      ...(at.at !== null && x === layer ? [upright(drawn.x(at.at), drawn.frame, { "stroke-width": 1.5, "stroke-dasharray": "2 4" })] : []),
      ...under(drawn),
    ],
  });
}

const figure = (layer, column) => layer.documents.layers.find((one) => one.column === column) || null;
const firstScore = (layer) => layer.documents.layers.find((one) => one.kind === "score") || null;

/** The layer itself against a figure of the set; where it is that figure, the set's first score instead. */
function against(column) {
  /** @returns {[any, any]} */
  const pair = (layer) => {
    const y = figure(layer, column);
    return [layer === y ? firstScore(layer) : layer, y];
  };
  return {
    isThere: (layer) => pair(layer).every(Boolean),
    draw: (element, layer, matches, at, size) => draw(element, layer, ...pair(layer), matches, at, size),
    note: (layer) => spreadNote(...pair(layer)),
  };
}

const spreadNote = (...layers) => (layers.some(isSpread) ? " Whole values are spread a little around their place, so that points do not hide each other." : "");

// --- two layers against each other ---

/** The second layer: the chosen one, or the first other score, or the first other layer. */
function second(layer, at) {
  const others = layer.documents.layers.filter((one) => one !== layer);
  return others.find((one) => one.id === at.with) || others.find((one) => one.kind === "score") || others[0] || null;
}

function compareControls(element, layer, at) {
  const choice = second(layer, at);
  const select = el("select", { id: "compare-with", onchange: (event) => state.set({ with: event.target.value }) });
  for (const other of layer.documents.layers) if (other !== layer) select.append(el("option", { value: other.id, selected: other === choice }, other.title));
  fill(element, el("label", { for: "compare-with" }, "Against"), select);
}

function compareNotes(element, layer, matches, at) {
  const other = second(layer, at);
  const docs = [...matches].filter((doc) => layer.value[doc.index] !== null && other.value[doc.index] !== null);
  const correlation = figures.rankCorrelation(
    docs.map((doc) => layer.value[doc.index]),
    docs.map((doc) => other.value[doc.index]),
  );
  const [left, right] = [figures.percentiles(layer.value), figures.percentiles(other.value)];
  const gap = (doc) => left[doc.index] - right[doc.index];
  const byGap = [...docs].sort((a, b) => gap(b) - gap(a));
  const list = (title, members) =>
    el(
      "section",
      { class: "card" },
      el("h3", {}, title),
      el("ol", { class: "plain-list" }, ...members.map((doc) => el("li", {}, opener(doc), el("span", { class: "quiet" }, ` ${formats.valueOf(layer, doc, formats.shortValue)} and ${formats.valueOf(other, doc, formats.shortValue)}`)))),
    );
  fill(
    element,
    el("p", {}, "Rank correlation (Spearman) over ", formats.plural(docs.length, "occupation", "occupations"), ": ", el("strong", {}, correlation === null ? formats.MISSING : formats.mean(correlation)), ". Areas are jobs; colour is ", foreign(layer.title), "."),
    el(
      "div",
      { class: "cards" },
      list(`Ranked higher by “${layer.title}”`, byGap.slice(0, MOST_LISTED).filter((doc) => gap(doc) > 0)),
      list(`Ranked higher by “${other.title}”`, byGap.slice(-MOST_LISTED).reverse().filter((doc) => gap(doc) < 0)),
    ),
    ...flips.notes(layer, other, docs, at, opener),
  );
}

/** A document's title as a button that opens its panel. */
export const opener = (doc) => el("button", { type: "button", class: "link", onclick: (event) => detail.open(doc.id, event.currentTarget) }, foreign(doc.title));

export const compare = {
  isThere: (layer) => layer.documents.layers.length > 1,
  draw: (element, layer, matches, at, size) => draw(element, layer, layer, second(layer, at), matches, at, size),
  note: (layer, at) => spreadNote(layer, second(layer, at)),
  controls: compareControls,
  notes: compareNotes,
  followsThreshold: true,
  baselines: (layer, at) => [layer, second(layer, at)],
};

// --- quadrants ---

/** The layer whose rule divides the set: the shown one, the one it is part of, or the set's first that has a rule. */
function ruled(layer) {
  return layer.owner.quadrants ? layer.owner : layer.documents.layers.find((one) => one.quadrants) || null;
}

function rule(layer) {
  const { x, y, x_cut: xCut, y_cut: yCut, labels } = ruled(layer).quadrants;
  return { x: store.layerById.get(x), y: store.layerById.get(y), xCut, yCut, labels };
}

/**
 * Documents of the user's own that were asked the same two numbers on the same scales: pins over the country's quadrants.
 * The same numbers are those with the same keys, whatever the questions are called.
 */
function ownOver(layer) {
  if (layer.documents.isOwn) return [];
  const key = (id) => id.slice(id.indexOf(".") + 1);
  const here = rule(layer);
  const isSame = (one, other) => key(one.id) === key(other.id) && one.low === other.low && one.high === other.high;
  return store.layers
    .filter((other) => other.quadrants && other.documents.isOwn && isSame(rule(other).x, here.x) && isSame(rule(other).y, here.y))
    .flatMap((other) => {
      const { x, y } = rule(other);
      const known = other.documents.docs.filter((doc) => x.value[doc.index] !== null && y.value[doc.index] !== null);
      return known.map((doc) => ({ doc, layer: other, x: x.value[doc.index], y: y.value[doc.index], r: 8, weight: 1 }));
    });
}

/** Position in the rule's labels: 0 neither, 1 high x, 2 high y, 3 both; null without values. */
function quadrantOf({ x, y, xCut, yCut }, doc) {
  if (x.value[doc.index] === null || y.value[doc.index] === null) return null;
  return Number(store.reaches(x.value[doc.index], xCut)) + 2 * Number(store.reaches(y.value[doc.index], yCut));
}

function drawQuadrants(element, layer, matches, at, size) {
  const { x, y, xCut, yCut, labels } = rule(layer);
  // a whole number at the cut-off is spread around its place: the line stands before it
  const before = (of, value) => (isSpread(of) ? value - 0.5 : value);
  const corners = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ];
  draw(element, layer, x, y, matches, at, size, ({ frame, x: across, y: upwards }) => [
    upright(across(before(x, xCut)), frame, { "stroke-width": 1.2 }),
    level(upwards(before(y, yCut)), frame, { "stroke-width": 1.2 }),
    ...corners.map(([right, top], index) =>
      shape("text", { x: right ? frame.right - 4 : frame.left + 6, y: top ? frame.top + 14 : frame.bottom - 7, "text-anchor": right ? "end" : "start", "font-size": size.width < NARROW ? 11 : 13, "font-weight": 600, fill: theme.css("--ink") }, labels[index]),
    ),
  ], ownOver(layer));
}

const pinOpener = ({ doc, layer }) => el("button", { type: "button", class: "link", onclick: () => openPin(layer.id, doc.id) }, foreign(doc.title));

function quadrantNotes(element, layer, matches) {
  const dividing = rule(layer);
  const docs = [...matches];
  const all = figures.jobs(docs);
  const cards = dividing.labels.map((label, index) => {
    const members = docs.filter((doc) => quadrantOf(dividing, doc) === index);
    const largest = [...members].sort((a, b) => b.area - a.area).slice(0, 4);
    const jobs = figures.jobs(members);
    return el(
      "section",
      { class: "card" },
      el("h3", {}, foreign(label)),
      el(
        "dl",
        { class: "facts" },
        ...[
          ["Occupations", formats.count(members.length)],
          ["Jobs", `${formats.short(jobs)}${all ? ` (${formats.share(jobs / all)})` : ""}`],
          ...(layer.documents.money ? [["Wages a year", formats.shortMoney(layer.documents.money, figures.wages(members))]] : []),
        ].map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
      ),
      largest.length ? el("p", { class: "quiet" }, "The largest:") : null,
      el("ul", {}, ...largest.map((doc) => el("li", {}, opener(doc)))),
    );
  });
  const { x, y, xCut, yCut } = dividing;
  const own = ownOver(layer);
  fill(
    element,
    own.length ? el("p", {}, "Pins are documents of your own, asked the same: ", ...own.flatMap((pin, at) => [at ? ", " : "", pinOpener(pin)]), ".") : null,
    el("p", {}, "High means at or above the cut-off: ", foreign(x.title), ` ${formats.score(xCut)}, `, foreign(y.title), ` ${formats.score(yCut)}.`),
    el("div", { class: "cards is-four" }, ...cards),
  );
}

export const quadrants = {
  isThere: (layer) => ruled(layer) !== null,
  draw: drawQuadrants,
  note: (layer) => spreadNote(rule(layer).x, rule(layer).y),
  notes: quadrantNotes,
  baselines: (layer) => [layer, ruled(layer)],
};

export const bubble = against("pay");
export const outlook = against("outlook");
