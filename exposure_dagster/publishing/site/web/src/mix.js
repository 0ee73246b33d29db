/**
 * A colour of one's own: any layers of a set, weighed. It is a layer like the others, so that every view shows it, and
 * its weights stand in the address.
 *
 * Each layer is put to 0 to 1 on its scale; a negative weight turns it round. The mix is the weighted mean, from 0 to
 * 10. A document that lacks one of the values has none: nothing is filled in. Composite files do the same sum (site/composites.py).
 */
import * as dialog from "./dialog.js";
import * as formats from "./formats.js";
import * as scales from "./scales.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { byId, el, fill, foreign } from "./text.js";

const HEAVIEST = 5;

/** Layers that can be weighed: what is asked or known, and no mix. */
const parts = (documents) => documents.layers.filter((layer) => !layer.isMix);

/** @typedef {Map<string, number>} Weights by id of layer, none of them 0 */

/** What a mix begins with: the first two questions, alike. */
function first(documents) {
  const scores = parts(documents).filter((layer) => layer.kind === "score");
  return new Map((scores.length > 1 ? scores : parts(documents)).slice(0, 2).map((layer) => [layer.id, 1]));
}

/**
 * Weights as the address has them, `exposure:2,pay:-1`. Whatever is no layer of the set or no weight is left out.
 * @returns {Weights}
 */
export function read(text, documents) {
  const known = new Set(parts(documents).map((layer) => layer.id));
  const found = new Map();
  for (const part of (text || "").split(",")) {
    const at = part.lastIndexOf(":");
    const weight = Number(part.slice(at + 1));
    if (at > 0 && known.has(part.slice(0, at)) && Number.isInteger(weight) && weight !== 0 && Math.abs(weight) <= HEAVIEST) found.set(part.slice(0, at), weight);
  }
  return found.size ? found : first(documents);
}

export const written = (weights) => [...weights].map(([id, weight]) => `${id}:${weight}`).join(",");

/** The mix of every document. */
export function values(weights, documents) {
  const weighed = [...weights].map(([id, weight]) => ({ layer: store.layerById.get(id), weight }));
  const total = weighed.reduce((sum, { weight }) => sum + Math.abs(weight), 0);
  return documents.docs.map((doc) => {
    let sum = 0;
    for (const { layer, weight } of weighed) {
      const value = layer.value[doc.index];
      if (value === null || value === undefined) return null;
      const at = scales.position(layer, value);
      sum += Math.abs(weight) * (weight > 0 ? at : 1 - at);
    }
    return Number(((10 * sum) / total).toFixed(6));
  });
}

/** What a mix is made of, in a sentence. */
function described(weights) {
  const total = [...weights.values()].reduce((sum, weight) => sum + Math.abs(weight), 0);
  const named = [...weights].map(([id, weight]) => `${store.layerById.get(id).title}${weight < 0 ? " (turned round)" : ""} ${Math.round((100 * Math.abs(weight)) / total)}%`);
  return `Weighted mean of layers, each put to 0–1 on its scale: ${named.join(", ")}.`;
}

/** The mix of the set that a layer colours. */
export const idOf = (layer) => (layer.documents.is_joined_on ? "mix" : `mix-${layer.documents.name}`);

/** Where the threshold stands at first: where about a quarter of the documents reach it, since a mean seldom comes high. */
function reached(layer) {
  const known = layer.value.filter((value) => value !== null).sort((a, b) => b - a);
  return known.length ? Math.floor(2 * known[Math.floor(known.length / 4)]) / 2 : layer.low;
}

/** Brings the mix of a set to the weights of the address; does nothing for other layers. */
export function apply(layer, at) {
  if (!layer.isMix || layer.madeFrom === (at.mix || "")) return;
  const weights = read(at.mix, layer.documents);
  const used = [...weights.keys()].map((id) => store.layerById.get(id));
  store.renew(layer, {
    value: values(weights, layer.documents),
    description: described(weights),
    answers: used.flatMap((one) => one.answers),
  });
  layer.threshold = reached(layer);
  layer.madeFrom = at.mix || "";
}

/** The sliders, where the layer is a mix. */
export function controls(layer, at) {
  const place = byId("mix");
  place.hidden = !layer.isMix;
  if (!layer.isMix) return;
  const weights = read(at.mix, layer.documents);
  if (place.dataset.of === layer.id) {
    for (const field of place.querySelectorAll("input")) show(field, weights.get(field.dataset.layer) || 0);
    return;
  }
  place.dataset.of = layer.id;
  fill(
    place,
    el("p", { class: "quiet mix-hint" }, "Weigh what matters to you. Below zero a layer counts the other way round."),
    el("ul", {}, ...parts(layer.documents).map((part, index) => slider(part, index, weights, layer))),
    el("p", { class: "mix-buttons" }, el("button", { type: "button", onclick: () => write(layer) }, "Write it as a file")),
  );
}

function slider(part, index, weights, layer) {
  const id = `mix-${index}`;
  const field = el("input", { id, type: "range", min: -HEAVIEST, max: HEAVIEST, step: 1, "data-layer": part.id });
  const output = el("output", { for: id });
  field.addEventListener("input", (event) => {
    const now = read(state.get().mix, layer.documents);
    const weight = Number(field.value);
    if (weight) now.set(part.id, weight);
    else if (now.size > 1) now.delete(part.id);
    show(field, now.get(part.id) || 0);
    state.set({ mix: written(now) }, { replace: true, event });
  });
  const item = el("li", { class: part.kind === "attribute" ? "is-part" : null }, el("label", { for: id }, foreign(part.title)), field, output);
  show(field, weights.get(part.id) || 0);
  return item;
}

function show(field, weight) {
  const words = weight === 0 ? "not counted" : `${formats.signed(weight)}${weight < 0 ? ", turned round" : ""}`;
  if (Number(field.value) !== weight) field.value = String(weight);
  field.setAttribute("aria-valuetext", words);
  if (field.nextElementSibling) field.nextElementSibling.textContent = weight === 0 ? "–" : formats.signed(weight);
}

/** The file by which the project computes the same ranking (prompts/composites.py). */
export function file(layer, at) {
  const weights = [...read(at.mix, layer.documents)].map(([id, weight]) => `  ${JSON.stringify(id)}: ${weight}`);
  return ["title: My mix", "weights:", ...weights, ""].join("\n");
}

function write(layer) {
  dialog.open(
    "This mix as a file",
    el("p", {}, "Save it in your folder of prompts as ", el("code", {}, "my_mix.composite.yaml"), ", with a title of yours. The project then ranks by it whenever it publishes, as a layer of this map and as ", el("code", {}, "composites.csv"), "; no model is asked."),
    dialog.copyable("File", file(layer, state.get()), { rows: 8 }),
    dialog.copyable("Command", "exposure run"),
  );
}
