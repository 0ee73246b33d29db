/**
 * What all charts share: their elements, axes, colours, and the picture that can be saved.
 */
import { axisBottom, axisLeft, axisTop } from "d3-axis";
import { select } from "d3-selection";
import { LINE, TIGHT, wrapped } from "./labels.js";
import * as theme from "./theme.js";

const SVG = "http://www.w3.org/2000/svg";
const AXES = { bottom: axisBottom, left: axisLeft, top: axisTop };
export const NARROW = 560;
const SPACING = `${-TIGHT}em`;

/**
 * An SVG element. Looks are attributes and not rules of the sheet, so that a saved picture has them too.
 * @param {string} tag
 * @param {Object<string, any>} [attributes] null and undefined are left out
 * @param {...(Node|string|null)} children
 * @returns {any}
 */
export function shape(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/**
 * An empty drawing in an element, in place of what was there.
 * @param {HTMLElement} element
 * @param {{width: number, height: number}} size
 */
export function drawing(element, { width, height }) {
  const svg = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", "letter-spacing": SPACING });
  element.replaceChildren(svg);
  return svg;
}

/** Text in lines, the first of them at a place; foreign text cannot turn the direction of what stands beside it. */
export function textLines(lines, x, y, size, attributes = {}) {
  if (lines.length === 1) return shape("text", { x, y, "font-size": size, ...attributes }, lines[0]);
  return shape("text", { y, "font-size": size, ...attributes }, ...lines.map((line, at) => shape("tspan", { x, dy: at ? `${LINE}em` : null }, line)));
}

/**
 * @typedef {Object} Axis
 * @property {any} scale d3's
 * @property {number[]} [ticks]
 * @property {(value: any) => string} [write]
 * @property {string} [title]
 */

/**
 * A frame of two axes with quiet lines across it.
 * @param {SVGElement} svg
 * @param {{x: Axis, y: Axis, top: number, right: number, bottom: number, left: number, at?: "top"|"bottom"}} given the frame's sides
 */
export function axes(svg, { x, y, top, right, bottom, left, at = "bottom" }) {
  const [rule, quiet] = [theme.css("--rule"), theme.css("--quiet")];
  /** @param {keyof typeof AXES} side @param {Axis} axis @param {string} transform @param {number} across */
  const put = (side, { scale, ticks, write }, transform, across) => {
    const axis = AXES[side](scale).tickSizeOuter(0).tickSizeInner(-across).tickPadding(7);
    if (ticks) axis.tickValues(ticks);
    if (write) axis.tickFormat(write);
    const group = select(svg).append("g").attr("transform", transform).attr("class", `axis is-${String(side)}`).call(axis).attr("font-family", null).attr("font-size", 11);
    group.selectAll("line, path").attr("stroke", rule);
    group.selectAll("text").attr("fill", quiet);
  };
  put(at, x, `translate(0,${at === "top" ? top : bottom})`, bottom - top);
  if (y.scale) put("left", y, `translate(${left},0)`, right - left);
  const title = { fill: quiet, "font-size": 12 };
  if (x.title) svg.append(shape("text", { ...title, x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle" }, x.title));
  if (y.title) svg.append(shape("text", { ...title, transform: `translate(${left - 38},${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, y.title));
}

const PICTURE = { inset: 16, title: 20, line: 16, strip: 320, stripHeight: 10, resolution: 2 };

/** Text in lines no wider than so many pixels; what has no space, such as an address, is cut where it must be. */
function noteLines(text, width) {
  const size = width / 11;
  const cut = text.replace(/\S{60,}/g, (word) => word.replace(/.{1,50}/g, "$& ").trim());
  return wrapped(cut, size) || [text];
}

/** The fillings of hatched tiles, which the page has outside of the drawing. */
const fillings = () => [...document.querySelectorAll("svg pattern")].map((pattern) => pattern.cloneNode(true));

/**
 * A picture of a drawn chart (an SVG) that can stand alone: with a title, a legend and notes, none of them cut.
 * @param {HTMLElement} element
 * @param {string} title
 * @param {{colours: string[], low: string, high: string}|null} scale none where the view has another than the layer's
 * @param {string[]} sentences
 */
function pictured(element, title, scale, sentences) {
  const chart = /** @type {SVGSVGElement} */ (element.querySelector("svg").cloneNode(true));
  const width = Math.max(360, Number(chart.getAttribute("width")));
  const { inset } = PICTURE;
  const [ink, quiet] = [theme.css("--ink"), theme.css("--quiet")];
  const heading = wrapped(title, (width - 2 * inset) / PICTURE.title) || [title];
  const notes = sentences.flatMap((note) => noteLines(note, width - 2 * inset));
  let top = inset + heading.length * PICTURE.title * 1.25;
  const parts = [textLines(heading, inset, inset + PICTURE.title * 0.9, PICTURE.title, { fill: ink, "font-weight": 600 })];
  if (scale) {
    const strip = Math.min(PICTURE.strip, width - 2 * inset);
    const step = strip / scale.colours.length;
    parts.push(
      ...scale.colours.map((fill, at) => shape("rect", { x: inset + at * step, y: top + 2, width: step + 0.5, height: PICTURE.stripHeight, fill })),
      shape("text", { x: inset, y: top + 25, "font-size": 11, fill: quiet }, scale.low),
      shape("text", { x: inset + strip, y: top + 25, "text-anchor": "end", "font-size": 11, fill: quiet }, scale.high),
    );
    top += 36;
  }
  chart.setAttribute("y", String(top));
  chart.setAttribute("fill", ink);
  const below = top + Number(chart.getAttribute("height")) + 20;
  const height = below + notes.length * PICTURE.line + 6;
  notes.forEach((note, at) => parts.push(shape("text", { x: inset, y: below + at * PICTURE.line, "font-size": 11, fill: quiet }, note)));
  return shape(
    "svg",
    { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, "font-family": getComputedStyle(document.body).fontFamily, "letter-spacing": SPACING },
    shape("defs", {}, ...fillings()),
    shape("rect", { width, height, fill: theme.css("--paper") }),
    ...parts,
    chart,
  );
}

/** The same as a PNG (data URL). */
export async function picture(element, title, scale, sentences) {
  const svg = pictured(element, title, scale, sentences);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(Number(svg.getAttribute("width")) * PICTURE.resolution);
  canvas.height = Math.round(Number(svg.getAttribute("height")) * PICTURE.resolution);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}
