/**
 * What moved since the last version of a prompt, or between two models.
 */
site.changes = (() => {
  const { charts, formats } = site;
  const { el, foreign, fill } = site.text;
  const MOST = 12;

  /** The layer whose changes are shown: the question that the layer is, or is a part of. */
  const changed = (layer) => (layer.owner.changes ? layer.owner : null);

  /** The rows of a comparison that match, with their documents. */
  function rowsOf(layer, matches) {
    const { changes, documents } = changed(layer);
    return changes.document
      .map((index, at) => ({
        doc: documents.docs[index],
        before: changes.score_before[at],
        after: changes.score_after[at],
        reasonBefore: changes.rationale_before[at],
        reasonAfter: changes.rationale_after[at],
      }))
      .filter((row) => matches.has(row.doc));
  }

  const shift = (row) => row.after - row.before;
  const inBoth = (rows) => rows.filter((row) => row.before !== null && row.after !== null);

  async function draw(element, layer, matches, at, size) {
    const own = changed(layer);
    const rows = inBoth(rowsOf(layer, matches));
    const { low, high } = own;
    const pad = (high - low) * 0.06;
    const trace = {
      type: "scatter",
      mode: "markers",
      ids: rows.map((row) => row.doc.id),
      x: rows.map((row) => row.before),
      y: rows.map((row) => row.after),
      hoverinfo: "text",
      hovertext: rows.map((row) => `${site.text.forChart(row.doc.title)}<br>${formats.score(row.before)} before, ${formats.score(row.after)} now`),
      marker: {
        size: rows.map((row) => (row.doc.id === at.id ? 13 : 8)),
        color: rows.map((row) => site.scales.colour({ unit: "percent", low: -(high - low) / 2, high: (high - low) / 2 }, shift(row))),
        line: { width: rows.map((row) => (row.doc.id === at.id ? 3 : 0.8)), color: site.theme.css("--ink") },
      },
      cliponaxis: false,
    };
    await charts.draw(element, [trace], {
      width: size.width,
      height: size.height,
      margin: { t: 12, r: 16, b: 44, l: 52 },
      xaxis: { title: `Score before (version ${own.changes.before.version})`, range: [low - pad, high + pad] },
      yaxis: { title: `Score now (version ${own.changes.after.version})`, range: [low - pad, high + pad] },
      shapes: [{ type: "line", x0: low, y0: low, x1: high, y1: high, line: { width: 1, dash: "dot", color: site.theme.css("--quiet") } }],
    });
    if (!element.dataset.listens) {
      element.dataset.listens = "true";
      element.on("plotly_click", (event) => event.points?.[0]?.id && site.detail.open(event.points[0].id));
    }
    site.treemap.tidy(element);
  }

  const version = (side) => el("span", {}, `version ${side.version} `, side.hash ? el("code", {}, side.hash.slice(0, 12)) : "", side.model ? " by " : "", side.model ? foreign(side.model) : "");

  function mover(row) {
    return el(
      "li",
      {},
      el("p", {}, site.scatter.opener(row.doc), el("span", { class: "quiet" }, ` ${formats.score(row.before)} to ${formats.score(row.after)} (${formats.signed(Number(shift(row).toFixed(6)))})`)),
      el("dl", { class: "reasons" }, el("dt", {}, "Before"), el("dd", {}, foreign(row.reasonBefore || formats.MISSING)), el("dt", {}, "Now"), el("dd", {}, foreign(row.reasonAfter || formats.MISSING))),
    );
  }

  function notes(element, layer, matches) {
    const own = changed(layer);
    const rows = rowsOf(layer, matches);
    const both = inBoth(rows);
    const moved = (test) => both.filter((row) => test(Number(shift(row).toFixed(6)))).length;
    const mean = both.length ? both.reduce((total, row) => total + shift(row), 0) / both.length : null;
    const counts = [
      ["Up", formats.count(moved((by) => by > 0))],
      ["Down", formats.count(moved((by) => by < 0))],
      ["The same", formats.count(moved((by) => by === 0))],
      ["New", formats.count(rows.filter((row) => row.before === null && row.after !== null).length)],
      ["Gone", formats.count(rows.filter((row) => row.after === null && row.before !== null).length)],
      ["Mean shift", formats.signed(mean === null ? null : Number(mean.toFixed(2)))],
      ["Rank correlation", own.changes.rank_correlation === null ? formats.MISSING : own.changes.rank_correlation.toFixed(3)],
    ];
    const movers = [...both].filter((row) => shift(row) !== 0).sort((a, b) => Math.abs(shift(b)) - Math.abs(shift(a)) || (a.doc.id < b.doc.id ? -1 : 1)).slice(0, MOST);
    fill(
      element,
      el("p", {}, foreign(own.title), ": from ", version(own.changes.before), " to ", version(own.changes.after), "."),
      el("dl", { class: "headline is-row" }, ...counts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
      el("section", { class: "card" }, el("h3", {}, "Largest movers"), movers.length ? el("ol", { class: "movers" }, ...movers.map(mover)) : el("p", {}, "Nothing moved.")),
    );
  }

  const caption = (layer) => `${changed(layer).title}: score before and now. Above the line and blue: higher than before; below it and orange: lower.`;

  return { view: { isThere: (layer) => changed(layer) !== null, draw, notes, caption, baselines: (layer) => [changed(layer)] } };
})();
