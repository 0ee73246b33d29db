/**
 * How figures are written.
 */

export const MISSING = "–";
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** 1234.5 with one decimal: 1,234.5. By hand, since the browser's own formatters take longer to make than the page. */
function fixed(value, decimals) {
  const [whole, part] = Math.abs(value).toFixed(decimals).split(".");
  const isZero = Number(whole) === 0 && !Number(part || 0);
  return `${value < 0 && !isZero ? "−" : ""}${whole.replace(/\B(?=(\d{3})+$)/g, ",")}${part ? `.${part}` : ""}`;
}

/** At most two decimals, without zeros at the end. */
const atMostTwo = (value) => fixed(value, 2).replace(/\.?0+$/, "");

const known = (write) => (value) => (value === null || value === undefined || Number.isNaN(value) ? MISSING : write(value));

export const count = known((value) => fixed(value, 0));
export const score = known(atMostTwo);
export const mean = known((value) => fixed(value, 2));
/** An amount of a set's currency. */
export const money = (of, value, decimals = 0) => (value === null || value === undefined ? MISSING : `${of.sign}${fixed(value, decimals)}`);
export const signed = known((value) => `${value > 0 ? "+" : ""}${atMostTwo(value)}`);
export const percent = known((value) => `${signed(value)}%`);
export const share = known((value) => `${fixed(100 * value, 1)}%`);

/** 49.7M, 12.3K: for headings, where the whole figure is not needed. */
export const short = known((value) => {
  const [size, unit] =
    [
      [1e12, "T"],
      [1e9, "B"],
      [1e6, "M"],
      [1e3, "K"],
    ].find(([least]) => Math.abs(value) >= Number(least) * 0.9995) || [1, ""];
  const scaled = value / Number(size);
  if (size === 1) return fixed(value, 0);
  return `${fixed(scaled, Math.abs(scaled) < 9.995 && Number(size) >= 1e9 ? 2 : 1)}${unit}`;
});

/** 36.8 million, 510,000: where there is room for words. */
export const long = known((value) => {
  const [size, unit] =
    [
      [1e12, "trillion"],
      [1e9, "billion"],
      [1e6, "million"],
    ].find(([least]) => Math.abs(value) >= Number(least) * 0.9995) || [1, ""];
  if (!unit) return fixed(value < 1000 ? value : Number(value.toPrecision(3)), 0);
  return `${fixed(value / Number(size), 1)} ${unit}`;
});

export const shortMoney = (of, value) => `${of.sign}${short(value)}`;

/** Annual pay as the source gives it: a lower bound keeps its mark, an hourly figure stays one. */
export function pay(document_) {
  if (document_.pay !== null) return `${document_.isTopCoded ? "≥ " : ""}${money(document_.money, document_.pay)}`;
  if (document_.payHourly !== null) return `${money(document_.money, document_.payHourly, 2)}/hour`;
  return MISSING;
}

/** 2026-11-22 as November 22, 2026. */
export const date = known((text) => {
  const [year, month, day] = text.split("-").map(Number);
  return `${MONTHS[month - 1]} ${day}, ${year}`;
});

/** A layer's value, with its unit. */
export function value(layer, number) {
  if (number === null || number === undefined) return MISSING;
  if (layer.unit === "percent") return percent(number);
  if (layer.unit === "money") return money(layer.documents.money, number);
  if (layer.unit === "education") return layer.documents.levels[number] ?? MISSING;
  return fixed(number, layer.decimals);
}

/** A place on a layer's scale, such as a threshold: a score there needs no more decimals than it has. */
export const bound = (layer, number) => (layer.unit ? value(layer, number) : score(number));

/** A mean of a layer's scores. */
export const meanOf = (layer, number) => (number === null ? MISSING : fixed(number, Math.max(2, layer.decimals)));

/** A document's jobs, with what they are a share of. */
export const jobs = (document_) =>
  count(document_.jobs) + (document_.jobs !== null && document_.share ? ` (${document_.share.part} of the ${count(document_.share.jobs)} of SOC ${document_.share.soc})` : "");

/** The same where there is little room. */
export function shortValue(layer, number) {
  if (layer.unit === "money" && number !== null) return shortMoney(layer.documents.money, number >= 1000 ? Math.round(number / 1000) * 1000 : number).replace(/\.0(?=[A-Z]?$)/, "");
  return value(layer, number);
}

/** A document's value of a layer; a lower bound of pay keeps its mark. */
export const valueOf = (layer, document_, write = value) =>
  `${layer.unit === "money" && document_.isTopCoded ? "≥ " : ""}${write(layer, layer.value[document_.index])}`;

/** The bounds of an interval; a score of one decimal needs no more here. */
export const interval = (layer, /** @type {number[]} */ [low, high]) => `${fixed(low, Math.max(1, layer.decimals))}–${fixed(high, Math.max(1, layer.decimals))}`;

/** Half the width of an interval of a layer's values. */
export const halfWidth = (layer, half) => `±${fixed(half, Math.max(1, Math.min(2, layer.decimals)))}`;

/** A share as a range, in whole percent. */
export const shareRange = (low, high) => `${Math.round(100 * low)}–${Math.round(100 * high)}%`;

export const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;
