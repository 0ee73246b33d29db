/**
 * The published data, from columns to records: sets of documents, and the layers that colour them.
 *
 * @typedef {Object} Doc One occupation of a set.
 * @property {number} index @property {string} id @property {string} title @property {string} category
 * @property {number|null} jobs @property {number|null} pay @property {number|null} outlook
 * @property {number|null} education position in the order of all education levels
 * @property {number|null} level position among the levels that its set has
 * @property {Share|null} share
 *
 * @typedef {Object} Share Of what a document's jobs are a part, where several share one figure.
 * @property {string} part such as 1/5 @property {number} jobs the whole figure @property {string} soc whose it is
 *
 * @typedef {Object} Layer What a set can be coloured by.
 * @property {string} id @property {string} title @property {"score"|"attribute"|"figure"} kind
 * @property {(number|null)[]} value one a document @property {Bin[]} bins @property {Bin[]} groups
 * @property {number} low @property {number} high @property {number} step @property {any} documents
 * @property {number} decimals with which its values are written, where they are scores
 * @property {Sure|null} sure how sure its values are; null of figures, parts, and means of scores
 *
 * @typedef {Object} Sure Lists have a value for each document, or null.
 * @property {string[]} notes what the intervals mean, or why there are none
 * @property {boolean} has whether any score has an interval
 * @property {(string|null)[]} method @property {(number|null)[]} answers
 * @property {(number|null)[]} se standard error @property {(number|null)[]} low @property {(number|null)[]} high
 * @property {(number|null)[]} kept percentage of draws in which the tier is kept
 * @property {(number|null)[][]|null} rank its two bounds @property {number[][]} shares threshold, share, bounds
 *
 * @typedef {Object} Bin A stretch of a layer's values: from `low`, up to (`high`, or including it where `isLast`).
 * @property {string} label @property {number} low @property {number} high
 */
import { content, packedFile } from "./content.js";
import * as formats from "./formats.js";

const coded = (column) => column.at.map((at) => (at === null ? null : column.names[at]));

const orderOf = (level) => content.education.indexOf(level);

const shareOf = (share) => share && { part: `${share[0]}/${share[1]}`, jobs: share[2], soc: share[3] };

function readSet(columns) {
  const category = coded(columns.category);
  const education = coded(columns.education).map((level) => (level === null ? null : orderOf(level)));
  const outlookPhrase = coded(columns.outlook_desc);
  const docs = columns.id.map((id, index) => ({
    index,
    id,
    title: columns.title_of[index] || id,
    short: columns.short ? columns.short[index] : null,
    category: category[index],
    jobs: columns.jobs[index],
    change: columns.change[index],
    pay: columns.pay[index],
    payHourly: columns.pay_hourly[index],
    isTopCoded: columns.pay_is_top_coded[index] === 1,
    money: columns.money,
    wages: columns.jobs[index] === null || columns.pay[index] === null ? null : columns.jobs[index] * columns.pay[index],
    education: education[index],
    level: columns.education.at[index],
    experience: null,
    training: null,
    outlook: columns.outlook[index],
    outlookPhrase: outlookPhrase[index],
    soc: columns.soc[index],
    codes: [],
    classifications: Object.entries(columns.classifications || {}).map(([name, codes]) => [name, codes[index]]),
    url: columns.url_pattern ? columns.url_pattern.replace("{id}", id) : null,
    modified: null,
    description: null,
    aliases: [],
    jobZone: columns.job_zone ? columns.job_zone[index] : null,
    openings: columns.openings ? columns.openings[index] : null,
    share: columns.shares ? shareOf(columns.shares[index]) : null,
    sections: [],
  }));
  const hasJobs = docs.some((doc) => doc.jobs > 0);
  for (const doc of docs) doc.area = hasJobs ? doc.jobs || 0 : 1;
  return {
    name: columns.name,
    title: columns.title,
    note: columns.note,
    cut: columns.cut || null,
    link: columns.link,
    is_joined_on: columns.is_joined_on,
    isOwn: columns.is_own === true,
    years: columns.years || {},
    modified: columns.modified || [null, null],
    docs,
    byId: new Map(docs.map((doc) => [doc.id, doc])),
    categories: [...new Set(category)].sort(),
    levels: columns.education.names,
    money: columns.money,
    sources: columns.sources,
    errorGroup: columns.error_group || null,
    indices: new Map(Object.entries(columns.indices || {})),
    files: columns.files || {},
    hasJobs,
    hasShares: docs.some((doc) => doc.share),
    layers: /** @type {Layer[]} */ ([]),
  };
}

export const sets = new Map(content.sets.map((columns) => [columns.name, readSet(columns)]));

const bin = (label, low, high) => ({ label, low, high });

const OUTLOOK_EDGES = [-Infinity, -10, -5, 0, 3, 5, 7, 10, 15, 20, Infinity];
const shortly = (money) => (value) => formats.shortMoney(money, value).replace(/\.0(?=[A-Z]?$)/, "");

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
  const edges = range(0, 10).map((at) => nine(low + (at * span) / 10));
  return range(0, 9).map((at) => bin(`${formats.score(edges[at])} to ${formats.score(edges[at + 1])}`, edges[at], at === 9 ? Infinity : edges[at + 1]));
}

/** To nine decimals, as values and bounds are compared in the ranking: 0.1 + 0.2 is 0.3. */
const nine = (value) => Number(value.toFixed(9));

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const areWholeTiers = (tiers) => tiers.every((tier) => Number.isInteger(tier.low) && Number.isInteger(tier.high));

/**
 * The values of each tier, as in the ranking: where tiers are given in whole numbers those that round to them
 * (halves go up), otherwise from its lower bound up to that of the next tier.
 */
function tierGroups(tiers) {
  if (areWholeTiers(tiers)) return tiers.map((tier) => bin(tier.label, tier.low - 0.5, tier.high + 0.5));
  const lows = tiers.map((tier) => tier.low).sort((a, b) => a - b);
  return tiers.map((tier) => bin(tier.label, tier.low, lows.find((low) => low > tier.low) ?? tier.high + 1e-9));
}

/**
 * Where the threshold stands at first: at seven tenths of the scale, or where a tier begins close to it. Where no
 * value is so high, where the highest tier begins that has any.
 */
function firstThreshold(raw, span, step) {
  const at = rounded(raw.low + 0.7 * span, step);
  const [nearest] = raw.tiers.map((tier) => tier.low).sort((a, b) => Math.abs(a - at) - Math.abs(b - at));
  const first = nearest !== undefined && Math.abs(nearest - at) < 0.1 * span - 1e-9 ? nearest : at;
  const highest = Math.max(...raw.value.filter((value) => value !== null));
  if (highest >= first - 1e-9) return first;
  return Math.max(...raw.tiers.map((tier) => tier.low).filter((low) => low <= highest + 1e-9), raw.low);
}

/** What a figure needs beside its column. */
function figureScale(layer, documents) {
  if (layer.unit === "percent") {
    const phrases = content.outlook.map((phrase) => ({ label: phrase, has: (doc) => doc.outlookPhrase === phrase }));
    const usesPhrases = documents.docs.some((doc) => doc.outlookPhrase !== null);
    const bins = edgeBins(OUTLOOK_EDGES, formats.percent);
    return { low: -20, high: 20, step: 1, threshold: 5, bins, groups: usesPhrases ? phrases : bins };
  }
  if (layer.unit === "money") {
    const { money } = documents;
    const groups = money.bands.map((band) => bin(band.label, band.low, band.high ?? Infinity));
    const { low, high, step, threshold } = money;
    return { low, high, step, threshold, bins: edgeBins([...money.edges, Infinity], shortly(money)), groups };
  }
  const { levels } = documents;
  const bins = levels.map((name, level) => bin(name, level - 0.5, level + 0.5));
  const degree = orderOf("Bachelor's degree");
  const threshold = degree < 0 ? Math.floor(levels.length / 2) : levels.findIndex((name) => orderOf(name) >= degree);
  return { low: 0, high: levels.length - 1, step: 1, threshold: Math.max(0, threshold), bins, groups: bins };
}

/** The least share of draws, in percent, in which a tier that is called sure is kept. */
export const SURE_TIER = 80;

function readSure(raw) {
  if (!raw.sure) return null;
  const each = (given) => raw.value.map((value, at) => (value === null || given === null || given === undefined ? null : Array.isArray(given) ? given[at] : given));
  const { sure, value } = raw;
  const half = each(sure.half);
  const method = sure.method && sure.method.names ? coded(sure.method) : sure.method;
  return {
    notes: sure.notes,
    has: half.some((width) => width !== null),
    method: each(method),
    answers: each(sure.answers),
    se: each(sure.se),
    low: half.map((width, at) => (width === null ? null : Math.max(raw.low, value[at] - width))),
    high: half.map((width, at) => (width === null ? null : Math.min(raw.high, value[at] + width))),
    kept: each(sure.kept),
    rank: sure.rank ? sure.rank.map(each) : null,
    shares: sure.shares || [],
  };
}

/**
 * The bounds of a value's interval, or null where it has none.
 * @returns {[number, number]|null}
 */
export function intervalOf(layer, doc) {
  const low = layer.sure ? layer.sure.low[doc.index] : null;
  return low === null || low === undefined ? null : [low, layer.sure.high[doc.index]];
}

/** Whether a document's tier may as well be another: null where nothing says so. */
export function isUnsure(layer, doc) {
  const kept = layer.sure && layer.hasTiers ? layer.sure.kept[doc.index] : null;
  return kept === null || kept === undefined ? null : kept < SURE_TIER;
}

function readLayer(raw) {
  const documents = sets.get(raw.set);
  if (raw.kind === "figure") {
    const value = documents.docs.map((doc) => (raw.unit === "education" ? doc.level : doc[raw.column]));
    return { ...raw, documents, value, answers: [], sure: null, ...figureScale(raw, documents) };
  }
  const span = raw.high - raw.low;
  const areWhole = raw.value.every((value) => value === null || Number.isInteger(value));
  const bins = scoreBins(raw.low, raw.high, areWhole);
  const step = areWhole || span > 20 ? 1 : span >= 4 ? 0.1 : span / 100;
  return {
    ...raw,
    documents,
    answers: raw.answers || [],
    sure: readSure(raw),
    bins,
    groups: raw.tiers.length ? tierGroups(raw.tiers) : bins,
    hasTiers: raw.tiers.length > 0,
    hasWholeTiers: areWholeTiers(raw.tiers),
    step,
    // a mean of scores needs one more than they have: 1.97 is not yet in the tier that begins at 2
    decimals: areWhole ? 0 : span <= 1 ? 3 : raw.range ? 2 : 1,
    threshold: firstThreshold(raw, span, step),
  };
}

const rounded = (value, step) => Number((Math.round(value / step) * step).toFixed(6));

export const layers = content.layers.map(readLayer);
export const layerById = new Map(layers.map((layer) => [layer.id, layer]));
/** A layer with what it has of the one whose answers it shows. */
function finished(layer) {
  layer.owner = layerById.get(layer.answers_of) || layer;
  const { answers, answered_by, rationale, status, asked } = layer.owner;
  Object.assign(layer, { answers, answered_by, rationale, status, asked });
  layer.isBaseline = answers.some((answer) => answer.scorer === "baseline");
  return layer;
}
for (const layer of layers) layer.documents.layers.push(finished(layer));

/** For each set a mix of its layers, which is empty until `mix.js` weighs them: an address can name it. */
for (const documents of sets.values()) {
  const mix = { id: documents.is_joined_on ? "mix" : `mix-${documents.name}`, set: documents.name, kind: "score", family: "score", title: "Your own mix", description: "", low: 0, high: 10, tiers: [], value: documents.docs.map(() => null), isMix: true };
  layerById.set(mix.id, finished(readLayer(mix)));
}

/** Gives a layer other values, and all that follows from them. */
export function renew(layer, changes) {
  Object.assign(layer, finished(readLayer({ ...layer, ...changes })), { owner: layer });
}

/** Whether a group of a layer holds a document (groups by phrase) or its value. */
export const holds = (group, doc, value) => (group.has ? group.has(doc) : value !== null && value >= group.low && value < group.high);

/** Who gave a layer's value of a document, or null for a figure. */
export function answerOf(layer, doc) {
  const at = layer.answered_by ? layer.answered_by[doc.index] : null;
  return at === null || at === undefined ? null : layer.answers[at];
}

/** The tier's name of a document's value, where the layer has tiers. */
export function groupOf(layer, doc) {
  const value = layer.value[doc.index];
  return layer.groups.find((group) => holds(group, doc, value)) || null;
}

/** At or above, with the tolerance that rankings use. */
export const reaches = (value, threshold) => value !== null && Math.round(value * 1e9) >= Math.round(threshold * 1e9);

/** What `more.js` says of the sets' documents. */
function complete(documents, columns) {
  const given = Object.fromEntries(Object.entries({ experience: "experience", training: "training", modified: "modified_at" }).map(([key, name]) => [key, columns[name] ? coded(columns[name]) : null]));
  for (const doc of documents.docs) {
    for (const key in given) if (given[key]) doc[key] = given[key][doc.index];
    if (columns.codes) doc.codes = columns.codes[doc.index];
    if (columns.url) doc.url ??= columns.url[doc.index];
    if (columns.description) doc.description = columns.description[doc.index];
    if (columns.aliases) doc.aliases = columns.aliases[doc.index];
    const items = (at, names) => at[doc.index].map((place) => (place < 0 ? { name: documents.docs[-1 - place].title, id: documents.docs[-1 - place].id } : { name: names[place], id: null }));
    if (columns.sections) doc.sections = columns.sections.map(({ title, names, at }) => ({ title, items: items(at, names) })).filter((section) => section.items.length);
  }
}

let completed = null;

/** Whether reasons, other names and the like are there. */
export let isComplete = false;

/** Columns of `more.js`, or of one of the files that it names. */
function take(found) {
  for (const [name, columns] of Object.entries(found.sets)) complete(sets.get(name), columns);
  for (const [id, columns] of Object.entries(found.layers)) {
    const { changes, ...own } = columns;
    const layer = layerById.get(id);
    Object.assign(layer, own);
    if (changes) Object.assign(layer.changes, changes);
  }
}

/**
 * Reasons, other names and the like, once somebody wants them; where their file is missing the page does without.
 * @returns {Promise<void>}
 */
export function more() {
  completed ||= packedFile("more.js", "packedMore")
    .then(async (found) => {
      take(found);
      for (const file of found.parts || []) take(await packedFile(file, "packedMore"));
      for (const layer of layers) if (layer.owner !== layer) Object.assign(layer, { rationale: layer.owner.rationale, asked: layer.owner.asked });
      isComplete = true;
    })
    .catch(() => {});
  return completed;
}
