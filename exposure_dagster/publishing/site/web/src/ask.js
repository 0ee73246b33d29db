/**
 * A question of one's own: a form that writes a prompt file of the project, and the command that asks it. Nothing is
 * sent anywhere.
 */
import { content } from "./content.js";
import * as dialog from "./dialog.js";
import * as state from "./state.js";
import * as store from "./store.js";
import { byId, el, folded } from "./text.js";

/** A name that the project takes for a prompt's: what its file is called. */
export const fileName = (title) => {
  const name = folded(title).replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 40).replace(/_+$/, "");
  return /^[a-z]/.test(name) ? name : `question_${name}`.replace(/_$/, "");
};

/** A text on one line, as YAML reads any: JSON's strings are YAML's. */
const quoted = (text) => JSON.stringify(text.replace(/\s+/g, " ").trim());

/** Free text below the front matter: a line of dashes alone would end it, and a control character is refused. */
const free = (text) =>
  text
    .replace(/\r\n?/g, "\n")
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "")
    .replace(/^(-{3,}|\+{3,})\s*$/gm, "– – –")
    .trim();

/**
 * The text of a prompt file.
 * @param {{title: string, question: string, low: string, middle: string, high: string, corpus: string, model: string}} given
 */
export function promptFile({ title, question, low, middle, high, corpus, model }) {
  const level = (label, from, to, description) => [`  - label: ${label}`, `    range: [${from}, ${to}]`, `    description: ${quoted(description)}`];
  return [
    "---",
    `title: ${quoted(title)}`,
    `description: ${quoted(question)}`,
    `corpus: ${corpus}`,
    `model: ${model}`,
    "samples: 1",
    "documents_per_request: 1",
    "",
    "scale: {min: 0, max: 10}",
    "",
    "levels:",
    ...level("Low", 0, 3, low),
    ...level("Middle", 4, 6, middle),
    ...level("High", 7, 10, high),
    "",
    "tiers:",
    "  - {label: Low, range: [0, 3]}",
    "  - {label: Middle, range: [4, 6]}",
    "  - {label: High, range: [7, 10]}",
    "---",
    "You rate occupations. For each document, which describes one occupation, you give a whole number from 0 to 10.",
    "",
    "# What the number measures",
    "",
    free(question),
    "",
    "# How to use the scale",
    "",
    "Think of a normal week in the occupation and of how its hours are spread over tasks. Find the level whose",
    "description fits the occupation as a whole, then choose between the numbers of that level. Judge the work as the",
    "document describes it, and use the whole scale.",
    "",
  ].join("\n");
}

/** The model of the site's own questions, where one answered. */
function usualModel() {
  const models = store.layers.flatMap((layer) => (layer.asked ? layer.asked.model : []));
  return models.length && /^[\w./:-]+$/.test(models[0]) ? models[0] : "claude-haiku-5-5";
}

function field(id, name, placeholder, { rows = 1, required = true } = {}) {
  const input = el(rows > 1 ? "textarea" : "input", { id, rows: rows > 1 ? rows : null, placeholder, required, maxlength: rows > 1 ? 2000 : 300 });
  return el("p", { class: "field" }, el("label", { for: id }, name), input);
}

function result(given) {
  const name = fileName(given.title);
  const text = promptFile(given);
  const save = el("button", { type: "button" }, `Save ${name}.md`);
  save.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([text], { type: "text/markdown;charset=utf-8" }));
    const link = el("a", { href: address, download: `${name}.md` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  });
  return [
    dialog.copyable("Prompt file", text, { rows: 12 }),
    el("p", { class: "dialog-buttons" }, save),
    dialog.copyable("Command", `mkdir -p my_prompts && mv ${name}.md my_prompts/ && EXPOSURE_PROMPTS=my_prompts exposure run --prompt ${name}`),
    el("p", { class: "quiet" }, "With a key for the model (ANTHROPIC_API_KEY) it is asked about every occupation, after you were shown what that costs. Without one, or with EXPOSURE_SCORER=baseline, a free estimate from words stands in."),
  ];
}

function open() {
  const { documents } = store.layerById.get(state.get().layer);
  const form = el(
    "form",
    { class: "ask" },
    field("ask-title", "What is your question called?", "Time spent outdoors"),
    field("ask-question", "What should the number measure?", "How much of the working time is spent outdoors, in any weather.", { rows: 3 }),
    field("ask-low", "What does a low number mean (0 to 3)?", "The work is done indoors."),
    field("ask-middle", "And one in the middle (4 to 6)?", "Some of the work is outdoors, or in some seasons."),
    field("ask-high", "And a high one (7 to 10)?", "Most of the work is outdoors."),
    el("p", { class: "dialog-buttons" }, el("button", { type: "submit", class: "is-first" }, "Write the file")),
  );
  const place = el("div", { role: "status", class: "ask-result" });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const of = (id) => byId(id).value;
    place.replaceChildren(
      ...result({ title: of("ask-title"), question: of("ask-question"), low: of("ask-low"), middle: of("ask-middle"), high: of("ask-high"), corpus: documents.name, model: usualModel() }),
    );
    place.scrollIntoView({ block: "nearest" });
  });
  const code = content.code_url ? [" ", el("a", { href: content.code_url, rel: "noreferrer", class: "out" }, "Its code is here"), "."] : [];
  dialog.open(
    "Ask your own question",
    el("p", {}, `Any question that can be answered with a number from 0 to 10 can colour this map. This form writes the file that asks it of all ${documents.docs.length} documents; the project (exposure_dagster) runs it on your computer.`, ...code),
    form,
    place,
  );
}

export function start() {
  byId("ask").addEventListener("click", open);
}
