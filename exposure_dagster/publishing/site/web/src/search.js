/**
 * The search box: titles and their aliases, with suggestions (the combobox pattern of ARIA).
 */
import { packedFile } from "./content.js";
import * as detail from "./detail.js";
import { find, namesOf } from "./names.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { byId, el, fill, folded, foreign } from "./text.js";

/** Names that can be searched, a set's once. */
const indexes = new Map();
let titles = {};

function indexOf(documents) {
  if (!indexes.has(documents.name)) indexes.set(documents.name, namesOf(documents, store.sets.values(), titles));
  return indexes.get(documents.name);
}

let further = null;

/**
 * Other names, and titles of the longer lists, too many for the page's own data: they are fetched when somebody begins
 * to search. Without the longer lists the others are found as before.
 */
function loadFurtherTitles() {
  further ||= Promise.all([store.more(), packedFile("titles.js", "packedTitles").catch(() => ({}))]).then(([, found]) => {
    titles = found;
    indexes.clear();
  });
  return further;
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
  const { found, areNear } = find(indexOf(documents), text);
  shown = found;
  active = -1;
  const list = byId("search-list");
  fill(
    list,
    areNear && shown.length ? el("li", { class: "search-near", role: "presentation" }, "Nothing is called so. These come nearest:") : null,
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
  byId("search-status").textContent = isEmpty ? "" : !shown.length ? "No occupation has such a title" : areNear ? "Nothing is called so; these come nearest" : `${shown.length} suggestions`;
  byId("search-status").classList.toggle("is-visible", !isEmpty && shown.length === 0);
}

function mark(index) {
  active = (index + shown.length) % shown.length;
  [...byId("search-list").querySelectorAll('[role="option"]')].forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
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
    } else if (event.key === "Enter" && input.value) {
      // the other names may be on their way still
      loadFurtherTitles().then(() => {
        open(documents(), input.value);
        if (shown.length) choose(0);
      });
    } else if (event.key === "Escape" && (shown.length || input.value)) {
      if (!shown.length) input.value = "";
      close();
      byId("search-status").textContent = "";
      byId("search-status").classList.remove("is-visible");
    } else return;
    event.preventDefault();
  });
}
