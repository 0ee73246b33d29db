/**
 * The card beside the pointer: what is below it, at one glance. It says nothing that panel and table do not.
 */
import * as figures from "./figures.js";
import * as formats from "./formats.js";
import * as scales from "./scales.js";
import * as store from "./store.js";
import { byId, el, foreign } from "./text.js";

const OFFSET = 14;
const WIDTH = 288;
const REASON = 180;

/** What is shown now; null while the card is hidden. */
let shown = null;
/** @type {{title: HTMLElement, swatch: HTMLElement, value: HTMLElement, more: HTMLElement, place: HTMLElement, strip: HTMLElement, mark: HTMLElement, facts: HTMLElement, reason: HTMLElement}|null} */
let parts = null;

function build() {
  const strip = el("div", { class: "card-strip" });
  const mark = el("i", { class: "card-mark" });
  strip.append(mark);
  parts = {
    title: foreign(""),
    swatch: el("span", { class: "swatch" }),
    value: el("b"),
    more: foreign(""),
    place: el("p", { class: "quiet" }),
    strip,
    mark,
    facts: el("p"),
    reason: el("p", { class: "quiet" }),
  };
  byId("card").append(el("h3", {}, parts.title), el("p", {}, parts.swatch, parts.value, " ", parts.more), strip, parts.place, parts.facts, parts.reason);
}

/** The first sentence of a reason, as far as it is short. */
export function firstSentence(reason) {
  const sentence = (reason.match(/^.+?[.!?](?=\s|$)/s) || [reason])[0];
  return sentence.length <= REASON ? sentence : `${sentence.slice(0, REASON).replace(/\s+\S*$/, "")}…`;
}

/** By the values of a layer: where each stands among all. */
const standings = new WeakMap();

function standingsOf(layer) {
  if (!standings.has(layer.value)) standings.set(layer.value, figures.percentiles(layer.value));
  return standings.get(layer.value);
}

/** @param {any} thing */
function fillDoc({ layer, doc, lines = [] }) {
  const value = layer.value[doc.index];
  const interval = store.intervalOf(layer, doc);
  const group = layer.hasTiers ? store.groupOf(layer, doc) : null;
  parts.title.textContent = doc.title;
  parts.swatch.hidden = false;
  parts.swatch.style.backgroundColor = scales.colour(layer, value);
  parts.value.textContent = formats.valueOf(layer, doc);
  const spread = interval ? `(${formats.interval(layer, interval)})` : layer.sd && layer.sd[doc.index] !== null ? `± ${formats.score(layer.sd[doc.index])}` : "";
  parts.more.textContent = [spread, group ? `${group.label}${store.isUnsure(layer, doc) ? ", not sure" : ""}` : ""].filter(Boolean).join(" · ");
  const place = value === null ? null : standingsOf(layer)[doc.index];
  parts.strip.hidden = place === null;
  if (place !== null) parts.mark.style.transform = `translateX(${((WIDTH - 26) * place).toFixed(1)}px)`;
  parts.place.textContent = place === null ? "No value" : `As high as or higher than ${Math.round(100 * place)}% of occupations`;
  const facts = [
    doc.jobs === null ? null : `${formats.count(doc.jobs)} jobs${doc.share ? ` (${doc.share.part} of SOC ${doc.share.soc})` : ""}`,
    doc.pay === null && doc.payHourly === null ? null : formats.pay(doc),
    doc.outlook === null ? null : `outlook ${formats.percent(doc.outlook)}`,
  ];
  parts.facts.textContent = [facts.filter(Boolean).join(" · "), ...lines].filter(Boolean).join("\n");
  const reason = layer.rationale ? layer.rationale[doc.index] : null;
  parts.reason.textContent = reason ? firstSentence(reason) : "";
}

/** @param {any} thing */
function fillGroup({ title, text }) {
  parts.title.textContent = title;
  parts.swatch.hidden = true;
  parts.strip.hidden = true;
  for (const name of ["value", "more", "place", "reason"]) parts[name].textContent = "";
  parts.facts.textContent = text;
}

/** The strip shows the layer's scale, so that the mark on it has a colour below. */
let stripOf = null;

export function hide() {
  if (!shown) return;
  shown = null;
  byId("card").hidden = true;
  byId("chart-frame").hidden = true;
}

/** A frame around what is pointed at: an element of its own, so that the chart is not painted again. */
function put(box) {
  const frame = byId("chart-frame");
  frame.hidden = !box;
  if (!box) return;
  frame.style.width = `${box.width}px`;
  frame.style.height = `${box.height}px`;
  frame.style.transform = `translate(${box.x0}px,${box.y0}px)`;
}

/** The window's size: asking for it at each move would cost more than the move. */
let view = { width: innerWidth, height: innerHeight };

/**
 * Shows the card of a thing at a place of the window.
 * @param {{key: string, layer?: any, doc?: any, lines?: string[], title?: string, text?: string, box?: any}} thing
 * @param {number} x @param {number} y
 */
export function show(thing, x, y) {
  const card = byId("card");
  if (!parts) build();
  if (shown !== thing.key) {
    if (thing.doc) fillDoc(thing);
    else fillGroup(thing);
    if (!shown) card.hidden = false;
    put(thing.box);
    shown = thing.key;
  }
  const left = x + OFFSET + WIDTH > view.width ? Math.max(4, x - OFFSET - WIDTH) : x + OFFSET;
  // above the pointer in the lower half of the window: its height is not asked for, which would lay out the page
  card.style.transform = y > view.height / 2 ? `translate(${Math.round(left)}px,${Math.round(y - OFFSET)}px) translateY(-100%)` : `translate(${Math.round(left)}px,${Math.round(y + OFFSET)}px)`;
}

/** Colours of the strip, when layer or theme change. */
export function paint(layer) {
  hide();
  if (!parts) build();
  if (stripOf === layer) return;
  const sorted = layer.value.filter((value) => value !== null).sort((a, b) => a - b);
  const colours = Array.from({ length: 24 }, (_, at) => scales.colour(layer, sorted[Math.round((at / 23) * (sorted.length - 1))]));
  parts.strip.style.backgroundImage = sorted.length ? `linear-gradient(to right, ${colours.join(",")})` : "none";
  stripOf = layer;
}

/** After a change of the theme the strip has other colours. */
export const forget = () => {
  stripOf = null;
};

/**
 * Follows the pointer over an element; a finger has no card, since it opens the panel.
 * @param {HTMLElement} element
 * @param {(target: Element) => any} find what a target stands for, or null
 */
export function follow(element, find) {
  let target = null;
  let thing = null;
  element.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    if (event.target !== target) {
      target = event.target;
      thing = find(/** @type {Element} */ (target));
    }
    if (thing) show(thing, event.clientX, event.clientY);
    else hide();
  });
  element.addEventListener("pointerleave", () => {
    target = null;
    hide();
  });
}

export function start() {
  addEventListener("resize", () => {
    view = { width: innerWidth, height: innerHeight };
  });
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("scroll", hide, { passive: true });
}
