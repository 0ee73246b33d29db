/**
 * The table: every occupation that matches, sortable, with the selection of the map. It is the map's equal for
 * keyboard and screen reader: one row is in the tab order, the arrow keys go from row to row, Enter opens the panel.
 */
import { content } from "./content.js";
import * as detail from "./detail.js";
import * as formats from "./formats.js";
import * as scales from "./scales.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { el, foreign, fill, byId } from "./text.js";

const PAGE = 10;
/** Rows that are made at once beside a chart; the others when they are wanted. */
const FEW = 50;
const SHORT_NAMES = { outlook: "Outlook", pay: "Median pay", education: "Education" };

const byText = (of) => (a, b) => {
  const [left, right] = [of(a).toLowerCase(), of(b).toLowerCase()];
  return left < right ? -1 : Number(left > right);
};
const byNumber = (of) => (a, b) => {
  const [left, right] = [of(a), of(b)];
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  return left - right;
};

/** The columns for a layer: what they show, and how they sort. */
export function columnsOf(layer) {
  const value = (doc) => layer.value[doc.index];
  const number = (key, label, of, write) => ({ key, label, isNumber: true, order: byNumber(of), isMissing: (doc) => of(doc) === null, write });
  /** @type {any[]} */
  const columns = [
    { key: "title", label: "Occupation", order: byText((doc) => doc.title) },
    {
      ...number("value", SHORT_NAMES[layer.column] || "Score", value, (doc) => formats.valueOf(layer, doc)),
      interval: (doc) => store.intervalOf(layer, doc),
      isNumber: layer.unit !== "education",
      swatch: (doc) => scales.colour(layer, value(doc)),
    },
  ];
  if (layer.hasTiers) columns.push({ key: "tier", label: "Tier", order: byNumber(value), isMissing: (doc) => value(doc) === null, write: (doc) => store.groupOf(layer, doc)?.label ?? formats.MISSING });
  const { docs } = layer.documents;
  if (layer.documents.hasJobs) columns.push(number("jobs", layer.documents.hasShares ? "Jobs (share)" : "Jobs", (doc) => doc.jobs, (doc) => formats.count(doc.jobs)));
  if (layer.unit !== "money" && docs.some((doc) => doc.pay !== null)) columns.push(number("pay", "Median pay", (doc) => doc.pay, formats.pay));
  if (layer.unit !== "percent" && docs.some((doc) => doc.outlook !== null)) columns.push(number("outlook", "Outlook", (doc) => doc.outlook, (doc) => formats.percent(doc.outlook)));
  if (layer.unit !== "education" && docs.some((doc) => doc.education !== null)) {
    columns.push({ key: "education", label: "Education", order: byNumber((doc) => doc.education), isMissing: (doc) => doc.education === null, write: (doc) => (doc.education === null ? formats.MISSING : content.education[doc.education]) });
  }
  columns.push({ key: "category", label: "Category", order: byText((doc) => doc.category), write: (doc) => doc.category });
  return columns;
}

/** The matching documents in the order that the table shows. */
export function sorted(layer, matches, sort) {
  const columns = columnsOf(layer);
  const isDescending = sort === null || sort.startsWith("-");
  const key = sort === null ? "value" : sort.replace(/^-/, "");
  const column = columns.find((one) => one.key === key) || columns[1];
  const byTitle = columns[0].order;
  return [...matches].sort((a, b) => {
    if (column.isMissing && column.isMissing(a) !== column.isMissing(b)) return column.isMissing(a) - column.isMissing(b);
    const order = column.order(a, b);
    return (isDescending ? -order : order) || byTitle(a, b) || (a.id < b.id ? -1 : 1);
  });
}

/** Rows of the shown layer, by document: sorting and filtering move them, nothing is made anew. */
let rows = new Map();
let shownFor = null;
/** The documents in the shown order, and how a row is made of one. */
let order = [];
let rowOf = null;

function makeRow(doc, columns, shownLayer) {
  const button = el("button", { type: "button", class: "row-button", tabindex: "-1" }, foreign(doc.title));
  const row = el("tr", { "data-id": doc.id }, el("th", { scope: "row" }, button));
  for (const column of columns.slice(1)) {
    const cell = el("td", { class: column.isNumber ? "number" : `column-${column.key}` });
    if (column.swatch) {
      const square = el("span", { class: "swatch", "aria-hidden": "true" });
      square.style.backgroundColor = column.swatch(doc);
      cell.append(square);
    }
    cell.append(column.write(doc));
    const interval = column.interval ? column.interval(doc) : null;
    if (interval) cell.append(el("span", { class: "interval" }, ` (${formats.interval(shownLayer, interval)})`));
    row.append(cell);
  }
  return row;
}

function head(layer, columns, sort) {
  const isDescending = sort === null || sort.startsWith("-");
  const key = sort === null ? "value" : sort.replace(/^-/, "");
  return columns.map((column) => {
    const isSorted = column.key === key;
    const next = isSorted ? (isDescending ? column.key : `-${column.key}`) : column.isNumber || column.key === "tier" ? `-${column.key}` : column.key;
    return el(
      "th",
      { scope: "col", class: column.isNumber ? "number" : `column-${column.key}`, "aria-sort": isSorted ? (isDescending ? "descending" : "ascending") : null },
      el("button", { type: "button", "data-sort": next }, column.label, el("span", { class: "arrow", "aria-hidden": "true" }, isSorted ? (isDescending ? "↓" : "↑") : "")),
    );
  });
}

export function show(layer, matches, at, themeName) {
  const columns = columnsOf(layer);
  const identity = `${layer.id} ${layer.isMix ? layer.madeFrom : ""} ${themeName}`;
  if (shownFor !== identity) {
    rows = new Map();
    shownFor = identity;
  }
  rowOf = (doc) => {
    if (!rows.has(doc)) rows.set(doc, makeRow(doc, columns, layer));
    return rows.get(doc);
  };
  const focused = /** @type {HTMLElement} */ (document.activeElement)?.dataset?.sort;
  fill(byId("table-head"), ...head(layer, columns, at.sort));
  if (focused) byId("table-head").querySelector(`[data-sort$="${focused.replace("-", "")}"]`)?.focus();
  order = sorted(layer, matches, at.sort);
  const first = at.view === "table" ? order.length : Math.max(FEW, order.findIndex((doc) => doc.id === at.id) + 1);
  fill(byId("table-body"), ...order.slice(0, first).map(rowOf));
  tellOfMore();
  byId("table-empty").hidden = matches.length > 0;
  byId("table-caption").textContent = `${layer.title}: ${formats.plural(matches.length, "occupation", "occupations")}${layer.documents.hasShares ? ". Jobs: where occupations share a SOC row, an equal share of its jobs" : ""}${layer.sure && layer.sure.has ? ". In brackets: the 90% interval" : ""}`;
  select(at.id);
}

const shownCount = () => byId("table-body").children.length;

function tellOfMore() {
  byId("table-more").hidden = shownCount() >= order.length;
  byId("table-more").textContent = `Show all ${formats.count(order.length)}`;
}

/** The rows that are not there yet, up to a document or to the last. */
function showMore(id = null) {
  const last = id === null ? order.length : order.findIndex((doc) => doc.id === id) + 1;
  byId("table-body").append(...order.slice(shownCount(), last).map(rowOf));
  tellOfMore();
}

const buttons = () => [...byId("table-body").querySelectorAll(".row-button")];

/** Puts one row into the tab order. */
function rove(button) {
  for (const other of byId("table-body").querySelectorAll('.row-button[tabindex="0"]')) other.tabIndex = -1;
  if (button) button.tabIndex = 0;
}

export function select(id) {
  if (id !== null && order.some((doc) => doc.id === id)) showMore(id);
  for (const row of byId("table-body").querySelectorAll("tr[aria-current]")) row.removeAttribute("aria-current");
  const row = id === null ? null : byId("table-body").querySelector(`tr[data-id="${CSS.escape(id)}"]`);
  if (row) row.setAttribute("aria-current", "true");
  rove((row || byId("table-body").firstElementChild)?.querySelector(".row-button"));
}

function onKey(event) {
  if (!event.target.classList.contains("row-button")) return;
  showMore();
  const all = buttons();
  const at = all.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + PAGE, PageUp: at - PAGE, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = all[Math.max(0, Math.min(all.length - 1, to))];
  rove(next);
  next.focus();
}

export function start() {
  byId("table-more").addEventListener("click", () => {
    const next = shownCount();
    showMore();
    buttons()[next].focus();
  });
  byId("table-head").addEventListener("click", (event) => {
    const button = event.target.closest("[data-sort]");
    if (button) state.set({ sort: button.dataset.sort === "-value" ? null : button.dataset.sort });
  });
  byId("table-body").addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row) detail.open(row.dataset.id, row.querySelector(".row-button"));
  });
  byId("table-body").addEventListener("keydown", onKey);
}
