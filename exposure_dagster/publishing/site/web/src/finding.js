/**
 * The finding: what the shown layer says of the jobs at or above the threshold, in one sentence. The sentence of the
 * first layer is written into the page when it is published (opening.py), in the same words.
 */
import * as figures from "./figures.js";
import * as formats from "./formats.js";

const NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
const PARTS = [
  [1, 4],
  [3, 10],
  [1, 3],
  [2, 5],
  [1, 2],
  [3, 5],
  [2, 3],
  [7, 10],
  [3, 4],
  [4, 5],
  [9, 10],
];

const word = (number) => NUMBERS[number] ?? String(number);

/** A share in words: one in four. */
export function shareInWords(share) {
  if (share >= 0.995) return "all";
  if (share > 0.95) return "nearly all";
  if (share < 0.225) return `one in ${word(Math.round(1 / share))}`;
  const [part, whole] = PARTS.reduce((best, one) => (Math.abs(one[0] / one[1] - share) < Math.abs(best[0] / best[1] - share) ? one : best));
  return part * 2 === whole ? "half" : `${word(part)} in ${word(whole)}`;
}

/** What those at or above the threshold are or do. */
function claim(layer, at, isOne) {
  const bound = formats.bound(layer, at);
  if (layer.unit === "money") return `${isOne ? "has" : "have"} median pay of ${bound} or more`;
  if (layer.unit === "education") return `typically ${isOne ? "needs" : "need"} at least: ${bound}`;
  if (layer.unit === "percent") return at > 0 ? `${isOne ? "is" : "are"} projected to grow by ${formats.score(at)}% or more` : `${isOne ? "is" : "are"} projected to change by ${formats.percent(at)} or more`;
  return `${isOne ? "scores" : "score"} ${bound} or higher`;
}

/** @returns {string} */
export function finding(layer, matches, chosen) {
  const at = chosen ?? layer.threshold;
  const above = figures.atOrAbove(layer, matches, at);
  const { hasJobs } = layer.documents;
  const [part, whole] = hasJobs ? [above.jobs, figures.jobs(matches)] : [above.documents, matches.length];
  const unit = hasJobs ? "jobs" : part === 1 ? "occupation" : "occupations";
  if (!part) return `No ${hasJobs ? "jobs" : "occupation"} ${claim(layer, at, !hasJobs)}`;
  const isFiltered = matches.length < layer.documents.docs.length;
  return `${hasJobs ? formats.long(part) : formats.count(part)} ${unit}, ${shareInWords(part / whole)}${isFiltered ? " of those shown" : ""}, ${claim(layer, at, !hasJobs && part === 1)}`;
}

const VIEWS_OF_POINTS = ["bubble", "outlook", "quadrants", "compare"];

/** What a tile, its area and its colour mean; a point or a bar, where the view has these. */
export function lead(layer, view) {
  const { hasJobs, hasShares, years } = layer.documents;
  if (VIEWS_OF_POINTS.includes(view.id)) return `Each point is an occupation${hasJobs ? `, its size the jobs${years.base ? ` in ${years.base}` : ""}` : ""}; its colour: ${layer.title}.`;
  if (view.id === "ranked") return `Each bar is an occupation, its length and colour: ${layer.title}.`;
  if (view.id !== "map") return layer.description || layer.title;
  const area = hasJobs ? `its area the ${hasShares ? "jobs (an equal share of those of its SOC row)" : "jobs"}${years.base ? ` in ${years.base}` : ""}` : "all of the same area";
  return `Each tile is an occupation, ${area}; its colour: ${layer.title}.`;
}
