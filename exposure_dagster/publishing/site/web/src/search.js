/**
 * The search box: titles and their aliases, with suggestions (the combobox pattern of ARIA).
 */
import { packedFile } from "./content.js";
import * as detail from "./detail.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { byId, el, fill, foreign, folded } from "./text.js";

const MOST = 12;

/** Names that can be searched, a set's once: [folded name, name, document, is alias]. */
const indexes = new Map();

function indexOf(documents) {
  if (!indexes.has(documents.name)) {
    const names = documents.docs.flatMap((doc) => [
      { key: folded(doc.title), name: doc.title, doc, isAlias: false },
      ...doc.aliases.map((alias) => ({ key: folded(alias), name: alias, doc, isAlias: true })),
    ]);
    indexes.set(documents.name, names);
  }
  return indexes.get(documents.name);
}

let further = null;

/**
 * Other names, and titles of the longer lists, too many for the page's own data: they are fetched when somebody begins
 * to search. Without the longer lists the others are found as before.
 */
function loadFurtherTitles() {
  further ||= Promise.all([store.more(), packedFile("titles.js", "packedTitles").catch(() => ({}))]).then(([, titles]) => {
    indexes.clear();
    for (const documents of store.sets.values()) {
      const names = indexOf(documents);
      (titles[documents.name] || []).forEach((of, index) => of.forEach((name) => names.push({ key: folded(name), name, doc: documents.docs[index], isAlias: true })));
    }
  });
  return further;
}

/** How well a name fits, 0 best: the whole name, whole words (also as plurals), its beginning, beginnings of words, anywhere. */
function quality(entry, wanted, words) {
  if (entry.key === wanted) return 0;
  const padded = ` ${entry.key} `;
  if (words.every((word) => padded.includes(` ${word} `) || padded.includes(` ${word}s `))) return 1;
  if (entry.key.startsWith(wanted)) return 2;
  if (words.every((word) => padded.includes(` ${word}`))) return 3;
  return words.every((word) => entry.key.includes(word)) ? 4 : null;
}

const byFit = (a, b) => a.fit - b.fit || a.isAlias - b.isAlias || b.doc.area - a.doc.area || a.key.length - b.key.length || (a.key < b.key ? -1 : 1);

/** The best names for a text, a document once. */
export function suggestions(documents, text) {
  const wanted = folded(text);
  if (!wanted) return [];
  const words = wanted.split(" ");
  const found = [];
  for (const entry of indexOf(documents)) {
    const fit = quality(entry, wanted, words);
    if (fit !== null) found.push({ ...entry, fit });
  }
  found.sort(byFit);
  const seen = new Set();
  return found.filter((entry) => !seen.has(entry.doc) && seen.add(entry.doc)).slice(0, MOST);
}

let shown = [];
let active = -1;

function close() {
  byId("search-list").hidden = true;
  byId("search").setAttribute("aria-expanded", "false");
  byId("search").removeAttribute("aria-activedescendant");
  shown = [];
  active = -1;
}

function open(documents, text) {
  shown = suggestions(documents, text);
  active = -1;
  const list = byId("search-list");
  fill(
    list,
    ...shown.map((entry, index) =>
      el(
        "li",
        { id: `search-option-${index}`, role: "option", "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => choose(index) },
        foreign(entry.name),
        entry.isAlias ? el("span", { class: "search-page" }, " in ", foreign(entry.doc.title)) : null,
      ),
    ),
  );
  const isEmpty = folded(text) === "";
  list.hidden = isEmpty || shown.length === 0;
  byId("search").setAttribute("aria-expanded", String(!list.hidden));
  byId("search").removeAttribute("aria-activedescendant");
  byId("search-status").textContent = isEmpty ? "" : shown.length ? `${shown.length} suggestions` : "No occupation has such a title";
  byId("search-status").classList.toggle("is-visible", !isEmpty && shown.length === 0);
}

function mark(index) {
  active = (index + shown.length) % shown.length;
  [...byId("search-list").children].forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
  const item = byId(`search-option-${active}`);
  item.scrollIntoView({ block: "nearest" });
  byId("search").setAttribute("aria-activedescendant", item.id);
}

function choose(index) {
  const { doc, name } = shown[index];
  byId("search").value = name;
  close();
  detail.open(doc.id, byId("search"));
}

export function start() {
  const input = byId("search");
  const documents = () => store.layerById.get(state.get().layer).documents;
  input.addEventListener("input", () => open(documents(), input.value));
  input.addEventListener("focus", () => {
    if (input.value) open(documents(), input.value);
    loadFurtherTitles().then(() => document.activeElement === input && input.value && open(documents(), input.value));
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!shown.length) open(documents(), input.value);
      if (shown.length) mark(active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1));
    } else if (event.key === "Enter" && shown.length) {
      choose(Math.max(active, 0));
    } else if (event.key === "Escape" && (shown.length || input.value)) {
      if (!shown.length) input.value = "";
      close();
      byId("search-status").textContent = "";
      byId("search-status").classList.remove("is-visible");
    } else return;
    event.preventDefault();
  });
}
