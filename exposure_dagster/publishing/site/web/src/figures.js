/**
 * The figures of a layer over a list of documents. Pure functions; the same rules as the published summaries.
 */
import { content } from "./content.js";
import * as store from "./store.js";

export const sum = (docs, of) => docs.reduce((total, doc) => total + (of(doc) || 0), 0);
export const jobs = (docs) => sum(docs, (doc) => doc.jobs);
export const wages = (docs) => sum(docs, (doc) => doc.wages);

/** Documents, jobs, wages, plain and job-weighted mean of the layer's values. */
export function totals(layer, docs) {
  const scored = docs.filter((doc) => layer.value[doc.index] !== null);
  const weighted = scored.filter((doc) => doc.jobs > 0);
  const weight = jobs(weighted);
  return {
    documents: docs.length,
    scored: scored.length,
    jobs: jobs(docs),
    wages: wages(docs),
    mean: scored.length ? sum(scored, (doc) => layer.value[doc.index]) / scored.length : null,
    weightedMean: weight > 0 ? sum(weighted, (doc) => layer.value[doc.index] * doc.jobs) / weight : null,
    error: meanError(layer, scored, () => 1),
    weightedError: meanError(layer, weighted, (doc) => doc.jobs),
  };
}

/** How much errors within a SOC major group are taken to go together, as in the published summaries. */
const CORRELATION = 0.2;
const Z90 = 1.6448536;

/** Members by the group within which errors go together. */
function byErrorGroup(layer, docs) {
  const groups = new Map();
  for (const doc of docs) {
    const name = layer.documents.errorGroup[doc.index];
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(doc);
  }
  return [...groups.values()];
}

const hasErrors = (layer, docs) => Boolean(layer.sure && layer.documents.errorGroup && docs.length && docs.every((doc) => layer.sure.se[doc.index] !== null));

/** Half the width of the 90 % interval of a weighted mean; null where a score has no error. */
function meanError(layer, weighted, weightOf) {
  if (!hasErrors(layer, weighted)) return null;
  const weight = sum(weighted, weightOf);
  const part = (doc) => (weightOf(doc) / weight) * layer.sure.se[doc.index];
  const alone = sum(weighted, (doc) => part(doc) ** 2);
  const together = byErrorGroup(layer, weighted).reduce((total, group) => total + sum(group, part) ** 2, 0);
  return Z90 * Math.sqrt((1 - CORRELATION) * alone + CORRELATION * together);
}

/** The normal distribution function (Abramowitz and Stegun 7.1.26, to 1e-7). */
function normal(z) {
  const t = 1 / (1 + 0.3275911 * Math.abs(z / Math.SQRT2));
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp((-z * z) / 2);
  return z >= 0 ? 1 - tail / 2 : tail / 2;
}

/** What errors have in common within a group, in nine equal parts of a normal distribution. */
const COMMON = [-1.5932, -0.9674, -0.5895, -0.2822, 0, 0.2822, 0.5895, 0.9674, 1.5932];

/**
 * The share of the jobs that is expected at or above a threshold, as sure as each score is, with its 90 % interval.
 * Of all documents at a published threshold it is what the published summaries say; elsewhere the interval is that
 * of a normal distribution with the share's variance. Null where a score has no error.
 */
export function expectedShare(layer, docs, threshold) {
  const weighted = docs.filter((doc) => doc.jobs > 0 && layer.value[doc.index] !== null);
  if (!hasErrors(layer, weighted)) return null;
  const published = docs.length === layer.documents.docs.length && layer.sure.shares.find(([at]) => Math.abs(at - threshold) < 1e-9);
  if (published) return { value: published[1], low: published[2], high: published[3] };
  const weight = jobs(weighted);
  let [value, variance] = [0, 0];
  for (const group of byErrorGroup(layer, weighted)) {
    const means = COMMON.map((common) => {
      let mean = 0;
      for (const doc of group) {
        const se = layer.sure.se[doc.index];
        const above = layer.value[doc.index] + Math.sqrt(CORRELATION) * se * common - threshold;
        const p = se > 0 ? normal(above / (se * Math.sqrt(1 - CORRELATION))) : Number(above >= -1e-9);
        const share = doc.jobs / weight;
        mean += share * p;
        variance += (share ** 2 * p * (1 - p)) / COMMON.length;
      }
      return mean;
    });
    const middle = means.reduce((total, mean) => total + mean, 0) / means.length;
    value += middle;
    variance += means.reduce((total, mean) => total + (mean - middle) ** 2, 0) / means.length;
  }
  const half = Z90 * Math.sqrt(variance);
  return { value, low: Math.max(0, value - half), high: Math.min(1, value + half) };
}

/** What lies at or above a threshold. */
export function atOrAbove(layer, docs, threshold) {
  const above = docs.filter((doc) => store.reaches(layer.value[doc.index], threshold));
  return { documents: above.length, jobs: jobs(above), wages: wages(above), growing: growing(above), declining: declining(above) };
}

export const growing = (docs) => jobs(docs.filter((doc) => doc.outlook > 0));
export const declining = (docs) => jobs(docs.filter((doc) => doc.outlook < 0));

/** Jobs (or documents, where the set has none) in each bin. */
export function histogram(layer, docs, bins) {
  return bins.map((bin) => {
    const members = docs.filter((doc) => store.holds(bin, doc, layer.value[doc.index]));
    return { bin, documents: members.length, jobs: jobs(members), area: sum(members, (doc) => doc.area) };
  });
}

/**
 * The documents divided by something else than the layer: a row a group that has any, those without it last.
 * @param {{label: string, has: (doc: any) => boolean}[]} groups
 */
export function by(layer, docs, groups, unknownLabel) {
  const rows = groups.map((group) => ({ label: group.label, members: docs.filter(group.has) }));
  const placed = new Set(rows.flatMap((row) => row.members));
  rows.push({ label: unknownLabel, members: docs.filter((doc) => !placed.has(doc)) });
  return rows
    .filter((row) => row.members.length)
    .map((row) => ({ label: row.label, ...totals(layer, row.members), area: sum(row.members, (doc) => doc.area) }));
}

export const payGroups = (money) =>
  money.bands.map((band) => ({
    label: band.label,
    has: (doc) => doc.pay !== null && doc.pay >= band.low && (band.high === null || doc.pay < band.high),
  }));

export const educationGroups = () => content.education.map((label, level) => ({ label, has: (doc) => doc.education === level }));

/** The value that half of the jobs lie below: for layers whose values have an order but no distance. */
export function medianByJobs(layer, docs) {
  const known = docs.filter((doc) => layer.value[doc.index] !== null).sort((a, b) => layer.value[a.index] - layer.value[b.index]);
  const half = sum(known, (doc) => doc.area) / 2;
  let passed = 0;
  for (const doc of known) {
    passed += doc.area;
    if (passed >= half) return layer.value[doc.index];
  }
  return null;
}

/** Ranks from 1 for the highest; ties share the lowest number. Null without a value. */
export function ranks(values) {
  const sorted = values.filter((value) => value !== null).sort((a, b) => b - a);
  const first = new Map();
  sorted.forEach((value, index) => first.has(value) || first.set(value, index + 1));
  return values.map((value) => (value === null ? null : first.get(value)));
}

/** Share of known values that are lower or equal, 0 to 1. */
export function percentiles(values) {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const last = new Map();
  sorted.forEach((value, index) => last.set(value, (index + 1) / sorted.length));
  return values.map((value) => (value === null ? null : last.get(value)));
}

/** Spearman's rank correlation of two lists of numbers, ties by their mean rank; null below three pairs. */
export function rankCorrelation(left, right) {
  if (left.length < 3) return null;
  const [a, b] = [meanRanks(left), meanRanks(right)];
  const middle = (left.length + 1) / 2;
  let [both, ofA, ofB] = [0, 0, 0];
  for (let at = 0; at < a.length; at += 1) {
    both += (a[at] - middle) * (b[at] - middle);
    ofA += (a[at] - middle) ** 2;
    ofB += (b[at] - middle) ** 2;
  }
  return ofA > 0 && ofB > 0 ? both / Math.sqrt(ofA * ofB) : null;
}

function meanRanks(values) {
  const order = values.map((value, index) => index).sort((a, b) => values[a] - values[b]);
  const result = new Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end + 1 < order.length && values[order[end + 1]] === values[order[start]]) end += 1;
    for (let at = start; at <= end; at += 1) result[order[at]] = (start + end) / 2 + 1;
    start = end + 1;
  }
  return result;
}
