/**
 * Passing on what is shown: a link, the page of the chosen occupation, a frame for other pages, a citation, files.
 */
import { content } from "./content.js";
import * as dialog from "./dialog.js";
import * as formats from "./formats.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { byId, el } from "./text.js";

/** The site's address, as others reach it; where it is not known, the one it was opened by. */
const base = () => content.site_url || location.href.split(/[?#]/)[0].replace(/[^/]*$/, "");

const isPublic = () => Boolean(content.site_url) || /^https?:$/.test(location.protocol);

/** What stands after the address of the page for what is shown. */
const place = () => (location.hash.length > 1 ? location.hash : "");

/** The address of an occupation's page in a layer, from the site's folder; null where it has none. */
export function cardOf(layer, doc) {
  const { owner } = layer;
  if (!doc || !owner.has_cards || owner.value[doc.index] === null) return null;
  return `share/${encodeURIComponent(owner.id)}/${encodeURIComponent(layer.documents.files[doc.id] || doc.id)}.html`;
}

/** HTML for a frame in another page. */
export function frame(address, title) {
  const text = title.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");
  return `<iframe src="${address.replace(/&/g, "&amp;").replace(/"/g, "&quot;")}" title="${text}" width="100%" height="640" loading="lazy" style="border:0"></iframe>`;
}

/** How it is cited: what it is, who answered, which publication, where. */
export function citation(layer, address) {
  const dates = layer.answers.map((answer) => answer.date).filter(Boolean).sort();
  const who = [...new Set(layer.answers.map((answer) => (answer.scorer === "baseline" ? "estimates of the bundled baseline, no language model" : `answers of ${answer.model || answer.scorer}`)))];
  const parts = [
    `“${layer.title}”, by occupation`,
    ...who,
    dates.length ? formats.date(dates[dates.length - 1]) : null,
    `exposure_dagster ${content.version}, publication ${content.digest}`,
  ].filter(Boolean);
  return `${parts.join("; ")}.${isPublic() ? ` ${address}` : ""} Data: ${content.sources.map(({ source }) => source).join("; ")}.`;
}

function open() {
  state.flush();
  const layer = store.layerById.get(state.get().layer);
  const doc = state.get().id === null ? null : layer.documents.byId.get(state.get().id);
  const here = `${base()}index.html${place()}`;
  const card = cardOf(layer, doc);
  const files = [
    ["download-csv", "CSV of the table"],
    ["download-json", "JSON of the table"],
    ["download-png", "Picture of the chart (PNG)"],
  ].filter(([id]) => !byId(id).hidden);
  const opened = dialog.open(
    "Share",
    isPublic() ? null : el("p", { class: "notice" }, "This page was opened from a folder: its links work on this computer alone. Published on a server, with EXPOSURE_SITE_URL set to its address, they work for others, and unfold with a picture."),
    dialog.copyable("Link to this view", here),
    card ? dialog.copyable(`Page of ${doc.title}`, `${base()}${card}`) : null,
    card ? el("p", {}, el("a", { href: card }, "Open that page")) : null,
    dialog.copyable("Embed", frame(`${base()}index.html?embed${place()}`, layer.title), { rows: 3 }),
    dialog.copyable("Cite", citation(layer, here), { rows: 4 }),
    el("p", { class: "dialog-buttons" }, ...files.map(([id, name]) => el("button", { type: "button", onclick: () => byId(id).click() }, name))),
  );
  opened.classList.add("is-share");
}

/** In a frame only the map and what belongs to it is shown, with the way to the whole page. */
function embed() {
  if (!new URLSearchParams(location.search).has("embed")) return;
  document.body.dataset.embed = "";
  const whole = el("a", { class: "embed-whole", target: "_blank", rel: "noopener" }, "Open the whole page");
  const lead = () => {
    whole.href = `index.html${place()}`;
  };
  document.querySelector(".masthead").append(whole);
  lead();
  whole.addEventListener("pointerdown", lead);
  whole.addEventListener("focus", lead);
}

export function start() {
  embed();
  byId("share").addEventListener("click", open);
}
