/**
 * The figures of a layer over a list of documents. Pure functions; the same rules as the published summaries.
 */
site.figures = (() => {
  const { store } = site;

  const sum = (docs, of) => docs.reduce((total, doc) => total + (of(doc) || 0), 0);
  const jobs = (docs) => sum(docs, (doc) => doc.jobs);
  const wages = (docs) => sum(docs, (doc) => doc.wages);

  /** Documents, jobs, wages, plain and job-weighted mean of the layer's values. */
  function totals(layer, docs) {
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
    };
  }

  /** What lies at or above a threshold. */
  function atOrAbove(layer, docs, threshold) {
    const above = docs.filter((doc) => store.reaches(layer.value[doc.index], threshold));
    return { documents: above.length, jobs: jobs(above), wages: wages(above), growing: growing(above), declining: declining(above) };
  }

  const growing = (docs) => jobs(docs.filter((doc) => doc.outlook > 0));
  const declining = (docs) => jobs(docs.filter((doc) => doc.outlook < 0));

  /** Jobs (or documents, where the set has none) in each bin. */
  function histogram(layer, docs, bins) {
    return bins.map((bin) => {
      const members = docs.filter((doc) => store.holds(bin, doc, layer.value[doc.index]));
      return { bin, documents: members.length, jobs: jobs(members), area: sum(members, (doc) => doc.area) };
    });
  }

  /**
   * The documents divided by something else than the layer: a row a group that has any, those without it last.
   * @param {{label: string, has: function(Doc): boolean}[]} groups
   */
  function by(layer, docs, groups, unknownLabel) {
    const rows = groups.map((group) => ({ label: group.label, members: docs.filter(group.has) }));
    const placed = new Set(rows.flatMap((row) => row.members));
    rows.push({ label: unknownLabel, members: docs.filter((doc) => !placed.has(doc)) });
    return rows
      .filter((row) => row.members.length)
      .map((row) => ({ label: row.label, ...totals(layer, row.members), area: sum(row.members, (doc) => doc.area) }));
  }

  const payGroups = (money) =>
    money.bands.map((band) => ({
      label: band.label,
      has: (doc) => doc.pay !== null && doc.pay >= band.low && (band.high === null || doc.pay < band.high),
    }));

  const educationGroups = () => site.content.education.map((label, level) => ({ label, has: (doc) => doc.education === level }));

  /** The value that half of the jobs lie below: for layers whose values have an order but no distance. */
  function medianByJobs(layer, docs) {
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
  function ranks(values) {
    const sorted = values.filter((value) => value !== null).sort((a, b) => b - a);
    const first = new Map();
    sorted.forEach((value, index) => first.has(value) || first.set(value, index + 1));
    return values.map((value) => (value === null ? null : first.get(value)));
  }

  /** Share of known values that are lower or equal, 0 to 1. */
  function percentiles(values) {
    const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
    const last = new Map();
    sorted.forEach((value, index) => last.set(value, (index + 1) / sorted.length));
    return values.map((value) => (value === null ? null : last.get(value)));
  }

  /** Spearman's rank correlation of two lists of numbers, ties by their mean rank; null below three pairs. */
  function rankCorrelation(left, right) {
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

  return { sum, jobs, wages, totals, atOrAbove, growing, declining, histogram, by, payGroups, educationGroups, medianByJobs, ranks, percentiles, rankCorrelation };
})();
