/**
 * Two to four occupations beside each other: every layer, with the reasons, and what is known of them. Which they are
 * stands in the address.
 */
import { content } from "./content.js";
import * as formats from "./formats.js";
import * as scales from "./scales.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { el, fill, foreign } from "./text.js";

export const MOST = 4;

/** Ids as the address has them: each written so that it has no comma. */
const read = (text) => (text || "").split(",").filter(Boolean).map(decodeURIComponent);
const written = (ids) => ids.map(encodeURIComponent).join(",") || null;

/** The documents beside each other: those of the address that the set has, else the chosen one. */
export function chosen(documents, at) {
  let ids = [];
  try {
    ids = read(at.of);
  } catch {
    // an address that was cut is read as none
  }
  const found = [...new Set(ids)].filter((id) => documents.byId.has(id)).slice(0, MOST);
  return (found.length || at.id === null ? found : [at.id]).map((id) => documents.byId.get(id));
}

/** The address of the comparison with one document more; null where it is full or has it. */
export function withOneMore(documents, at, doc) {
  const docs = at.of ? chosen(documents, at) : [];
  if (docs.includes(doc) || docs.length >= MOST) return null;
  return state.link({ view: "side", id: null, of: written([...docs, doc].map(({ id }) => id)) });
}

function square(layer, value) {
  const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
  swatch.style.backgroundColor = scales.colour(layer, value);
  return swatch;
}

function bar(layer, value) {
  const track = el("span", { class: "side-bar", "aria-hidden": "true" }, el("span", {}));
  track.firstElementChild.style.width = `${100 * scales.position(layer, value)}%`;
  track.firstElementChild.style.backgroundColor = scales.colour(layer, value);
  return track;
}

/** A document's value of a layer, how sure it is, its tier, and why. */
function cell(layer, doc) {
  const value = layer.value[doc.index];
  if (value === null || value === undefined) return el("td", {}, el("span", { class: "quiet" }, "no value"));
  const interval = store.intervalOf(layer, doc);
  const group = layer.hasTiers ? store.groupOf(layer, doc) : null;
  const reason = layer.owner === layer && layer.rationale ? layer.rationale[doc.index] : null;
  return el(
    "td",
    {},
    el("p", { class: "side-value" }, square(layer, value), el("strong", {}, formats.valueOf(layer, doc)), interval ? el("span", { class: "quiet" }, ` (${formats.interval(layer, interval)})`) : null),
    bar(layer, value),
    group ? el("p", { class: "quiet" }, foreign(group.label)) : null,
    reason ? el("p", { class: "side-reason" }, foreign(reason)) : null,
  );
}

function facts(docs) {
  /** @type {[string, (doc: any) => any][]} */
  const rows = [
    ["Jobs", (doc) => (doc.jobs === null ? "not published" : formats.jobs(doc))],
    ["Education", (doc) => (doc.education === null ? formats.MISSING : content.education[doc.education])],
    ["Category", (doc) => doc.category],
  ];
  return rows.map(([name, write]) => el("tr", {}, el("th", { scope: "row" }, name), ...docs.map((doc) => el("td", {}, foreign(String(write(doc) ?? formats.MISSING))))));
}

function adder(documents, docs) {
  if (docs.length >= MOST) return el("p", { class: "quiet" }, `At most ${MOST} fit beside each other: remove one to add another.`);
  const others = documents.docs.filter((doc) => !docs.includes(doc)).sort((a, b) => a.title.localeCompare(b.title));
  const select = el("select", { id: "side-add" }, el("option", { value: "" }, docs.length ? "Add an occupation …" : "Choose an occupation …"), ...others.map((doc) => el("option", { value: doc.id }, doc.title)));
  select.addEventListener("change", () => select.value && state.set({ of: written([...docs.map(({ id }) => id), select.value]), id: null }));
  return el("p", { class: "field side-add" }, el("label", { for: "side-add" }, docs.length ? `Compare ${formats.plural(docs.length, "occupation", "occupations")} with` : "Occupations to compare, two to four"), select);
}

function head(doc, docs) {
  const rest = written(docs.filter((one) => one !== doc).map(({ id }) => id));
  const remove = el("button", { type: "button", class: "side-remove", "aria-label": `Remove ${doc.title}` }, "✕");
  remove.addEventListener("click", () => state.set({ of: rest, id: null }));
  return el("th", { scope: "col" }, el("a", { href: state.link({ view: "map", id: doc.id }) }, foreign(doc.short || doc.title)), remove);
}

function notes(element, layer, matches, at) {
  const { documents } = layer;
  const docs = chosen(documents, at);
  if (!docs.length) {
    fill(element, adder(documents, docs));
    return;
  }
  const rows = documents.layers.map((one) =>
    el("tr", { class: one.kind === "attribute" ? "is-part" : null }, el("th", { scope: "row" }, el("a", { href: state.link({ layer: one.id }) }, foreign(one.title))), ...docs.map((doc) => cell(one, doc))),
  );
  const table = el("table", { class: "side-by-side" }, el("caption", { class: "visually-hidden" }, "Occupations beside each other"), el("thead", {}, el("tr", {}, el("td", {}), ...docs.map((doc) => head(doc, docs)))), el("tbody", {}, ...rows, ...facts(docs)));
  fill(element, adder(documents, docs), el("div", { class: "table-scroll", role: "region", "aria-label": "Occupations beside each other", tabindex: "0" }, table));
}

export const view = { isThere: (layer) => layer.documents.docs.length > 1, isText: true, notes };
