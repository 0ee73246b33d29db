/**
 * Occupations that flip between two layers: at or above the threshold in the one, below it in the other.
 */
import * as figures from "./figures.js";
import * as formats from "./formats.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { el, foreign } from "./text.js";

const MOST = 5;

/** Documents that reach the threshold of `one` and not that of `other`, the largest first. */
export function flipped(one, other, docs, at = one.threshold) {
  const reaches = (layer, doc, threshold) => store.reaches(layer.value[doc.index], threshold);
  return docs.filter((doc) => reaches(one, doc, at) && !reaches(other, doc, other.threshold)).sort((a, b) => b.area - a.area);
}

function card(one, other, docs, at, opener) {
  const members = flipped(one, other, docs, at);
  const jobs = one.documents.hasJobs ? `, ${formats.short(figures.jobs(members))} jobs` : "";
  const others = members.length > MOST ? "The largest: " : "";
  return el(
    "section",
    { class: "card" },
    el("h3", {}, foreign(one.title), ", and not ", foreign(other.title)),
    el("p", {}, `${formats.plural(members.length, "occupation reaches", "occupations reach")} ${formats.bound(one, at)} in the one and ${members.length === 1 ? "lies" : "lie"} below ${formats.bound(other, other.threshold)} in the other${jobs}.`),
    members.length ? el("p", { class: "quiet" }, others, ...members.slice(0, MOST).flatMap((doc, place) => (place ? [", ", opener(doc)] : [opener(doc)]))) : null,
  );
}

/** What flips each way, and the way to see the map change from the one layer to the other. */
export function notes(layer, other, docs, at, opener) {
  const known = docs.filter((doc) => layer.value[doc.index] !== null && other.value[doc.index] !== null);
  const there = state.link({ view: "map", layer: other.id, with: layer.id });
  return [
    el("p", {}, el("a", { href: there, class: "button" }, "See the map change to ", foreign(other.title))),
    el("div", { class: "cards" }, card(layer, other, known, at.at ?? layer.threshold, opener), flippedBack(layer, other, known, at, opener)),
  ];
}

/** The other way round: the chosen threshold is the first layer's. */
function flippedBack(layer, other, docs, at, opener) {
  const first = { ...layer, threshold: at.at ?? layer.threshold };
  return card(other, first, docs, other.threshold, opener);
}
