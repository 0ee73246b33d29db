/**
 * Views with two axes: bubbles, outlook, two layers against each other, the four quadrants.
 */
site.scatter = (() => {
  const { charts, figures, formats, scales, state, store } = site;
  const { el, foreign, fill, byId, forChart } = site.text;
  const MOST_LISTED = 8;

  /** A stable number in ±0.5 from a document's id. */
  function scatterOf(id) {
    let hash = 2166136261;
    for (const char of id) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
    hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
    return ((hash >>> 0) % 1000) / 1000 - 0.5;
  }

  /** Whole values would lie on top of each other: they are spread a little around their place. */
  const isSpread = (layer) => layer.unit === "education" || (layer.kind !== "figure" && layer.step === 1);

  const valueAt = (layer, doc, salt) => {
    const value = layer.value[doc.index];
    return value !== null && isSpread(layer) ? value + 0.62 * scatterOf(doc.id + salt) : value;
  };

  function axis(layer, isNarrow) {
    if (layer.unit === "money") return { title: layer.title, type: "log", tickvals: layer.documents.money.axis, tickprefix: layer.documents.money.sign, tickformat: ",.0f" };
    if (layer.unit === "percent") return { title: layer.title, ticksuffix: "%", zeroline: true, zerolinewidth: 1.5 };
    if (layer.unit === "education") {
      const { levels } = layer.documents;
      return { title: layer.title, range: [-0.6, levels.length - 0.4], tickvals: levels.map((_, level) => level), ticktext: levels.map((name) => forChart(isNarrow ? `${name.slice(0, 14)}…` : name)) };
    }
    const pad = (layer.high - layer.low) * 0.06;
    return { title: forChart(layer.title), range: [layer.low - pad, layer.high + pad], dtick: layer.high - layer.low === 10 ? 1 : undefined };
  }

  /** The points of two layers, large ones first so that small ones stay visible, and a ring around the selection. */
  function traces(layer, x, y, docs, matches, at, size) {
    const placed = docs.filter((doc) => x.value[doc.index] !== null && y.value[doc.index] !== null).sort((a, b) => b.area - a.area || (a.id < b.id ? -1 : 1));
    const most = Math.max(1, ...placed.map((doc) => doc.area));
    const largest = Math.min(64, Math.max(26, size.width / 16));
    const isIn = (doc) => matches.has(doc) && (at.at === null || store.reaches(layer.value[doc.index], at.at));
    const points = (members, marker, more) => ({
      type: "scatter",
      mode: "markers",
      ids: members.map((doc) => doc.id),
      x: members.map((doc) => valueAt(x, doc, "x")),
      y: members.map((doc) => valueAt(y, doc, "y")),
      marker: { sizemode: "area", sizeref: (2 * most) / largest ** 2, sizemin: layer.documents.hasJobs ? 2.5 : 4, size: members.map((doc) => (layer.documents.hasJobs ? doc.area : most / 40)), ...marker },
      cliponaxis: false,
      ...more,
    });
    const colours = placed.map((doc) => {
      const own = scales.colour(layer, layer.value[doc.index]);
      return isIn(doc) ? own : scales.faded(own);
    });
    const all = points(
      placed,
      { color: colours, opacity: 0.88, line: { width: placed.map((doc) => (isIn(doc) ? 0.8 : 0.3)), color: site.theme.css("--point-line") } },
      { hoverinfo: "text", hovertext: placed.map((doc) => hover(layer, x, y, doc)) },
    );
    const chosen = placed.filter((doc) => doc.id === at.id);
    const ring = points(chosen, { color: "rgba(0,0,0,0)", line: { width: 3, color: site.theme.css("--ink") } }, { hoverinfo: "skip" });
    return [all, ring];
  }

  function hover(layer, x, y, doc) {
    const lines = [site.treemap.hover(layer, doc)];
    for (const other of new Set([x, y])) if (other !== layer && other.kind !== "figure") lines.push(`${forChart(other.title)}: ${formats.valueOf(other, doc)}`);
    return lines.join("<br>");
  }

  const thresholdLine = (layer, x, at) =>
    at.at !== null && x === layer ? [{ type: "line", xref: "x", yref: "paper", x0: at.at, x1: at.at, y0: 0, y1: 1, line: { width: 1.5, dash: "dot", color: site.theme.css("--ink") } }] : [];

  async function draw(element, layer, x, y, matches, at, size, more = {}) {
    const isNarrow = size.width < 560;
    const own = {
      width: size.width,
      height: size.height,
      margin: { t: 12, r: 16, b: 44, l: 52 },
      xaxis: axis(x, isNarrow),
      yaxis: axis(y, isNarrow),
      shapes: [...thresholdLine(layer, x, at), ...(more.shapes || [])],
      annotations: more.annotations || [],
    };
    await charts.draw(element, traces(layer, x, y, layer.documents.docs, matches, at, size), own);
    listen(element);
    site.treemap.tidy(element);
  }

  function listen(element) {
    if (element.dataset.listens) return;
    element.dataset.listens = "true";
    element.on("plotly_click", (event) => {
      const id = event.points?.[0]?.id;
      if (id) site.detail.open(id);
    });
  }

  const figure = (layer, column) => layer.documents.layers.find((one) => one.column === column) || null;
  const firstScore = (layer) => layer.documents.layers.find((one) => one.kind === "score") || null;

  /** The layer itself against a figure of the set; where it is that figure, the set's first score instead. */
  function against(column) {
    const pair = (layer) => {
      const y = figure(layer, column);
      return [layer === y ? firstScore(layer) : layer, y];
    };
    return {
      isThere: (layer) => pair(layer).every(Boolean),
      draw: (element, layer, matches, at, size) => draw(element, layer, ...pair(layer), matches, at, size),
      note: (layer) => spreadNote(...pair(layer)),
    };
  }

  const spreadNote = (...layers) => (layers.some(isSpread) ? " Whole values are spread a little around their place, so that points do not hide each other." : "");

  // --- two layers against each other ---

  /** The second layer: the chosen one, or the first other score, or the first other layer. */
  function second(layer, at) {
    const others = layer.documents.layers.filter((one) => one !== layer);
    return others.find((one) => one.id === at.with) || others.find((one) => one.kind === "score") || others[0] || null;
  }

  function compareControls(element, layer, at) {
    const choice = second(layer, at);
    const select = el("select", { id: "compare-with", onchange: (event) => state.set({ with: event.target.value }) });
    for (const other of layer.documents.layers) if (other !== layer) select.append(el("option", { value: other.id, selected: other === choice }, other.title));
    fill(element, el("label", { for: "compare-with" }, "Against"), select);
  }

  function compareNotes(element, layer, matches, at) {
    const other = second(layer, at);
    const docs = [...matches].filter((doc) => layer.value[doc.index] !== null && other.value[doc.index] !== null);
    const correlation = figures.rankCorrelation(
      docs.map((doc) => layer.value[doc.index]),
      docs.map((doc) => other.value[doc.index]),
    );
    const [left, right] = [figures.percentiles(layer.value), figures.percentiles(other.value)];
    const gap = (doc) => left[doc.index] - right[doc.index];
    const byGap = [...docs].sort((a, b) => gap(b) - gap(a));
    const list = (title, members) =>
      el(
        "section",
        { class: "card" },
        el("h3", {}, title),
        el("ol", { class: "plain-list" }, ...members.map((doc) => el("li", {}, opener(doc), el("span", { class: "quiet" }, ` ${formats.valueOf(layer, doc, formats.shortValue)} and ${formats.valueOf(other, doc, formats.shortValue)}`)))),
      );
    fill(
      element,
      el("p", {}, "Rank correlation (Spearman) over ", formats.plural(docs.length, "occupation", "occupations"), ": ", el("strong", {}, correlation === null ? formats.MISSING : formats.mean(correlation)), ". Areas are jobs; colour is ", foreign(layer.title), "."),
      el(
        "div",
        { class: "cards" },
        list(`Ranked higher by “${layer.title}”`, byGap.slice(0, MOST_LISTED).filter((doc) => gap(doc) > 0)),
        list(`Ranked higher by “${other.title}”`, byGap.slice(-MOST_LISTED).reverse().filter((doc) => gap(doc) < 0)),
      ),
    );
  }

  /** A document's title as a button that opens its panel. */
  const opener = (doc) => el("button", { type: "button", class: "link", onclick: (event) => site.detail.open(doc.id, event.currentTarget) }, foreign(doc.title));

  const compare = {
    isThere: (layer) => layer.documents.layers.length > 1,
    draw: (element, layer, matches, at, size) => draw(element, layer, layer, second(layer, at), matches, at, size),
    note: (layer, at) => spreadNote(layer, second(layer, at)),
    controls: compareControls,
    notes: compareNotes,
    baselines: (layer, at) => [layer, second(layer, at)],
  };

  // --- quadrants ---

  /** The layer whose rule divides the set: the shown one, the one it is part of, or the set's first that has a rule. */
  function ruled(layer) {
    return layer.owner.quadrants ? layer.owner : layer.documents.layers.find((one) => one.quadrants) || null;
  }

  function rule(layer) {
    const { x, y, x_cut: xCut, y_cut: yCut, labels } = ruled(layer).quadrants;
    return { x: store.layerById.get(x), y: store.layerById.get(y), xCut, yCut, labels };
  }

  /** Position in the rule's labels: 0 neither, 1 high x, 2 high y, 3 both; null without values. */
  function quadrantOf({ x, y, xCut, yCut }, doc) {
    if (x.value[doc.index] === null || y.value[doc.index] === null) return null;
    return Number(store.reaches(x.value[doc.index], xCut)) + 2 * Number(store.reaches(y.value[doc.index], yCut));
  }

  async function drawQuadrants(element, layer, matches, at, size) {
    const { x, y, xCut, yCut, labels } = rule(layer);
    const cut = site.theme.css("--ink");
    // a whole number at the cut-off is spread around its place: the line stands before it
    const before = (of, value) => (isSpread(of) ? value - 0.5 : value);
    const line = { width: 1.2, color: cut };
    const corners = [
      [0, 0, "left", "bottom"],
      [1, 0, "right", "bottom"],
      [0, 1, "left", "top"],
      [1, 1, "right", "top"],
    ];
    await draw(element, layer, x, y, matches, at, size, {
      shapes: [
        { type: "line", xref: "x", yref: "paper", x0: before(x, xCut), x1: before(x, xCut), y0: 0, y1: 1, line },
        { type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: before(y, yCut), y1: before(y, yCut), line },
      ],
      annotations: corners.map(([px, py, xanchor, yanchor], index) => ({
        text: forChart(labels[index]),
        x: px,
        y: py,
        xref: "paper",
        yref: "paper",
        xanchor,
        yanchor,
        showarrow: false,
        bgcolor: site.theme.css("--paper"),
        opacity: 0.92,
        font: { ...charts.font(size.width < 560 ? 10.5 : 13), weight: 600 },
      })),
    });
  }

  function quadrantNotes(element, layer, matches) {
    const dividing = rule(layer);
    const docs = [...matches];
    const all = figures.jobs(docs);
    const cards = dividing.labels.map((label, index) => {
      const members = docs.filter((doc) => quadrantOf(dividing, doc) === index);
      const largest = [...members].sort((a, b) => b.area - a.area).slice(0, 4);
      const jobs = figures.jobs(members);
      return el(
        "section",
        { class: "card" },
        el("h3", {}, foreign(label)),
        el(
          "dl",
          { class: "facts" },
          ...[
            ["Occupations", formats.count(members.length)],
            ["Jobs", `${formats.short(jobs)}${all ? ` (${formats.share(jobs / all)})` : ""}`],
            ...(layer.documents.money ? [["Wages a year", formats.shortMoney(layer.documents.money, figures.wages(members))]] : []),
          ].map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
        ),
        largest.length ? el("p", { class: "quiet" }, "The largest:") : null,
        el("ul", {}, ...largest.map((doc) => el("li", {}, opener(doc)))),
      );
    });
    const { x, y, xCut, yCut } = dividing;
    fill(
      element,
      el("p", {}, "High means at or above the cut-off: ", foreign(x.title), ` ${formats.score(xCut)}, `, foreign(y.title), ` ${formats.score(yCut)}.`),
      el("div", { class: "cards is-four" }, ...cards),
    );
  }

  const quadrants = {
    isThere: (layer) => ruled(layer) !== null,
    draw: drawQuadrants,
    note: (layer) => spreadNote(rule(layer).x, rule(layer).y),
    notes: quadrantNotes,
    baselines: (layer) => [layer, ruled(layer)],
  };

  return { bubble: against("pay"), outlook: against("outlook"), compare, quadrants, opener };
})();
