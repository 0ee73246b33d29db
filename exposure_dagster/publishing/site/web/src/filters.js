/**
 * The filters: which documents match, and their form.
 */
import { content } from "./content.js";
import * as formats from "./formats.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { byId, el, fill, foreign } from "./text.js";

/** A test for documents, from the state. */
export function matcher(layer, at) {
  const { cat, edu, payLow, payHigh, low, high } = at;
  const level = edu === null || edu === "none" ? null : content.education.indexOf(edu);
  return (doc) =>
    (cat === null || doc.category === cat) &&
    (edu === null || doc.education === level) &&
    (payLow === null || (doc.pay !== null && doc.pay >= payLow)) &&
    (payHigh === null || (doc.pay !== null && doc.pay <= payHigh)) &&
    (low === null || store.reaches(layer.value[doc.index], low)) &&
    (high === null || (layer.value[doc.index] !== null && layer.value[doc.index] <= high + 1e-9));
}

const KEYS = ["cat", "edu", "payLow", "payHigh", "low", "high"];
const NONE = Object.fromEntries(KEYS.map((key) => [key, null]));

export const activeCount = (at) => KEYS.filter((key) => at[key] !== null).length;

export function start() {
  byId("filter-category").addEventListener("change", (event) => state.set({ cat: event.target.value || null }));
  byId("filter-education").addEventListener("change", (event) => state.set({ edu: event.target.value || null }));
  for (const [id, key] of [
    ["filter-pay-low", "payLow"],
    ["filter-pay-high", "payHigh"],
    ["filter-low", "low"],
    ["filter-high", "high"],
  ]) {
    byId(id).addEventListener("input", (event) => {
      const text = event.target.value.trim();
      const number = Number(text);
      if (text === "") state.set({ [key]: null }, { replace: true });
      else if (Number.isFinite(number)) state.set({ [key]: number }, { replace: true });
    });
  }
  byId("filters-clear").addEventListener("click", () => {
    state.set(NONE);
    byId("filter-category").focus();
  });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters-toggle").addEventListener("click", () => toggle(byId("filters").hidden));
  byId("filters-done").addEventListener("click", () => toggle(false));
  byId("filters").parentElement.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !byId("filters").hidden) toggle(false);
  });
  byId("chips").addEventListener("click", (event) => {
    const chip = event.target.closest("[data-keys]");
    if (!chip) return;
    state.set(Object.fromEntries(chip.dataset.keys.split(" ").map((key) => [key, null])));
    byId("filters-toggle").focus();
  });
}

function toggle(isOpen) {
  byId("filters").hidden = !isOpen;
  byId("filters-toggle").setAttribute("aria-expanded", String(isOpen));
  if (isOpen) byId("filter-category").focus();
  else byId("filters-toggle").focus();
}

/** What each filter in force says, and what it holds in the state. */
function inForce(layer, at) {
  const between = (low, high, write) => (low === null ? `at most ${write(high)}` : high === null ? `at least ${write(low)}` : `${write(low)} to ${write(high)}`);
  const chips = [];
  if (at.cat !== null) chips.push([at.cat, "cat"]);
  if (at.edu !== null) chips.push([at.edu === "none" ? "No education given" : at.edu, "edu"]);
  if (at.payLow !== null || at.payHigh !== null) chips.push([`Pay ${between(at.payLow, at.payHigh, (value) => (layer.documents.money ? formats.money(layer.documents.money, value) : formats.count(value)))}`, "payLow payHigh"]);
  if (at.low !== null || at.high !== null) chips.push([`${layer.kind === "figure" ? layer.title : "Score"} ${between(at.low, at.high, (value) => formats.bound(layer, value))}`, "low high"]);
  return chips;
}

const option = (value, label) => el("option", { value }, label);

/** Fits the form to the layer, and its fields to the state. */
export function show(layer, at, matches) {
  const { documents } = layer;
  const category = byId("filter-category");
  if (category.dataset.set !== documents.name) {
    category.dataset.set = documents.name;
    fill(category, option("", "All categories"), ...documents.categories.map((name) => option(name, name)));
    const levels = content.education.map((name, level) => [level, name]).filter(([level]) => documents.docs.some((doc) => doc.education === level));
    const rows = levels.map(([, name]) => option(name, name));
    if (documents.docs.some((doc) => doc.education === null)) rows.push(option("none", "None given"));
    fill(byId("filter-education"), option("", "Any education"), ...rows);
    byId("filter-education-field").hidden = levels.length === 0;
  }
  category.value = at.cat ?? "";
  byId("filter-education").value = at.edu ?? "";
  byId("filter-pay").hidden = documents.money === null;
  if (documents.money) byId("filter-pay-name").textContent = `Median pay a year, ${documents.money.currency}`;
  byId("filter-range-name").textContent = layer.kind === "figure" ? layer.title : "Score";
  // pay has fields of its own, and education a list
  byId("filter-range").hidden = layer.unit === "money" || layer.unit === "education";
  for (const [id, key] of [
    ["filter-pay-low", "payLow"],
    ["filter-pay-high", "payHigh"],
    ["filter-low", "low"],
    ["filter-high", "high"],
  ]) {
    const field = byId(id);
    if (document.activeElement !== field) field.value = at[key] ?? "";
    if (key === "low" || key === "high") field.placeholder = formats.score(layer[key]);
  }
  const active = activeCount(at);
  byId("filters-toggle").textContent = active ? `Filters (${active})` : "Filters";
  fill(byId("chips"), ...inForce(layer, at).map(([text, keys]) => el("li", {}, el("button", { type: "button", class: "chip", "data-keys": keys, "aria-label": `Remove the filter ${text}` }, foreign(text), el("span", { "aria-hidden": "true" }, " ✕")))));
  byId("filters-clear").hidden = active === 0;
  const all = documents.docs.length;
  byId("match-count").textContent =
    matches.length === all
      ? `${formats.plural(all, "occupation", "occupations")}`
      : `${formats.count(matches.length)} of ${formats.plural(all, "occupation", "occupations")} match`;
}
