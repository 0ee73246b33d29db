/**
 * The method page: each prompt in full, how its number is made, the sources and their dates, what scores do not mean.
 */
import { content } from "./content.js";
import * as formats from "./formats.js";
import * as store from "./store.js";
import { credited, el, foreign, fill } from "./text.js";

const formula = (layer) => el("ul", {}, ...(layer.formula || []).map((line) => el("li", {}, foreign(line))));

function tiers(layer) {
  if (!layer.hasTiers) return null;
  return el("p", {}, "Tiers: ", layer.tiers.map((tier) => `${tier.label} ${formats.score(tier.low)}${tier.high === tier.low ? "" : `–${formats.score(tier.high)}`}`).join(", "), layer.hasWholeTiers ? ". A fractional score belongs to the tier of its rounded value." : ". A tier reaches up to where the next one begins.");
}

function answered(layer) {
  const counts = layer.answers.map((answer, at) => [answer, (layer.answered_by || []).filter((one) => one === at).length]);
  return el(
    "ul",
    {},
    ...counts.map(([answer, count]) =>
      el("li", {}, foreign(answer.model || answer.scorer), answer.scorer === "baseline" ? " (the bundled baseline, no language model)" : "", answer.date ? `, ${formats.date(answer.date)}` : "", answer.prompt_hash ? ", prompt version " : "", answer.prompt_hash ? el("code", {}, answer.prompt_hash.slice(0, 12)) : null, count ? `: ${formats.plural(count, "occupation", "occupations")}` : ""),
    ),
  );
}

function question(layer) {
  const { asked } = layer;
  return el(
    "section",
    { class: "card prose" },
    el("h3", {}, foreign(layer.title)),
    layer.description ? el("p", {}, foreign(layer.description)) : null,
    el("h4", {}, "Formula"),
    formula(layer),
    tiers(layer),
    layer.sure ? el("h4", {}, "How sure it is") : null,
    ...(layer.sure ? layer.sure.notes.map((note) => el("p", {}, note)) : []),
    el("h4", {}, "Who answered"),
    answered(layer),
    asked ? el("p", {}, `Written for ${asked.model}: ${formats.plural(asked.samples, "answer", "answers")} for each occupation, ${formats.plural(asked.documents_per_request, "occupation", "occupations")} in a request${asked.effort ? `, effort ${asked.effort}` : ""}${asked.include ? `; each with its ${asked.include.join(", ").replaceAll("_", " ")}` : ""}.`) : null,
    asked ? el("details", { open: layer === store.layers[0] }, el("summary", {}, "The question in full"), el("pre", { class: "question-text", tabindex: "0", role: "region", "aria-label": `The question in full: ${layer.title}` }, foreign(asked.system))) : null,
  );
}

/** Where the figures of a set come from: a sentence for each different answer. */
function figureSources(documents) {
  const named = new Map();
  for (const { kind, column, sources } of documents.layers) {
    const source = kind === "figure" ? sources.join(" and ") : "";
    if (source) named.set(source, [...(named.get(source) || []), column]);
  }
  return [...named].map(([source, columns]) => `From ${source}: ${columns.join(", ")}. `).join("");
}

function dates() {
  const lines = [];
  for (const documents of store.sets.values()) {
    const { years, modified } = documents;
    const parts = [`${formats.plural(documents.docs.length, "occupation", "occupations")}`];
    if (years.base) parts.push(`employment of ${years.base} and its projection to ${years.projection}`);
    if (years.pay) parts.push(`pay of ${years.pay}`);
    if (modified[0]) parts.push(modified[0] === modified[1] ? `pages last changed on ${formats.date(modified[0])}` : `pages last changed between ${formats.date(modified[0])} and ${formats.date(modified[1])}`);
    lines.push(el("li", {}, foreign(documents.title), `: ${parts.join("; ")}. `, foreign(figureSources(documents)), foreign(documents.note)));
  }
  return el("ul", {}, ...lines);
}

function notes(element) {
  const asked = store.layers.filter((layer) => layer.kind === "score" && layer.formula);
  fill(
    element,
    el(
      "section",
      { class: "card prose" },
      el("h3", {}, "What the scores do not mean"),
      el("p", {}, content.caveats),
      el("p", {}, "Where a figure such as “wages at or above 7” is given, its threshold stands beside it: moving it by one point moves the figure a great deal."),
    ),
    el(
      "section",
      { class: "card prose" },
      el("h3", {}, "Sources and their dates"),
      el("ul", {}, ...content.sources.map(credited)),
      dates(),
      el("h4", {}, "How figures are made"),
      el("p", {}, content.method),
      asked.some((layer) => layer.isBaseline) ? el("h4", {}, "How the baseline estimates, and how well") : null,
      asked.some((layer) => layer.isBaseline) ? el("p", {}, content.baseline_method) : null,
    ),
    ...asked.map(question),
  );
}

export const view = { isThere: () => true, isText: true, notes };
