/**
 * Downloads of what is shown: the matching rows as CSV or JSON, the chart as PNG.
 */
import * as charts from "./charts.js";
import { content } from "./content.js";
import * as formats from "./formats.js";
import * as scales from "./scales.js";
import * as state from "./state.js";
import * as store from "./store.js";
import * as table from "./table.js";
import { byId } from "./text.js";

const FORMULA_SIGNS = /^[=+\-@\t\r]/;

/** A cell of a CSV file. A text that a spreadsheet would take for a formula gets an apostrophe. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = FORMULA_SIGNS.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** One record a matching document, in the table's order, with every layer of its set. */
export function records(layer, matches, at) {
  const scores = layer.documents.layers.filter((one) => one.kind !== "figure");
  return table.sorted(layer, matches, at.sort).map((doc) => {
    const record = {
      id: doc.id,
      title: doc.title,
      category: doc.category,
      jobs: doc.jobs,
      median_pay_annual: doc.pay,
      median_pay_hourly: doc.payHourly,
      pay_currency: doc.pay === null && doc.payHourly === null ? null : doc.money.currency,
      pay_is_top_coded: doc.isTopCoded,
      outlook_pct: doc.outlook,
      outlook: doc.outlookPhrase,
      entry_education: doc.education === null ? null : content.education[doc.education],
      url: doc.url,
    };
    for (const one of scores) record[one.id] = one.value[doc.index];
    if (layer.sure && layer.sure.has) {
      const [low, high] = store.intervalOf(layer, doc) || [null, null];
      Object.assign(record, { lo90: rounded(low), hi90: rounded(high), interval_from: layer.sure.method[doc.index] });
    }
    const answer = store.answerOf(layer, doc);
    if (layer.rationale) record.rationale = layer.rationale[doc.index];
    if (answer) Object.assign(record, { scorer: answer.scorer, model: answer.model, prompt_hash: answer.prompt_hash });
    return record;
  });
}

const rounded = (bound) => (bound === null ? null : Number(bound.toFixed(3)));

export function asCsv(rows) {
  const names = Object.keys(rows[0] || { id: null });
  return [names.map(cell).join(","), ...rows.map((row) => names.map((name) => cell(typeof row[name] === "boolean" ? String(row[name]) : row[name])).join(","))].join("\r\n") + "\r\n";
}

export function asJson(layer, rows) {
  return JSON.stringify(
    {
      layer: layer.title,
      note: [layer.isBaseline && content.baseline_note, layer.isBaseline && layer.owner.quadrants && content.baseline_quadrants_note].filter(Boolean).join(" ") || null,
      caveats: content.caveats,
      sources: content.sources,
      digest: content.digest,
      rows,
    },
    null,
    1,
  );
}

function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  offer(name, address);
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

function offer(name, address) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

/** What a picture must say by itself: whose answers, whose data. */
function pictureNotes(layer, caption) {
  const who = [...new Set(layer.answers.map((answer) => answer.model || answer.scorer))].join(", ");
  const by = layer.isBaseline ? `Scores estimated by the bundled ${who} (no language model).` : who ? `Scores by ${who}.` : "";
  const source = `Data: ${content.sources.map((one) => (one.licence ? `${one.source} (${one.licence.replace(/\.$/, "")})` : one.source)).join("; ")}.`;
  const hatching = state.get().view === "map" && !byId("legend-unsure").hidden ? `${byId("legend-unsure").textContent}.` : "";
  return [caption, hatching, `${by} No forecast of job losses.`.trim(), source].filter(Boolean);
}

export function start(shown) {
  const name = () => `${shown().layer.id}-${state.get().view}`.replace(/[^\w-]+/g, "-");
  byId("download-csv").addEventListener("click", async () => {
    await store.more();
    const { layer, matches } = shown();
    save(`${name()}.csv`, `\ufeff${asCsv(records(layer, matches, state.get()))}`, "text/csv;charset=utf-8");
  });
  byId("download-json").addEventListener("click", async () => {
    await store.more();
    const { layer, matches } = shown();
    save(`${name()}.json`, asJson(layer, records(layer, matches, state.get())), "application/json");
  });
  byId("download-png").addEventListener("click", async () => {
    const { layer, caption } = shown();
    const scale = state.get().view === "changes" ? null : { colours: scales.strip(layer, 40), low: formats.bound(layer, layer.low), high: formats.bound(layer, layer.high) };
    const address = await charts.picture(byId("chart"), layer.title, scale, pictureNotes(layer, caption));
    offer(`${name()}.png`, address);
  });
}
