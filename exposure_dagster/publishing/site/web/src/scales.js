/**
 * Colours. Every scale runs evenly from light to dark (by day) or dark to light (by night), so that it can be read
 * without telling hues apart; the one with a middle uses orange and blue, which no common colour blindness confuses.
 */
import * as theme from "./theme.js";

const STOPS = {
  score: {
    light: ["#f5eed2", "#aed1ae", "#5fada5", "#2f7a95", "#284b7e", "#231f52"],
    dark: ["#2b2f57", "#2c5480", "#2f7e92", "#58ab9f", "#a9d0a6", "#f5ecbf"],
  },
  resilience: {
    light: ["#f5ead7", "#ecc78f", "#d69a4f", "#a96c2c", "#72431c", "#3f2210"],
    dark: ["#3a2a1e", "#63422a", "#946234", "#c28a48", "#e4b878", "#f8e8c8"],
  },
  money: {
    light: ["#f4ebf1", "#dcb9d3", "#b982b5", "#8b4f94", "#5b2a6c", "#2e1140"],
    dark: ["#33233d", "#573566", "#84508f", "#b078b3", "#d4abd0", "#f5e4f0"],
  },
  education: {
    light: ["#eff1dc", "#c5d8a5", "#8fb97a", "#56945c", "#2c6a49", "#123b30"],
    dark: ["#21342c", "#2c5544", "#427c5a", "#71a472", "#aecb98", "#eef2d2"],
  },
  percent: {
    light: ["#7d3405", "#c46a1e", "#ecb677", "#f1eee7", "#93bedb", "#3d84b8", "#0f4c7f"],
    dark: ["#ffb866", "#cf7a2f", "#7c4a24", "#3b3e42", "#2b5877", "#4492c6", "#93d1ff"],
  },
};
const UNKNOWN = { light: "#dddad2", dark: "#33373c" };
const PAPER = { light: "#fbfaf6", dark: "#15181b" };

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const toHex = (rgb) => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
const linear = (part) => (part <= 10.31475 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4);
const mixed = (from, to, share) => toHex(channels(from).map((part, at) => part + (channels(to)[at] - part) * share));

/** Relative luminance of a colour (WCAG 2). */
export function luminance(hex) {
  const [red, green, blue] = channels(hex).map(linear);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Black or white, whichever reads better on a colour: at least 4.5 to 1 on any. */
export const inkOn = (hex) => (luminance(hex) > 0.179 ? "#000000" : "#ffffff");

const mode = () => (theme.isDark() ? "dark" : "light");

const stopsOf = (layer) => STOPS[layer.unit || layer.family || "score"][mode()];

/** Where a value lies on its scale, 0 to 1; pay by its logarithm. */
export function position(layer, value) {
  const at =
    layer.unit === "money"
      ? Math.log(Math.max(value, 1) / layer.low) / Math.log(layer.high / layer.low)
      : (value - layer.low) / (layer.high - layer.low || 1);
  return Math.min(1, Math.max(0, at));
}

/** The colour of a value of a layer, as #rrggbb. */
export function colour(layer, value) {
  if (value === null || value === undefined) return UNKNOWN[mode()];
  const stops = stopsOf(layer);
  const at = position(layer, value) * (stops.length - 1);
  const index = Math.min(Math.floor(at), stops.length - 2);
  return mixed(stops[index], stops[index + 1], at - index);
}

/** A colour that steps back: what the filters or the threshold leave out. */
export const faded = (hex) => mixed(hex, PAPER[mode()], 0.86);

/** A colour that steps back less, where it stands alone: a bar below the threshold. */
export const paled = (hex) => mixed(hex, PAPER[mode()], 0.6);

/** A value that stands for a bin or group. */
export function middle(bin) {
  if (bin.has) return null;
  if (!Number.isFinite(bin.low)) return bin.high - 1;
  if (!Number.isFinite(bin.high)) return bin.low;
  return (bin.low + bin.high) / 2;
}

/** The value at a place on a layer's scale, 0 to 1. */
const valueAt = (layer, at) => (layer.unit === "money" ? layer.low * (layer.high / layer.low) ** at : layer.low + at * (layer.high - layer.low));

/** The scale as that many colours, from its lowest value to its highest. */
export const strip = (layer, count) => Array.from({ length: count }, (_, index) => colour(layer, valueAt(layer, index / (count - 1))));
