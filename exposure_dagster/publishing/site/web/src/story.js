/**
 * Five steps for those who come here first. Each moves the page itself, which can be used meanwhile; the step stands in
 * the address.
 */
import * as figures from "./figures.js";
import * as formats from "./formats.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { byId, el, fill, foreign } from "./text.js";

/** The largest occupations at or above the threshold, and the largest below half of the scale. */
function examples(layer) {
  const bySize = layer.documents.docs.filter((doc) => layer.value[doc.index] !== null).sort((a, b) => b.area - a.area);
  const middle = (layer.low + layer.high) / 2;
  return {
    high: bySize.find((doc) => store.reaches(layer.value[doc.index], layer.threshold)) || bySize[0],
    low: bySize.find((doc) => layer.value[doc.index] < middle) || bySize[bySize.length - 1],
  };
}

/** @returns {{title: string, text: any[], to: Object<string, any>, then?: () => void}[]} */
function steps() {
  const layer = store.layers[0];
  const { documents } = layer;
  const { high, low } = examples(layer);
  const second = documents.layers.find((one) => one.kind === "score" && one !== layer) || documents.layers.find((one) => one.kind === "figure") || layer;
  const start = { layer: layer.id, view: "map", at: null, id: null, cat: null, edu: null, low: null, high: null, payLow: null, payHigh: null, with: null };
  const size = documents.hasJobs ? `Its area is how many people work in it: ${formats.short(figures.jobs(documents.docs))} jobs in all.` : "All have the same size, since jobs are not known.";
  const said = (doc) => `${formats.valueOf(layer, doc)}`;
  return [
    { title: "Every tile is an occupation", text: [size, " Occupations of one field lie together."], to: start },
    {
      title: "Its colour is the answer to a question",
      text: ["Here: ", foreign(layer.title), ". ", foreign(high.title), ` gets ${said(high)}, on a scale from ${formats.score(layer.low)} to ${formats.score(layer.high)}. The panel says why, and who answered.`],
      to: { ...start, id: high.id },
    },
    { title: "Others lie at the other end", text: [foreign(low.title), ` gets ${said(low)}. A score says how far the question applies to the work; it is no forecast of job losses.`], to: { ...start, id: low.id } },
    { title: "The same map answers other questions", text: ["Now its colour is: ", foreign(second.title), ". The buttons above the map change the question; Ranking, Pay and the others beside it show the same figures in another way."], to: { ...start, layer: second.id } },
    { title: "Find your own", text: ["Write what you are called into the search: it knows thousands of names, and forgives typing errors. From an occupation’s panel you can pass it on or compare it."], to: start, then: () => byId("search").focus() },
  ];
}

let made = null;

const stepOf = (at) => {
  const step = Number(at.step);
  return Number.isInteger(step) && step >= 1 && step <= 5 ? step : null;
};

/** Goes to a step, or out of the story. */
function go(step) {
  if (step === null) {
    state.set({ step: null });
    [byId("story-start"), byId("story-again")].find((one) => one.getClientRects().length).focus({ preventScroll: true });
    return;
  }
  made ||= steps();
  state.set({ ...made[step - 1].to, step: String(step) });
}

/** Shows the step of the address, or nothing. */
export function show(at) {
  const place = byId("story");
  const step = stepOf(at);
  place.hidden = step === null;
  document.body.classList.toggle("has-story", step !== null);
  if (step === null) {
    delete place.dataset.step;
    return;
  }
  made ||= steps();
  if (place.dataset.step === String(step)) return;
  place.dataset.step = String(step);
  const { title, text, then } = made[step - 1];
  const button = (name, to, kind) => el("button", { type: "button", class: kind, onclick: () => go(to) }, name);
  const forward = step < made.length ? button("Next", step + 1, "is-first") : button("Done", null, "is-first");
  fill(
    place,
    el("h2", { id: "story-title", tabindex: "-1" }, el("span", { class: "quiet" }, `${step} of ${made.length} `), title),
    el("p", {}, ...text),
    el("p", { class: "story-buttons" }, step > 1 ? button("Back", step - 1) : null, forward, step < made.length ? button("Leave", null, "link") : null),
  );
  if (then) then();
  else byId("story-title").focus({ preventScroll: true });
}

export function start() {
  const step = stepOf(state.get());
  if (step !== null) {
    made = steps();
    state.set({ ...made[step - 1].to, step: String(step) }, { replace: true });
  }
  byId("story-again").addEventListener("click", () => go(1));
  byId("story-start").addEventListener("click", () => go(1));
}
