/**
 * What is shown, and its image in the address after the `#`, so that a view can be sent to someone and the back
 * button works. What moves in small steps (threshold, ranges) replaces the address; all else adds to the history.
 *
 * @typedef {Object} State
 * @property {string} view @property {string} layer
 * @property {number|null} at threshold; null: the layer's own
 * @property {string|null} cat @property {string|null} edu level's name, or "none"
 * @property {number|null} payLow @property {number|null} payHigh
 * @property {number|null} version of the layer's answers; null: the one that stands
 * @property {number|null} low @property {number|null} high range of the layer's values
 * @property {string|null} id selected document
 * @property {string|null} with second layer @property {string|null} sort column, with "-" before it for descending
 * @property {string|null} against index that scores are held against
 * @property {string|null} order which end of the ranked bars
 * @property {string|null} of documents beside each other @property {string|null} mix weights of layers
 * @property {string|null} step of the story
 */
import { content } from "./content.js";
import * as store from "./store.js";

const VIEWS = ["map", "table", "bubble", "ranked", "outlook", "quadrants", "compare", "side", "agreement", "changes", "method"];
const TEXTS = ["cat", "edu", "id", "with", "against", "sort", "order", "of", "mix", "step"];
const NUMBERS = ["at", "payLow", "payHigh", "low", "high", "version"];
const ORDERS = ["low", "jobs"];
const REPLACE_AFTER_MS = 250;

const listeners = [];
let timer = 0;
let current = read(location.hash);

/** @returns {State} Whatever does not exist is left out: an address may be old, or typed. */
function read(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const layer = store.layerById.get(given.get("layer")) || store.layers[0];
  /** @type {any} */
  const state = {
    layer: layer.id,
    view: VIEWS.includes(given.get("view")) ? given.get("view") : "map",
  };
  for (const key of TEXTS) state[key] = given.get(key) || null;
  for (const key of NUMBERS) {
    const text = given.get(key);
    state[key] = text && Number.isFinite(Number(text)) ? Number(text) : null;
  }
  if (!layer.documents.byId.has(state.id)) state.id = null;
  if (!layer.documents.categories.includes(state.cat)) state.cat = null;
  if (state.edu !== "none" && !content.education.includes(state.edu)) state.edu = null;
  if (state.at !== null) state.at = Math.min(layer.high, Math.max(layer.low, state.at));
  if (!ORDERS.includes(state.order)) state.order = null;
  const second = store.layerById.get(state.with);
  if (!second || second.documents !== layer.documents) state.with = null;
  return state;
}

function written(state) {
  const address = new URLSearchParams();
  if (state.view !== "map") address.set("view", state.view);
  if (state.layer !== store.layers[0].id) address.set("layer", state.layer);
  for (const key of [...NUMBERS, ...TEXTS]) if (state[key] !== null) address.set(key, state[key]);
  return `#${address}`;
}

/** The state after some changes: another layer has a threshold and a range of its own, another set all else too. */
function changed(changes) {
  const next = { ...current, ...changes };
  if (next.layer !== current.layer) {
    const [from, to] = [store.layerById.get(current.layer), store.layerById.get(next.layer)];
    const reset = { at: null, low: null, high: null, sort: null, version: null };
    if (from.documents !== to.documents) Object.assign(reset, { id: null, cat: null, edu: null, with: null, of: null, mix: null });
    Object.assign(next, reset, changes);
    if (next.with === next.layer) next.with = null;
  }
  return next;
}

/** The address of the state after some changes, for links: in full, since a bare `#…` reads as a jump in the page. */
export const link = (changes) => location.href.split("#")[0] + written(changed(changes));

export function flush() {
  clearTimeout(timer);
  timer = 0;
  history.replaceState(null, "", written(current));
}

/**
 * @param {Partial<State>} changes
 * @param {{replace?: boolean, event?: Event}} [how] `event` is the input that caused it, for the timing
 */
export function set(changes, { replace = false, event } = {}) {
  const next = changed(changes);
  const keys = Object.keys(next).filter((key) => next[key] !== current[key]);
  if (!keys.length) return;
  if (replace) {
    current = next;
    clearTimeout(timer);
    timer = setTimeout(flush, REPLACE_AFTER_MS);
  } else {
    if (timer) flush();
    current = next;
    history.pushState(null, "", written(current));
  }
  tell(keys, event);
}

function tell(keys, event) {
  for (const listener of listeners) listener(current, new Set(keys), event);
}

function follow() {
  clearTimeout(timer);
  timer = 0;
  const next = read(location.hash);
  const keys = Object.keys(next).filter((key) => next[key] !== current[key]);
  current = next;
  if (keys.length) tell(keys);
}

addEventListener("popstate", follow);
addEventListener("hashchange", follow);

export const get = () => current;
export const listen = (listener) => listeners.push(listener);
