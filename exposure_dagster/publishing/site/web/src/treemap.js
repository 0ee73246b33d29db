/**
 * The map: a treemap, area = jobs, grouped by category, colour = the layer.
 *
 * Each tile is a button: the pointer, a finger and the keyboard open it, the arrow keys go from tile to tile. Colours
 * change far more often than places: where only they do, the tiles stay what they are and the old colours fade.
 */
import { hierarchy, treemap as layout, treemapSquarify } from "d3-hierarchy";
import * as card from "./card.js";
import { drawing, NARROW, shape, textLines } from "./charts.js";
import * as detail from "./detail.js";
import * as formats from "./formats.js";
import { abbreviated, label, LINE, line, unitWidth } from "./labels.js";
import * as scales from "./scales.js";
import * as state from "./state.js";
import * as store from "./store.js";
import * as theme from "./theme.js";

const GAP = 1;
/** Tiles are laid out about square and then drawn so much wider, since names are wider than high. */
const WIDER = 2;
const INSET = 2.5;
const FADE_MS = 240;
/** Height of a category's heading: on a narrow screen it takes less of its category's tile. */
const headerOf = (size) => (size.width < NARROW ? 15 : 18);
const headingFontOf = (size) => (size.width < NARROW ? 11 : 12);

/** Tiles of the shown category, or of all. */
const drawn = (layer, at) => layer.documents.docs.filter((doc) => doc.area > 0 && (at.cat === null || doc.category === at.cat));

/**
 * By category, how much larger its tile has to be, so that beside heading and edges there is as much room a job as
 * elsewhere. Tiles are about square: as wide as the root of their area, and small ones rather wider.
 */
function enlargement(area, total, size) {
  const pixels = (size.width * size.height) / (total || 1);
  return 1 + (1.3 * (headerOf(size) + 2 * GAP)) / Math.sqrt(area * pixels);
}

/** The documents by category, the largest first, with their places. */
function laidOut(docs, size) {
  const groups = new Map();
  for (const doc of docs) {
    if (!groups.has(doc.category)) groups.set(doc.category, []);
    groups.get(doc.category).push(doc);
  }
  const sum = (members) => members.reduce((total, doc) => total + doc.area, 0);
  const total = sum(docs);
  const children = [...groups].map(([name, members]) => {
    const area = sum(members);
    return { name, area, factor: enlargement(area, total, size), children: members };
  });
  /** @type {any} */
  const root = { children };
  const tree = hierarchy(root)
    .sum((node) => (node.children ? 0 : node.area))
    .sort((a, b) => b.value - a.value || (a.data.id < b.data.id ? -1 : 1));
  for (const group of tree.children || []) {
    for (const node of group.leaves()) /** @type {any} */ (node).value *= group.data.factor;
    /** @type {any} */ (group).value *= group.data.factor;
  }
  /** @type {any} */ (tree).value = (tree.children || []).reduce((whole, group) => whole + group.value, 0);
  const laid = layout()
    .tile(treemapSquarify.ratio(1.1))
    .size([size.width / WIDER, size.height])
    .paddingInner(GAP / WIDER)
    .paddingTop((node) => (node.depth === 1 ? headerOf(size) : 0))(/** @type {any} */ (tree));
  laid.each((node) => {
    node.x0 *= WIDER;
    node.x1 *= WIDER;
  });
  return laid;
}

/** Fill and ink of each document, after filters and threshold. */
function look(layer, doc, matches, at) {
  const own = scales.colour(layer, layer.value[doc.index]);
  const isIn = matches.has(doc) && (at.at === null || store.reaches(layer.value[doc.index], at.at));
  const fill = isIn ? own : scales.faded(own);
  return { fill, ink: isIn ? scales.inkOn(own) : theme.css("--quiet"), hatch: isIn && store.isUnsure(layer, doc) ? (scales.inkOn(own) === "#000000" ? "dark" : "light") : null };
}

/** What a tile is called for those who do not see it. */
function nameOf(layer, doc) {
  const group = layer.hasTiers ? store.groupOf(layer, doc) : null;
  return `${doc.title}: ${formats.valueOf(layer, doc)}${group ? `, ${group.label}` : ""}${doc.jobs === null ? "" : `, ${formats.short(doc.jobs)} jobs`}`;
}

/**
 * What was drawn last: enough to paint it again.
 * @type {{element: HTMLElement, svg: any, layer: any, key: string, tiles: any[], groups: any[], hatches: any, labels: any, ring: any, cells: any[], byElement: Map<Element, any>}|null}
 */
let last = null;

const keyOf = (layer, at, size) => `${layer.documents.name} ${at.cat} ${size.width} ${size.height}`;

/** @param {HTMLElement} element */
export function draw(element, layer, matches, at, size) {
  const key = keyOf(layer, at, size);
  card.paint(layer);
  if (last && last.key === key && last.svg.parentNode === element) {
    recolour(layer, matches, at);
    return;
  }
  const tree = laidOut(drawn(layer, at), size);
  const svg = drawing(element, size);
  svg.removeAttribute("aria-hidden");
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", "Tiles; the arrow keys go from one to the next, Enter opens it");
  const [headings, slices, hatches, labels] = ["headings", "slices", "hatches", "labels"].map((name) => shape("g", { class: name }));
  const ring = shape("rect", { class: "ring", fill: "none", "stroke-width": 3, visibility: "hidden" });
  const groups = (tree.children || []).map((node) => heading(/** @type {any} */ (node), size, layer, at));
  headings.append(...groups.map((group) => group.element));
  const tiles = tree.leaves().filter((node) => node.depth === 2).map((node) => tile(/** @type {any} */ (node)));
  slices.append(...tiles.map((one) => one.rect));
  labels.append(...tiles.map((one) => one.label).filter(Boolean));
  for (const group of [headings, hatches, labels]) group.setAttribute("pointer-events", "none");
  headings.setAttribute("pointer-events", "auto");
  labels.setAttribute("aria-hidden", "true");
  svg.append(headings, slices, hatches, labels, ring);
  const cells = [...groups, ...tiles];
  last = { element, svg, layer: null, key, tiles, groups, hatches, labels, ring, cells, byElement: new Map(cells.map((cell) => [cell.element, cell])) };
  apply(layer, matches, at);
  rove(tiles[0] || groups[0]);
  listen(element);
}

const placed = ({ x0, y0, x1, y1 }) => ({ x0, y0, x1, y1, width: x1 - x0, height: y1 - y0 });

function heading(node, size, layer, at) {
  const box = { ...placed(node), y1: node.y0 + headerOf(size), height: headerOf(size) };
  const { name, area } = node.data;
  const font = headingFontOf(size);
  const jobs = `${formats.short(area)} ${layer.documents.hasJobs ? "jobs" : "occupations"}`;
  const does = at.cat === null ? "Show this category alone" : "Show all categories";
  const element = shape(
    "g",
    { class: "heading", role: "button", tabindex: -1, "data-group": name, "aria-label": `${name}, ${jobs}. ${does}` },
    shape("rect", { x: node.x0, y: node.y0, width: box.width, height: node.y1 - node.y0, fill: theme.css("--tile-ground") }),
    shape("text", { x: node.x0 + INSET, y: node.y0 + headerOf(size) - 5, "font-size": font, "font-weight": 600, fill: theme.css("--ink") }, line(name, (box.width - 2 * INSET) / 1.06, font)),
  );
  return { element, box, card: { key: `group ${name}`, title: name, text: `${jobs}. ${does}.` } };
}

function tile(node) {
  const box = placed(node);
  const rect = shape("rect", { class: "slice", role: "button", tabindex: -1, "data-id": node.data.id, x: box.x0, y: box.y0, width: Math.max(0, box.width), height: Math.max(0, box.height) });
  return { element: rect, rect, box, doc: node.data, ...labelled(box, node.data), look: null };
}

/** A tile's name, and the line below it for its value where there is room. */
function labelled({ x0, y0, width, height }, doc) {
  const name = doc.short || doc.title;
  const names = [...new Set([doc.title, name, abbreviated(name)])];
  const found = label(names, width - 2 * INSET, height - 3);
  if (!found) return { label: null, value: null };
  const { lines, size, hasRoom } = found;
  const first = y0 + 1 + size;
  const value = hasRoom ? shape("text", { x: x0 + INSET, y: first + lines.length * LINE * size, "font-size": size }) : null;
  return { label: shape("g", { class: "label" }, textLines(lines, x0 + INSET, first, size), value), value, room: (width - 2 * INSET) / size };
}

/** Writes a tile's value, where it fits. */
function write(one, layer) {
  if (!one.value) return;
  const value = formats.valueOf(layer, one.doc, formats.shortValue);
  one.value.textContent = unitWidth(value) <= one.room ? value : "";
}

/** Puts a layer's colours, names, values and hatching on the tiles. */
function apply(layer, matches, at) {
  const isOther = last.layer !== layer;
  for (const one of last.tiles) {
    const now = look(layer, one.doc, matches, at);
    const before = one.look;
    one.look = now;
    if (isOther) {
      one.rect.setAttribute("aria-label", nameOf(layer, one.doc));
      write(one, layer);
    }
    if (!before || before.fill !== now.fill) one.rect.setAttribute("fill", now.fill);
    if (one.label && (!before || before.ink !== now.ink)) one.label.setAttribute("fill", now.ink);
  }
  hatch();
  last.layer = layer;
  select(at.id);
}

const outline = ({ x0, y0, x1, y1 }) => `M${x0.toFixed(1)} ${y0.toFixed(1)}H${x1.toFixed(1)}V${y1.toFixed(1)}H${x0.toFixed(1)}z`;

/** Tiles as few shapes: a path for each thing that they are told apart by. */
function paths(tiles, keyOf, attributesOf) {
  const byKey = new Map();
  for (const one of tiles) {
    const key = keyOf(one);
    if (key) byKey.set(key, (byKey.get(key) || "") + outline(one.box));
  }
  return [...byKey].map(([key, d]) => shape("path", { d, ...attributesOf(key) }));
}

/** Lines over tiles whose tier is not sure, in the ink that reads on their colours; over the colour, below the text. */
function hatch() {
  last.hatches.replaceChildren(...paths(last.tiles, (one) => one.look.hatch, (kind) => ({ class: "hatch", fill: `url(#hatch-${kind})` })));
}

/** Another layer on the same tiles: the old colours lie over the new ones and fade. */
function recolour(layer, matches, at) {
  const isOther = last.layer !== layer && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const old = isOther ? paths(last.tiles, (one) => one.look.fill, (fill) => ({ fill })) : [];
  apply(layer, matches, at);
  if (!isOther) return;
  const ghost = shape("g", { class: "ghost", "pointer-events": "none" }, ...old);
  last.hatches.before(ghost);
  ghost.animate([{ opacity: 1 }, { opacity: 0 }], { duration: FADE_MS, easing: "ease-out" }).finished.then(
    () => ghost.remove(),
    () => ghost.remove(),
  );
}

/** A frame around the chosen tile. */
function select(id) {
  const one = id === null ? null : last.tiles.find(({ doc }) => doc.id === id);
  last.ring.setAttribute("visibility", one ? "visible" : "hidden");
  if (!one) return;
  const { x0, y0, width, height } = one.box;
  for (const [name, value] of Object.entries({ x: x0 + 1, y: y0 + 1, width: Math.max(1, width - 2), height: Math.max(1, height - 2), stroke: theme.css("--ink") })) last.ring.setAttribute(name, String(value));
  rove(one);
}

/** New colours on the tiles that are drawn; false where another drawing is needed. */
export function paint(layer, matches, at) {
  if (!last || last.layer !== layer || !last.svg.isConnected) return false;
  apply(layer, matches, at);
  return true;
}

/** After a change of the theme everything has other colours. */
export function forget() {
  last = null;
}

const cellOf = (target) => (last ? last.byElement.get(target.closest('[role="button"]')) : null) || null;

/** Puts one tile into the tab order. */
function rove(cell) {
  if (!cell || !last) return;
  for (const { element } of last.cells) if (element.getAttribute("tabindex") === "0") element.setAttribute("tabindex", "-1");
  cell.element.setAttribute("tabindex", "0");
}

const middle = ({ x0, y0, x1, y1 }) => [(x0 + x1) / 2, (y0 + y1) / 2];

/** The nearest cell in a direction: along it first, across it only where there is no other. */
function neighbour(from, dx, dy) {
  const [x, y] = middle(from.box);
  let best = null;
  let least = Infinity;
  for (const cell of last.cells) {
    if (cell === from) continue;
    const [cx, cy] = middle(cell.box);
    const along = (cx - x) * dx + (cy - y) * dy;
    const across = dx ? Math.max(0, cell.box.y0 - from.box.y1, from.box.y0 - cell.box.y1) + Math.abs(cy - y) * 0.3 : Math.max(0, cell.box.x0 - from.box.x1, from.box.x0 - cell.box.x1) + Math.abs(cx - x) * 0.3;
    const isAhead = dx > 0 ? cell.box.x0 >= from.box.x1 - 1 : dx < 0 ? cell.box.x1 <= from.box.x0 + 1 : dy > 0 ? cell.box.y0 >= from.box.y1 - 1 : cell.box.y1 <= from.box.y0 + 1;
    const cost = along + 3 * across;
    if (isAhead && cost < least) [best, least] = [cell, cost];
  }
  return best;
}

const STEPS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

function onKey(event) {
  const cell = cellOf(event.target);
  if (!cell) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(cell);
    return;
  }
  const step = STEPS[event.key];
  const next = step ? neighbour(cell, step[0], step[1]) : event.key === "Home" ? last.tiles[0] : event.key === "End" ? last.tiles[last.tiles.length - 1] : null;
  if (step || next) event.preventDefault();
  if (!next) return;
  rove(next);
  next.element.focus();
}

function choose(cell) {
  if (cell.doc) detail.open(cell.doc.id, cell.element);
  else state.set({ cat: state.get().cat === null ? cell.element.dataset.group : null });
}

/** What the card says of a cell. */
const cardOf = (cell) => (cell.doc ? { key: `${last.layer.id} ${cell.doc.id}`, layer: last.layer, doc: cell.doc, box: cell.box } : cell.card);

function listen(element) {
  if (element.dataset.listens) return;
  element.dataset.listens = "map";
  const isMap = () => last && last.svg.parentNode === element;
  element.addEventListener("click", (event) => {
    const cell = isMap() ? cellOf(event.target) : null;
    if (cell) choose(cell);
  });
  element.addEventListener("keydown", (event) => isMap() && onKey(event));
  element.addEventListener("focusin", (event) => {
    const cell = isMap() ? cellOf(event.target) : null;
    if (!cell || !cell.element.matches(":focus-visible")) return;
    const box = cell.element.getBoundingClientRect();
    card.show(cardOf(cell), box.left + Math.min(box.width, 40), box.top + Math.min(box.height, 24));
  });
  element.addEventListener("focusout", () => card.hide());
}

/** What a target on the map stands for, for the card. */
export function find(target) {
  const cell = cellOf(target);
  return cell && last.layer ? cardOf(cell) : null;
}

/** @param {Set<any>} matches */
export function caption(layer, at, matches) {
  const { hasJobs, hasShares, years } = layer.documents;
  const missing = undrawn(layer, [...matches]).length;
  const area = hasJobs ? `Area: ${hasShares ? "an equal share of the jobs of its SOC row" : "jobs"}${years.base ? ` in ${years.base}` : ""}` : "Each occupation has the same area";
  return `${area}. Colour: ${layer.title}.${missing ? ` ${formats.plural(missing, "occupation has", "occupations have")} no job figure and no tile.` : ""}`;
}

/** Documents that have no area and so no tile. */
const undrawn = (layer, matches) => matches.filter((doc) => !(doc.area > 0));
