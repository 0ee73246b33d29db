/**
 * The published data, from columns to records: sets of documents, and the layers that colour them.
 *
 * @typedef {Object} Doc One occupation of a set.
 * @property {number} index @property {string} id @property {string} title @property {string} category
 * @property {number|null} jobs @property {number|null} pay @property {number|null} outlook
 * @property {number|null} education position in the order of education levels
 *
 * @typedef {Object} Layer What a set can be coloured by.
 * @property {string} id @property {string} title @property {"score"|"attribute"|"figure"} kind
 * @property {(number|null)[]} value one a document @property {Bin[]} bins @property {Bin[]} groups
 * @property {number} low @property {number} high @property {number} step @property {DocSet} documents
 *
 * @typedef {Object} Bin A stretch of a layer's values: from `low`, up to (`high`, or including it where `isLast`).
 * @property {string} label @property {number} low @property {number} high
 */
site.store = (() => {
  const { content } = site;

  const coded = (column) => column.at.map((at) => (at === null ? null : column.names[at]));

  /** Positions in the fixed order of education levels; levels that the order lacks come after it. */
  function educationLevels(column) {
    const names = coded(column);
    for (const name of column.names) if (!content.education.includes(name)) content.education.push(name);
    return names.map((name) => (name === null ? null : content.education.indexOf(name)));
  }

  function readSet(columns) {
    const category = coded(columns.category);
    const education = educationLevels(columns.education);
    const experience = coded(columns.experience);
    const training = coded(columns.training);
    const outlookPhrase = coded(columns.outlook_desc);
    const modifiedAt = coded(columns.modified_at);
    const docs = columns.id.map((id, index) => ({
      index,
      id,
      title: columns.title_of[index] || id,
      category: category[index],
      jobs: columns.jobs[index],
      change: columns.change[index],
      pay: columns.pay[index],
      payHourly: columns.pay_hourly[index],
      isTopCoded: columns.pay_is_top_coded[index] === 1,
      wages: columns.jobs[index] === null || columns.pay[index] === null ? null : columns.jobs[index] * columns.pay[index],
      education: education[index],
      experience: experience[index],
      training: training[index],
      outlook: columns.outlook[index],
      outlookPhrase: outlookPhrase[index],
      soc: columns.soc[index],
      codes: columns.codes[index],
      url: columns.url_pattern ? columns.url_pattern.replace("{id}", id) : columns.url[index],
      modified: modifiedAt[index],
      description: columns.description ? columns.description[index] : null,
      aliases: columns.aliases ? columns.aliases[index] : [],
      jobZone: columns.job_zone ? columns.job_zone[index] : null,
      openings: columns.openings ? columns.openings[index] : null,
    }));
    const hasJobs = docs.some((doc) => doc.jobs > 0);
    for (const doc of docs) doc.area = hasJobs ? doc.jobs || 0 : 1;
    return {
      name: columns.name,
      title: columns.title,
      note: columns.note,
      years: columns.years || {},
      modified: columns.modified || [null, null],
      docs,
      byId: new Map(docs.map((doc) => [doc.id, doc])),
      categories: [...new Set(category)].sort(),
      hasJobs,
      layers: /** @type {Layer[]} */ ([]),
    };
  }

  const sets = new Map(content.sets.map((columns) => [columns.name, readSet(columns)]));

  const bin = (label, low, high) => ({ label, low, high });

  const PAY_EDGES = [0, 30e3, 35e3, 40e3, 50e3, 60e3, 75e3, 100e3, 125e3, 150e3, Infinity];
  const OUTLOOK_EDGES = [-Infinity, -10, -5, 0, 3, 5, 7, 10, 15, 20, Infinity];
  const thousands = (value) => `$${value / 1000}K`;

  function edgeBins(edges, write) {
    return edges.slice(0, -1).map((low, index) => {
      const high = edges[index + 1];
      if (!Number.isFinite(low) || low === 0) return bin(`below ${write(high)}`, low, high);
      return bin(Number.isFinite(high) ? `${write(low)} to ${write(high)}` : `${write(low)} and more`, low, high);
    });
  }

  /** A score's histogram: a bin a whole number where the scale has many or the values are whole, otherwise ten. */
  function scoreBins(low, high, areWhole) {
    const span = high - low;
    if (Number.isInteger(low) && Number.isInteger(high) && span <= 20 && (span >= 8 || areWhole)) {
      return range(low, high).map((value) => bin(String(value), value - 0.5, value + 0.5));
    }
    const width = span / 10;
    return range(0, 9).map((at) => {
      const from = low + at * width;
      return bin(`${site.formats.score(from)} to ${site.formats.score(from + width)}`, from, at === 9 ? Infinity : from + width);
    });
  }

  const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

  /** Tiers given in whole numbers cover the values that round to them (halves go up), as in the ranking. */
  function tierGroups(tiers) {
    const areWhole = tiers.every((tier) => Number.isInteger(tier.low) && Number.isInteger(tier.high));
    return tiers.map((tier) => (areWhole ? bin(tier.label, tier.low - 0.5, tier.high + 0.5) : bin(tier.label, tier.low, tier.high + 1e-9)));
  }

  /** What a figure needs beside its column. */
  function figureScale(layer, documents) {
    if (layer.unit === "percent") {
      const phrases = content.outlook.map((phrase) => ({ label: phrase, has: (doc) => doc.outlookPhrase === phrase }));
      const usesPhrases = documents.docs.some((doc) => doc.outlookPhrase !== null);
      const bins = edgeBins(OUTLOOK_EDGES, site.formats.percent);
      return { low: -20, high: 20, step: 1, threshold: 5, bins, groups: usesPhrases ? phrases : bins };
    }
    if (layer.unit === "usd") {
      const groups = content.pay_bands.map((band) => bin(band.label, band.low, band.high ?? Infinity));
      return { low: 20000, high: 200000, step: 1000, threshold: 100000, bins: edgeBins(PAY_EDGES, thousands), groups };
    }
    const bins = content.education.map((name, level) => bin(name, level - 0.5, level + 0.5));
    return { low: 0, high: content.education.length - 1, step: 1, threshold: Math.max(0, content.education.indexOf("Bachelor's degree")), bins, groups: bins };
  }

  function readLayer(raw) {
    const documents = sets.get(raw.set);
    if (raw.kind === "figure") {
      const value = documents.docs.map((doc) => doc[raw.column]);
      return { ...raw, documents, value, answers: [], ...figureScale(raw, documents) };
    }
    const span = raw.high - raw.low;
    const areWhole = raw.value.every((value) => value === null || Number.isInteger(value));
    const bins = scoreBins(raw.low, raw.high, areWhole);
    const step = areWhole || span > 20 ? 1 : span >= 4 ? 0.1 : span / 100;
    return {
      ...raw,
      documents,
      answers: raw.answers || [],
      bins,
      groups: raw.tiers.length ? tierGroups(raw.tiers) : bins,
      hasTiers: raw.tiers.length > 0,
      step,
      threshold: rounded(raw.low + 0.7 * span, step),
    };
  }

  const rounded = (value, step) => Number((Math.round(value / step) * step).toFixed(6));

  const layers = content.layers.map(readLayer);
  const layerById = new Map(layers.map((layer) => [layer.id, layer]));
  for (const layer of layers) {
    layer.documents.layers.push(layer);
    layer.owner = layerById.get(layer.answers_of) || layer;
    const { answers, answered_by, rationale, status, asked } = layer.owner;
    Object.assign(layer, { answers, answered_by, rationale, status, asked });
    layer.isBaseline = answers.some((answer) => answer.scorer === "baseline");
  }

  /** Whether a group of a layer holds a document (groups by phrase) or its value. */
  const holds = (group, doc, value) => (group.has ? group.has(doc) : value !== null && value >= group.low && value < group.high);

  /** Who gave a layer's value of a document, or null for a figure. */
  function answerOf(layer, doc) {
    const at = layer.answered_by ? layer.answered_by[doc.index] : null;
    return at === null || at === undefined ? null : layer.answers[at];
  }

  /** The tier's name of a document's value, where the layer has tiers. */
  function groupOf(layer, doc) {
    const value = layer.value[doc.index];
    return layer.groups.find((group) => holds(group, doc, value)) || null;
  }

  /** At or above, with the tolerance that rankings use. */
  const reaches = (value, threshold) => value !== null && Math.round(value * 1e9) >= Math.round(threshold * 1e9);

  return { sets, layers, layerById, holds, answerOf, groupOf, reaches };
})();
