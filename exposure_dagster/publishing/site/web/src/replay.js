/**
 * A question's versions on the map, one after the other: what was answered then, in the colours of now.
 */
import * as formats from "./formats.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { byId, el, fill, foreign } from "./text.js";

const STEP_MS = 1500;

let playing = 0;

const versionsOf = (layer) => (layer.versions && layer.versions.length > 1 ? layer.versions : null);

/** The place of the version that the address names; the last one, which stands, where it names none. */
function placeOf(versions, at) {
  const place = versions.findIndex(({ number }) => number === at.version);
  return place < 0 ? versions.length - 1 : place;
}

/** By layer, the layer as it was in each version. */
const earlier = new WeakMap();

/** What was known of a score then is its number: its reason, its interval and who gave it are those of now. */
function makeEarlier(layer, place) {
  if (!earlier.has(layer)) earlier.set(layer, new Map());
  const made = earlier.get(layer);
  if (!made.has(place)) {
    const copy = { ...layer, value: layer.history[place], sure: null, sd: null, rank: null, range: null, rationale: undefined, status: undefined, agreement: null, answers: [], isBaseline: false };
    copy.owner = copy;
    made.set(place, copy);
  }
  return made.get(place);
}

/** The layer as the address wants it: on the map it may name an earlier version. */
export function asOf(layer, at) {
  const versions = versionsOf(layer);
  if (!versions || at.view !== "map") return layer;
  const place = placeOf(versions, at);
  return place === versions.length - 1 || !layer.history ? layer : makeEarlier(layer, place);
}

function show(layer, place) {
  const versions = versionsOf(layer);
  state.set({ version: place === versions.length - 1 ? null : versions[place].number }, { replace: true });
}

function stop() {
  clearTimeout(playing);
  playing = 0;
}

function step(layer, place) {
  const { layer: id, view } = state.get();
  if (id !== layer.id || view !== "map") return stop(); // somebody has gone on to something else
  show(layer, place);
  const isLast = place === versionsOf(layer).length - 1;
  playing = isLast ? 0 : setTimeout(() => step(layer, place + 1), STEP_MS);
  if (isLast) byId("view-notes").dispatchEvent(new Event("redraw"));
}

async function play(layer) {
  await store.more();
  if (layer.history) step(layer, 0);
}

/** Above the map, where a question was answered in several versions. */
export function controls(element, layer, at) {
  const versions = versionsOf(layer);
  if (!versions) {
    stop();
    return;
  }
  const own = store.layerById.get(layer.id);
  const place = placeOf(versions, at);
  const { number, date, model } = versions[place];
  const isPlaying = playing !== 0;
  fill(
    element,
    el("button", { type: "button", id: "replay", onclick: () => (playing ? (stop(), byId("view-notes").dispatchEvent(new Event("redraw"))) : play(own)) }, isPlaying ? "Stop" : "Replay"),
    el("label", { for: "replay-version" }, "Version"),
    el("input", {
      type: "range",
      id: "replay-version",
      min: "0",
      max: String(versions.length - 1),
      step: "1",
      value: String(place),
      "aria-valuetext": `version ${number}`,
      onchange: (event) => {
        stop();
        const wanted = Number(event.target.value);
        store.more().then(() => show(own, wanted));
      },
    }),
    el("span", { class: "quiet", id: "replay-says", role: "status" }, `${number}${place === versions.length - 1 ? ", which stands" : ""}: ${date ? formats.date(date) : ""} `, foreign(model || "")),
  );
  if (at.version !== null && !own.history) store.more().then(() => byId("view-notes").dispatchEvent(new Event("redraw")));
}
