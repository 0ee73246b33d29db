/**
 * The panel about one occupation: score, reason, who answered, all layers, figures, sources.
 */
import { content } from "./content.js";
import * as figures from "./figures.js";
import * as formats from "./formats.js";
import * as panel from "./panel.js";
import * as scales from "./scales.js";
import { cardOf } from "./share.js";
import { withOneMore } from "./side.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { byId, el, fill, folded, foreign } from "./text.js";

/** O*NET summaries that the panel leads to. */
const MOST_CODES = 3;

/** Where the focus was when the panel was opened, to return to. */
let origin = null;

const GAP = 14;
const EDGE = 10;

/**
 * @param {string} id
 * @param {Element} [from] what opened it
 */
export function open(id, from) {
  origin = from || null;
  const isSame = state.get().id === id;
  state.set({ id });
  if (isSame) show(store.layerById.get(state.get().layer), id);
  byId("detail").dataset.height = "peek";
  place();
  byId("detail-title").focus({ preventScroll: true });
}

/** On a narrow screen the panel is a sheet that lies over the page. */
const isSheet = () => matchMedia("(max-width: 59.99rem)").matches;

/** Gives the focus back: to what opened the panel, or to the tile, or to the search. */
function giveBack(id) {
  const isThere = (one) => one && one.isConnected && one.getClientRects().length > 0;
  const target = [origin, markOf(id), byId("search")].find(isThere);
  origin = null;
  target.focus({ preventScroll: true });
  if (!target.matches(":focus")) byId("search").focus({ preventScroll: true });
}

export function close() {
  const { id } = state.get();
  state.set({ id: null });
  giveBack(id);
}

/** What stands for the chosen occupation in the chart: its tile, point or bar; or null. */
const markOf = (id) => byId("chart").querySelector(`[data-id="${CSS.escape(id)}"]`);

/** Puts the panel beside the chosen tile or point, where there is room; without one, at the edge. */
export function place() {
  const panel = byId("detail");
  if (panel.hidden) return;
  panel.style.left = "";
  panel.style.top = "";
  const mark = isSheet() ? null : markOf(state.get().id);
  if (!mark) return;
  const tile = mark.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const right = tile.right + GAP + width <= innerWidth - EDGE ? tile.right + GAP : null;
  const left = right ?? (tile.left - GAP - width >= EDGE ? tile.left - GAP - width : innerWidth - EDGE - width);
  const top = Math.max(EDGE, Math.min(tile.top, innerHeight - height - EDGE));
  panel.style.left = `${Math.round(left)}px`;
  panel.style.top = `${Math.round(top)}px`;
}

/** The sheet follows the finger; let go, it rests low or high, or goes. */
function drag() {
  const panel = byId("detail");
  let from = null;
  panel.addEventListener("pointerdown", (event) => {
    if (!isSheet() || event.target.closest("#detail-body, #detail-close")) return;
    from = { y: event.clientY, height: panel.getBoundingClientRect().height };
    panel.setPointerCapture(event.pointerId);
  });
  panel.addEventListener("pointermove", (event) => {
    if (from) panel.style.height = `${Math.max(60, from.height + from.y - event.clientY)}px`;
  });
  const rest = (event) => {
    if (!from) return;
    const height = from.height + from.y - event.clientY;
    const moved = Math.abs(event.clientY - from.y);
    from = null;
    panel.style.height = "";
    if (moved < 6) return;
    if (height < innerHeight * 0.22) close();
    else panel.dataset.height = height > innerHeight * 0.55 ? "full" : "peek";
  };
  panel.addEventListener("pointerup", rest);
  panel.addEventListener("pointercancel", rest);
  byId("detail-grip").addEventListener("click", () => {
    panel.dataset.height = panel.dataset.height === "full" ? "peek" : "full";
  });
}

export function start() {
  byId("detail-close").addEventListener("click", close);
  // wherever the focus is: a link may have opened the panel
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !byId("detail").hidden && byId("filters").hidden) close();
  });
  addEventListener("scroll", () => place(), { passive: true });
  drag();
}

const row = (name, value) => (value === null || value === undefined || value === "" ? null : el("div", {}, el("dt", {}, name), el("dd", {}, value instanceof Node ? value : foreign(String(value)))));

function chip(layer, value) {
  const square = el("span", { class: "swatch", "aria-hidden": "true" });
  square.style.backgroundColor = scales.colour(layer, value);
  return square;
}

function standing(layer, doc) {
  const value = layer.value[doc.index];
  const parts = [];
  if (value !== null && layer.kind !== "figure") {
    const rank = (layer.rank || figures.ranks(layer.value))[doc.index];
    const scored = layer.value.filter((one) => one !== null).length;
    parts.push(`rank ${formats.count(rank)} of ${formats.count(scored)}`);
  }
  const group = layer.hasTiers || layer.unit === "percent" ? store.groupOf(layer, doc) : null;
  if (group) parts.unshift(group.label);
  return parts.join(", ");
}

/** The interval of the score and of its rank, and how sure its tier is; then why, or why there is none. */
function sureness(layer, doc) {
  if (layer.value[doc.index] === null || layer.kind === "figure") return [];
  const interval = store.intervalOf(layer, doc);
  const parts = [];
  if (interval) {
    const { rank, kept } = layer.sure;
    parts.push(`90% interval ${formats.interval(layer, interval)}`);
    if (rank && rank[0][doc.index] !== null) parts.push(`rank ${formats.count(rank[0][doc.index])} to ${formats.count(rank[1][doc.index])}`);
    if (kept[doc.index] !== null) parts.push(`${kept[doc.index]}% likely in this tier`);
  }
  return [parts.length ? el("p", { class: "standing" }, parts.join(", ")) : null, panel.badge(layer, doc)];
}

/** Spread of the samples, or of the values behind a mean, where there is one. */
function uncertainty(layer, doc) {
  const sd = layer.sd ? layer.sd[doc.index] : null;
  if (sd !== null && sd !== undefined) return `± ${formats.score(sd)} (standard deviation of repeated answers)`;
  const span = layer.range ? layer.range[doc.index] : null;
  if (span && span[0] !== null && span[0] !== span[1]) return `from ${formats.score(span[0])} to ${formats.score(span[1])} over its O*NET occupations`;
  return null;
}

function verdict(layer, doc) {
  const value = layer.value[doc.index];
  const spread = uncertainty(layer, doc);
  const big = el("p", { class: "verdict" }, el("strong", {}, formats.valueOf(layer, doc)));
  if (layer.kind !== "figure") big.append(el("span", { class: "quiet" }, ` on a scale of ${formats.score(layer.low)} to ${formats.score(layer.high)}`));
  const place = standing(layer, doc);
  return [
    el("p", { class: "verdict-layer" }, chip(layer, value), foreign(layer.title)),
    big,
    place ? el("p", { class: "standing" }, place) : null,
    spread ? el("p", { class: "standing" }, spread) : null,
    ...sureness(layer, doc),
  ];
}

/** The reason, and who gave it, when, to which version of the question. */
function answer(layer, doc) {
  const given = store.answerOf(layer, doc);
  const reason = layer.rationale ? layer.rationale[doc.index] : null;
  const status = layer.status ? layer.status.names[layer.status.at[doc.index]] : null;
  const parts = [];
  if (status && status !== "ok") parts.push(el("p", { class: "notice" }, status === "refused" ? "The model refused to answer for this occupation." : "There is no valid answer for this occupation yet."));
  if (reason) parts.push(el("blockquote", { class: "reason" }, foreign(reason)));
  if (given) {
    const isBaseline = given.scorer === "baseline";
    parts.push(
      el(
        "p",
        { class: "quiet by" },
        isBaseline ? "Estimated by the bundled " : "Answered by ",
        foreign(given.model || given.scorer),
        isBaseline ? " (text statistics, no language model)" : "",
        given.date ? ` on ${formats.date(given.date)}` : "",
        given.prompt_hash ? ", prompt version " : "",
        given.prompt_hash ? el("code", {}, given.prompt_hash.slice(0, 12)) : null,
        ".",
      ),
    );
  }
  return parts;
}

/** Where the question itself names the occupation: its score then says little about the one who answered. */
function example(layer, doc) {
  const question = layer.asked ? ` ${folded(layer.asked.system)} ` : "";
  if (layer.kind === "figure" || !question.includes(` ${folded(doc.title)} `)) return null;
  return el("p", { class: "quiet" }, "The question names this occupation as an example on its scale, and so says itself about where it belongs.");
}

function intervalBeside(layer, doc) {
  const interval = store.intervalOf(layer, doc);
  return interval ? el("span", { class: "interval" }, ` (${formats.interval(layer, interval)})`) : null;
}

function layerTable(current, doc) {
  const rows = layersOf(current.documents, doc).map(([layer, value]) => {
    const isCurrent = layer === current;
    return el(
      "tr",
      { class: layer.kind === "attribute" ? "is-part" : null },
      el("th", { scope: "row" }, el("a", { href: state.link({ layer: layer.id }), "aria-current": isCurrent ? "true" : null }, foreign(layer.title))),
      el("td", { class: "number" }, chip(layer, value), formats.valueOf(layer, doc), intervalBeside(layer, doc)),
    );
  });
  return el("table", { class: "layers" }, el("caption", {}, "All layers"), el("tbody", {}, ...rows));
}

/** Every layer of a set with a document's value, an attribute below the prompt that it is part of. */
function layersOf(documents, doc) {
  const own = documents.layers;
  const parts = (layer) => own.filter((part) => part.kind === "attribute" && part.owner === layer);
  return own
    .filter((layer) => layer.kind !== "attribute")
    .flatMap((layer) => [layer, ...parts(layer)])
    .map((layer) => [layer, layer.value[doc.index]]);
}

function facts(layer, doc) {
  const { years } = layer.documents;
  const period = years.base && years.projection ? `, ${years.base}–${years.projection}` : "";
  const outlook = doc.outlook === null ? doc.outlookPhrase : `${formats.percent(doc.outlook)}${doc.outlookPhrase ? ` (${doc.outlookPhrase.toLowerCase()})` : ""}`;
  return el(
    "dl",
    { class: "facts" },
    row("Jobs" + (years.base ? ` in ${years.base}` : ""), doc.jobs === null ? "not published" : formats.jobs(doc)),
    row("Median pay" + (years.pay ? `, ${years.pay}` : ""), doc.pay === null && doc.payHourly === null ? "not published" : formats.pay(doc) + (doc.pay === null ? ", no annual figure" : " a year")),
    row(`Outlook${period}`, outlook),
    row("Change in jobs", doc.change === null ? null : formats.signed(doc.change)),
    row("Openings a year", doc.openings === null ? null : formats.count(doc.openings) + (doc.share ? ` (all of SOC ${doc.share.soc})` : "")),
    row("Education", doc.education === null ? null : content.education[doc.education]),
    row("Experience", doc.experience),
    row("Training", doc.training),
    row("Job zone", doc.jobZone),
    row("SOC", doc.soc),
    row("O*NET", doc.codes.length ? doc.codes.join(", ") : null),
    ...doc.classifications.map(([name, codes]) => row(name, codes.length ? codes.join(", ") : null)),
  );
}

/** What more is known: lists under headings. An item that is another occupation of the map leads there. */
function sections(doc) {
  if (!doc.sections.length) return null;
  const list = (items) => el("ul", { class: "plain" }, ...items.map(({ name, id }) => el("li", {}, id === null ? foreign(name) : el("a", { href: state.link({ id }) }, foreign(name)))));
  return el("dl", { class: "facts" }, ...doc.sections.map(({ title, items }) => row(title, list(items))));
}

function aliases(doc) {
  if (!doc.aliases.length) return null;
  const shown = el("p", { class: "quiet" });
  doc.aliases.forEach((alias, at) => shown.append(...(at ? [", "] : []), foreign(alias)));
  return el("details", {}, el("summary", {}, `Also called (${doc.aliases.length})`), shown);
}

function sources(layer, doc) {
  const page = doc.url && /^https?:\/\//.test(doc.url) ? el("a", { href: doc.url, rel: "noreferrer", class: "out" }, layer.documents.link || "Its page") : null;
  const codes = doc.url && doc.url.includes("onetonline.org") ? [] : doc.codes.slice(0, MOST_CODES);
  const summaries = codes.map((code) => el("a", { href: `https://www.onetonline.org/link/summary/${encodeURIComponent(code)}`, rel: "noreferrer", class: "out" }, codes.length > 1 ? `O*NET ${code}` : "Summary at O*NET"));
  const links = [page, ...summaries].filter(Boolean).flatMap((link, at) => (at ? [" · ", link] : [link]));
  return links.length || doc.modified ? el("p", { class: "quiet detail-links" }, ...links, doc.modified ? `${links.length ? " · " : ""}page last changed ${formats.date(doc.modified)}` : null) : null;
}

/** Its own page, which is made to be passed on, and the way to see it beside others. */
function onward(layer, doc) {
  const card = cardOf(layer, doc);
  const beside = withOneMore(layer.documents, state.get(), doc);
  return el("p", { class: "detail-onward" }, card ? el("a", { href: card, class: "button" }, "Its page, to share") : null, beside ? el("a", { href: beside, class: "button" }, "Compare") : null);
}

/** Fills the panel, or hides it where nothing is selected. */
export function show(layer, id) {
  const panel = byId("detail");
  const doc = id === null ? null : layer.documents.byId.get(id);
  panel.hidden = !doc;
  document.body.classList.toggle("has-detail", Boolean(doc));
  if (!doc) return;
  byId("detail-title").replaceChildren(foreign(doc.title));
  fill(
    byId("detail-body"),
    el("p", { class: "quiet" }, foreign(doc.category)),
    sources(layer, doc),
    ...verdict(layer, doc),
    ...answer(layer, doc),
    example(layer, doc),
    doc.description ? el("p", {}, foreign(doc.description)) : null,
    onward(layer, doc),
    facts(layer, doc),
    layerTable(layer, doc),
    sections(doc),
    aliases(doc),
  );
  byId("detail-body").scrollTop = 0;
  place();
}
