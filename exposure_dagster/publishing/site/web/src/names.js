/**
 * Finding an occupation by a name: exact, by its words, and where none fits by what comes nearest.
 *
 * @typedef {Object} Name A name of a document that can be searched for.
 * @property {string} key folded @property {string} name @property {any} doc @property {boolean} isAlias
 */
import MiniSearch from "minisearch";
import { folded } from "./text.js";

const MOST = 12;

/** How well a name fits, 0 best: the whole name, whole words (also as plurals), its beginning, beginnings of words, anywhere. */
function quality(entry, wanted, words) {
  if (entry.key === wanted) return 0;
  const padded = ` ${entry.key} `;
  if (words.every((word) => padded.includes(` ${word} `) || padded.includes(` ${word}s `))) return 1;
  if (entry.key.startsWith(wanted)) return 2;
  if (words.every((word) => padded.includes(` ${word}`))) return 3;
  return words.every((word) => word.length > 2 && entry.key.includes(word)) ? 4 : null;
}

const byFit = (a, b) => a.fit - b.fit || a.isAlias - b.isAlias || b.doc.area - a.doc.area || a.key.length - b.key.length || (a.key < b.key ? -1 : 1);

/** Each document once, by the name that fits it best. */
function once(found) {
  const seen = new Set();
  return found.filter((entry) => !seen.has(entry.doc) && seen.add(entry.doc)).slice(0, MOST);
}

/** Words that say too little to be what somebody looks for. */
const EMPTY = new Set(["and", "of", "the", "or", "in", "for", "to", "other", "all", "a", "an", "i", "am", "my", "job", "jobs"]);

/** Without the plural's ending, so that a word and its plural are one. */
const stem = (word) => (EMPTY.has(word) ? null : word.length > 3 && word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word);

/** @type {WeakMap<Name[], MiniSearch>} */
const indexes = new WeakMap();

/** Made when first nothing fits: it takes longer than all else here. */
function indexOf(names) {
  let index = indexes.get(names);
  if (!index) {
    index = new MiniSearch({
      fields: ["key"],
      idField: "at",
      tokenize: (text) => text.split(" "),
      processTerm: stem,
      searchOptions: { prefix: (term) => term.length > 2, fuzzy: (term) => (term.length > 7 ? 2 : term.length > 3 ? 1 : false), maxFuzzy: 2 },
    });
    index.addAll(names.map(({ key }, at) => ({ at, key })));
    indexes.set(names, index);
  }
  return index;
}

/**
 * Names that come nearest: typing errors in every word first, then those that share the rarest of the words.
 * @param {Name[]} names
 * @param {string} wanted folded
 */
function nearest(names, wanted) {
  const index = indexOf(names);
  let found = index.search(wanted, { combineWith: "AND" });
  if (!found.length) found = index.search(wanted, { combineWith: "OR" });
  const best = found.length ? found[0].score : 0;
  // a typing error seldom hits the first letter
  const begins = (entry) => ` ${entry.key}`.includes(` ${wanted[0]}`);
  const close = found.filter(({ score }) => score > best / 3).map(({ id, score }) => ({ ...names[id], fit: begins(names[id]) ? -score : -score / 2 }));
  return close.sort(byFit);
}

/**
 * The best names for a text, each document once. `areNear` says that none of them fits.
 * @param {Name[]} names
 * @param {string} text
 * @returns {{found: Name[], areNear: boolean}}
 */
export function find(names, text) {
  const wanted = folded(text);
  if (!wanted) return { found: [], areNear: false };
  const words = wanted.split(" ");
  const fitting = [];
  for (const entry of names) {
    const fit = quality(entry, wanted, words);
    if (fit !== null) fitting.push({ ...entry, fit });
  }
  if (fitting.length || wanted.length < 3) return { found: once(fitting.sort(byFit)), areNear: false };
  return { found: once(nearest(names, wanted)), areNear: true };
}

/**
 * The names of a set's documents: their titles, what they are also called, and those of the documents of other sets
 * that are joined to them by codes.
 * @param {any} documents
 * @param {Iterable<any>} sets
 * @param {Object<string, string[][]>} titles further ones, of each set
 * @returns {Name[]}
 */
export function namesOf(documents, sets, titles) {
  const of = (set, doc) => [...doc.aliases, ...((titles[set.name] || [])[doc.index] || [])];
  const alias = (doc) => (name) => ({ key: folded(name), name, doc, isAlias: true });
  const names = documents.docs.flatMap((doc) => [{ key: folded(doc.title), name: doc.title, doc, isAlias: false }, ...of(documents, doc).map(alias(doc))]);
  const known = new Set(names.map(({ key, doc }) => `${key} ${doc.id}`));
  const add = (doc, name) => {
    const entry = alias(doc)(name);
    if (!known.has(`${entry.key} ${doc.id}`)) known.add(`${entry.key} ${doc.id}`) && names.push(entry);
  };
  const joined = [...sets].filter((other) => other !== documents && other.is_joined_on !== documents.is_joined_on);
  for (const other of joined) {
    // each name of the others that belong to a page; of a page, what it is called in everyday life alone
    for (const [page, member] of documents.is_joined_on ? pairs(documents, other) : pairs(other, documents)) {
      if (documents.is_joined_on) for (const name of [member.title, ...of(other, member)]) add(page, name);
      else for (const name of (titles[other.name] || [])[page.index] || []) add(member, name);
    }
  }
  return names;
}

/** Pages with each document of another set that belongs to them. */
const pairs = (pages, others) => pages.docs.flatMap((page) => page.codes.filter((code) => others.byId.has(code)).map((code) => [page, others.byId.get(code)]));
