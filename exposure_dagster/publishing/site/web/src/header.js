/**
 * What stands above the map: the finding, what it means and whose it is, the layers, the views.
 */
import { between } from "./around.js";
import { content } from "./content.js";
import * as figures from "./figures.js";
import { finding as findingOf, lead } from "./finding.js";
import * as formats from "./formats.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { byId, el, fill, foreign } from "./text.js";

/** Who answered, or who estimated. */
function modelsOf(layer, isEstimate) {
  const of = layer.answers.filter((answer) => (answer.scorer === "baseline") === isEstimate);
  return [...new Set(of.map((answer) => (isEstimate ? "the bundled baseline" : answer.model || answer.scorer)))].join(" and ");
}

function byline(layer) {
  const { documents } = layer;
  const dates = layer.answers.map((answer) => answer.date).filter(Boolean).sort();
  const jobs = figures.jobs(documents.docs);
  /** @type {any[][]} */
  const parts = [[`${formats.plural(documents.docs.length, "occupation", "occupations")}`, documents.hasJobs ? `, ${formats.short(jobs)} jobs` : ""]];
  if (layer.kind !== "figure") parts.push([`Scale ${formats.score(layer.low)} to ${formats.score(layer.high)}`]);
  const answered = modelsOf(layer, false);
  const estimated = modelsOf(layer, true);
  if (answered) parts.push(["Answered by ", foreign(answered), ...(estimated ? [", the others estimated by ", foreign(estimated)] : [])]);
  else if (estimated) parts.push(["Estimated by ", foreign(estimated)]);
  if (dates.length) parts.push([formats.date(dates[dates.length - 1])]);
  if (layer.kind === "figure" && layer.sources.length) parts.push([layer.sources.length > 1 ? "Sources: " : "Source: ", foreign(layer.sources.join("; "))]);
  fill(byId("byline"), ...parts.map((part) => el("li", {}, ...part)));
}

function about(layer, view, at) {
  byId("question-description").replaceChildren(foreign(layer.description || ""));
  byline(layer);
  byId("about-title").textContent = `${layer.isBaseline ? "Estimates of the baseline, no language model. " : ""}About these figures`;
  const scored = view.baselines ? view.baselines(layer, at) : [layer];
  const notes = [
    content.sample_note,
    scored.some((one) => one && one.isBaseline) ? content.baseline_note : null,
    scored.some((one) => one && one.isBaseline && one.owner.quadrants) ? content.baseline_quadrants_note : null,
    layer.out_of_date ? `These are earlier answers: the prompt's file cannot be used now (${layer.out_of_date}).` : null,
    layer.documents.cut,
  ];
  fill(byId("notes"), ...notes.filter(Boolean).map((note) => el("p", { class: "notice" }, foreign(note))));
}

/** The finding alone: the threshold has moved. */
export function finding(layer, matches, at) {
  byId("finding").replaceChildren(foreign(findingOf(layer, matches, at)));
  byId("finding-range").textContent = between(layer, matches, at) || "";
}

const nameOf = (layer) => (store.sets.size > 1 && layer.kind === "figure" && !layer.documents.is_joined_on ? `${layer.title} (${layer.documents.title})` : layer.title);

/** The layers as buttons; they stay the same elements, so that the focus stays on the one that was chosen. */
function layers(layer) {
  const list = byId("layers");
  const owner = layer.owner;
  const shown = store.layers.filter((one) => one.kind !== "attribute");
  if (list.children.length !== shown.length) fill(list, ...shown.map((one) => el("li", {}, el("button", { type: "button", "data-layer": one.id }, foreign(nameOf(one))))));
  shown.forEach((one, index) => {
    list.children[index].firstElementChild.setAttribute("aria-pressed", String(one.id === layer.id || (layer.kind === "attribute" && one === owner)));
  });
  const parts = store.layers.filter((one) => one.kind === "attribute" && one.owner === (layer.kind === "attribute" ? owner : layer));
  byId("part-field").hidden = !parts.length;
  const select = byId("layer-part");
  if (parts.length && select.dataset.owner !== owner.id) {
    select.dataset.owner = owner.id;
    fill(select, el("option", { value: owner.id }, "The whole question"), ...parts.map((part) => el("option", { value: part.id }, part.title)));
  }
  if (parts.length) select.value = layer.id;
}

let views = [];

/** The links to the views lead to where they would from the present state. */
export function links(layer) {
  const list = byId("views");
  views.forEach((one, index) => {
    list.children[index].hidden = !one.isThere(layer);
    list.children[index].firstElementChild.href = state.link({ view: one.id });
  });
}

export function show(layer, all, view, at, matches) {
  document.title = `${layer.title} – ${view.title} – Occupations`;
  finding(layer, matches, at.at);
  byId("lead").replaceChildren(foreign(lead(layer, view)));
  about(layer, view, at);
  layers(layer);
  links(layer);
  [...byId("views").children].forEach((item, index) => {
    if (views[index] === view) item.firstElementChild.setAttribute("aria-current", "page");
    else item.firstElementChild.removeAttribute("aria-current");
  });
}

/** The rows that are wider than their place. */
const overflowing = new Set();

function watchOverflow(row) {
  const look = () => {
    if (row.scrollWidth > row.clientWidth) overflowing.add(row);
    else overflowing.delete(row);
    showCurrent();
  };
  const observer = new ResizeObserver(look);
  observer.observe(row);
  observer.observe(row.firstElementChild);
}

/** Where layers or views are a row that scrolls, the current one is brought into it. */
export function showCurrent() {
  for (const row of overflowing) {
    const current = row.querySelector('[aria-current], [aria-pressed="true"]');
    if (current) row.scrollLeft = Math.max(0, /** @type {HTMLElement} */ (current).offsetLeft - row.offsetLeft - 40);
  }
}

export function start(all) {
  views = all;
  if (byId("views").children.length !== views.length) fill(byId("views"), ...views.map((one) => el("li", {}, el("a", { "data-view": one.id }, one.name))));
  for (const id of ["views", "layers"]) watchOverflow(byId(id).parentElement);
  byId("layers").addEventListener("click", (event) => {
    const button = event.target.closest("[data-layer]");
    if (button) state.set({ layer: button.dataset.layer });
  });
  byId("layer-part").addEventListener("change", (event) => state.set({ layer: event.target.value }));
}
