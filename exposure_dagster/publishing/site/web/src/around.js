/**
 * How firm the finding is: between what it lies, as sure as the scores are, and what another threshold would say.
 */
import * as figures from "./figures.js";
import * as formats from "./formats.js";
import { shareInWords } from "./finding.js";

/** The jobs at or above the threshold as a range, where scores have errors: null where they have none. */
export function between(layer, matches, chosen) {
  const expected = layer.documents.hasJobs && layer.sure ? figures.expectedShare(layer, matches, chosen ?? layer.threshold) : null;
  if (!expected) return null;
  const all = figures.jobs(matches.filter((doc) => layer.value[doc.index] !== null));
  return `As sure as the scores are: ${formats.short(expected.low * all)} to ${formats.short(expected.high * all)} jobs`;
}

/** What the finding would be one step of the scale lower and higher: null of figures, whose scales have no such steps. */
export function around(layer, matches, chosen) {
  const { hasJobs } = layer.documents;
  if (layer.kind === "figure" || !matches.length) return null;
  const at = chosen ?? layer.threshold;
  const span = layer.high - layer.low;
  const step = span >= 4 ? 1 : span / 10;
  const whole = hasJobs ? figures.jobs(matches) : matches.length;
  const said = [at - step, at + step]
    .filter((other) => other >= layer.low - 1e-9 && other <= layer.high + 1e-9)
    .map((other) => {
      const above = figures.atOrAbove(layer, matches, other);
      const part = hasJobs ? above.jobs : above.documents;
      const count = hasJobs ? `${formats.short(part)} jobs` : formats.plural(part, "occupation", "occupations");
      return `at ${formats.bound(layer, Number(other.toFixed(6)))} it would be ${part ? `${count} (${shareInWords(part / whole)})` : "none"}`;
    });
  return said.length ? `The threshold decides: ${said.join(", ")}.` : null;
}
