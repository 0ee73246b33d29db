/**
 * Bars: the histogram of jobs beside the map, and the ranked bars.
 */
site.bars = (() => {
  const { charts, figures, formats, scales, state, store } = site;
  const { el, fill, forChart } = site.text;
  const MOST = 40;
  const ROW_HEIGHT = 22;

  const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1).trimEnd()}…` : text);

  function histogramColours(layer, at) {
    return layer.bins.map((bin) => {
      const value = scales.middle(bin);
      const own = scales.colour(layer, value);
      return store.reaches(value, at) ? own : scales.paled(own);
    });
  }

  /** What stands at the two ends of the histogram's axis. */
  function endsOf(layer) {
    if (layer.unit !== "education") return [formats.bound(layer, layer.low), formats.bound(layer, layer.high)];
    const used = layer.bins.filter((bin) => !bin.isUnused);
    return [used[0].label, used[used.length - 1].label];
  }

  async function histogram(element, layer, matches, at, size) {
    const rows = figures.histogram(layer, matches, layer.bins);
    const hasJobs = layer.documents.hasJobs;
    const areNumbers = rows.length <= 12 && rows.every(({ bin }) => bin.label.length <= 2);
    const end = (text, more) => ({ text: forChart(cut(text, 22)), y: 0, yref: "paper", yanchor: "top", showarrow: false, font: { ...charts.font(11), color: site.theme.css("--quiet") }, ...more });
    const ends = areNumbers ? [] : [end(endsOf(layer)[0], { x: -0.5, xanchor: "left" }), end(endsOf(layer)[1], { x: rows.length - 0.5, xanchor: "right" })];
    const trace = {
      type: "bar",
      x: rows.map((_, index) => index),
      y: rows.map((row) => row.area),
      hoverinfo: "text",
      hovertext: rows.map((row) => `${forChart(row.bin.label)}<br>${formats.plural(row.documents, "occupation", "occupations")}${hasJobs ? `, ${formats.short(row.jobs)} jobs` : ""}`),
      textposition: "none",
      marker: { color: histogramColours(layer, at), line: { width: 0.8, color: site.theme.css("--quiet") } },
    };
    await charts.draw(element, [trace], {
      width: size.width,
      height: size.height,
      margin: { t: 6, r: 0, b: 20, l: 0 },
      annotations: ends,
      bargap: 0.06,
      xaxis: { tickvals: areNumbers ? trace.x : [], ticktext: rows.map((row) => row.bin.label), showgrid: false, zeroline: false, automargin: false, range: [-0.5, rows.length - 0.5] },
      yaxis: { visible: false, automargin: false },
    });
    site.treemap.tidy(element);
  }

  /** The threshold has moved: colours alone. */
  function paintHistogram(element, layer, at) {
    if (element.data) globalThis.Plotly.restyle(element, { "marker.color": [histogramColours(layer, at)] });
  }

  const ORDERS = [
    ["high", "highest first", (of) => (a, b) => of(b) - of(a) || b.area - a.area],
    ["low", "lowest first", (of) => (a, b) => of(a) - of(b) || b.area - a.area],
    ["jobs", "most jobs first", () => (a, b) => b.area - a.area],
  ];

  function shown(layer, matches, at) {
    const [, , order] = ORDERS.find(([name]) => name === at.order) || ORDERS[0];
    return [...matches]
      .filter((doc) => layer.value[doc.index] !== null)
      .sort((a, b) => order((doc) => layer.value[doc.index])(a, b) || (a.id < b.id ? -1 : 1))
      .slice(0, MOST);
  }

  /** Whiskers of 90 % intervals, or of the standard deviation of repeated answers where that alone is known. */
  function whiskersOf(layer, docs) {
    if (layer.sure && layer.sure.has) {
      const reach = (bounds) => docs.map((doc) => (bounds[doc.index] === null ? 0 : Math.abs(bounds[doc.index] - layer.value[doc.index])));
      return { symmetric: false, array: reach(layer.sure.high), arrayminus: reach(layer.sure.low) };
    }
    return layer.sd ? { array: docs.map((doc) => layer.sd[doc.index] || 0) } : null;
  }

  async function draw(element, layer, matches, at, size) {
    const docs = shown(layer, matches, at);
    const isNarrow = size.width < 560;
    const value = (doc) => layer.value[doc.index];
    const base = layer.unit === "percent" || layer.unit === "money" ? 0 : layer.unit === "education" ? -0.4 : layer.low;
    const whiskers = whiskersOf(layer, docs);
    const trace = {
      type: "bar",
      orientation: "h",
      ids: docs.map((doc) => doc.id),
      y: docs.map((_, index) => index),
      x: docs.map((doc) => value(doc) - base),
      base: docs.map(() => base),
      text: docs.map((doc) => formats.valueOf(layer, doc, formats.shortValue)),
      textposition: whiskers ? "none" : "outside",
      textfont: charts.font(11.5),
      cliponaxis: false,
      hoverinfo: "text",
      hovertext: docs.map((doc) => site.treemap.hover(layer, doc)),
      marker: { color: docs.map((doc) => scales.colour(layer, value(doc))), line: { width: docs.map((doc) => (doc.id === at.id ? 3 : 0.8)), color: docs.map((doc) => site.theme.css(doc.id === at.id ? "--ink" : "--quiet")) } },
    };
    // dark on light below, so that whiskers read on a bar of any colour and beside it
    const whisker = (colour, thickness, width) => ({
      type: "scatter",
      mode: "markers",
      x: docs.map(value),
      y: trace.y,
      marker: { size: 0.1, color: colour },
      hoverinfo: "skip",
      cliponaxis: false,
      error_x: { type: "data", ...whiskers, color: colour, thickness, width },
    });
    /** The figures, beyond the whiskers. */
    const values = () => ({ type: "scatter", mode: "text", x: docs.map((doc, index) => value(doc) + whiskers.array[index]), y: trace.y, text: trace.text.map((text) => ` ${text}`), textposition: "middle right", textfont: charts.font(11.5), hoverinfo: "skip", cliponaxis: false });
    const over = whiskers ? [whisker(site.theme.css("--paper"), 4, 4), whisker(site.theme.css("--ink"), 1.4, 3), values()] : [];
    const scale = { score: [layer.low, layer.high + (layer.high - layer.low) * 0.12] };
    const [least, most] = [Math.min(0, ...docs.map(value)), Math.max(0, ...docs.map(value))];
    const room = (most - least) * 0.12;
    const ofFigure = layer.unit === "percent" ? [least < 0 ? least - room : 0, most > 0 ? most + room : 0] : undefined;
    const range = layer.kind === "figure" ? ofFigure : scale.score;
    const { levels } = layer.documents;
    const ticks = layer.unit === "education" ? { showticklabels: false, showgrid: false, range: [-0.4, levels.length + 2.2] } : {};
    await charts.draw(element, [trace, ...over], {
      width: size.width,
      height: docs.length * ROW_HEIGHT + 60,
      margin: { t: 26, r: 30, b: 10, l: 10 },
      bargap: 0.22,
      xaxis: { side: "top", range, zeroline: layer.unit === "percent", ticksuffix: layer.unit === "percent" ? "%" : "", tickprefix: layer.unit === "money" ? layer.documents.money.sign : "", tickformat: layer.unit === "money" ? ",.0f" : "", ...ticks },
      yaxis: { tickvals: trace.y, ticktext: docs.map((doc) => `${forChart(cut(doc.title, isNarrow ? 24 : 52))} `), range: [docs.length - 0.4, -0.6], showgrid: false, zeroline: false, ticks: "" },
    });
    if (!element.dataset.listens) {
      element.dataset.listens = "true";
      element.on("plotly_click", (event) => {
        const id = event.points?.[0]?.id;
        if (id) site.detail.open(id);
      });
    }
    site.treemap.tidy(element);
  }

  function controls(element, layer, at) {
    const chosen = ORDERS.find(([name]) => name === at.order) || ORDERS[0];
    const select = el("select", { id: "bars-order", onchange: (event) => state.set({ order: event.target.value === "high" ? null : event.target.value }) });
    for (const order of ORDERS) select.append(el("option", { value: order[0], selected: order === chosen }, order[1]));
    fill(element, el("label", { for: "bars-order" }, "Order"), select);
  }

  const ranked = {
    isThere: () => true,
    isTall: true,
    draw,
    controls,
    note: (layer, at, matches) => ` ${formats.count(Math.min(MOST, [...matches].filter((doc) => layer.value[doc.index] !== null).length))} of ${formats.plural(matches.size, "occupation", "occupations")}; the table has all.${layer.sure && layer.sure.has ? " Whiskers: 90% intervals." : layer.sd ? " Whiskers: one standard deviation of repeated answers." : ""}`,
  };

  return { histogram, paintHistogram, ranked };
})();
