/**
 * Puts the parts together: from a state to what is on the page.
 */
site.main = (() => {
  const { filters, formats, panel, state, store, table } = site;
  const { el, foreign, fill, byId } = site.text;

  /**
   * A view: `draw` makes its chart, `controls` and `notes` fill what stands above and below it.
   * `isThere` says whether a layer has it, `baselines` whose scores it shows besides the layer's.
   */
  const VIEWS = [
    {
      id: "map",
      name: "Map",
      title: "Map",
      isThere: () => true,
      draw: site.treemap.draw,
      caption: (layer, at, matches) => {
        const missing = site.treemap.undrawn(layer, [...matches]).length;
        const { hasJobs, hasShares, years } = layer.documents;
        const area = hasJobs ? `Area: ${hasShares ? "an equal share of the jobs of its SOC row" : "jobs"}${years.base ? ` in ${years.base}` : ""}` : "Each occupation has the same area";
        return `${area}. Colour: ${layer.title}.${missing ? ` ${formats.plural(missing, "occupation has", "occupations have")} no job figure and no tile.` : ""}`;
      },
    },
    { id: "table", name: "Table", title: "Table", isThere: () => true, isText: true },
    { id: "bubble", name: "Pay", title: "Against pay and jobs", ...site.scatter.bubble, caption: (layer) => `Size: jobs. Colour: ${layer.title}.${site.scatter.bubble.note(layer)}` },
    { id: "ranked", name: "Ranking", title: "Ranked", ...site.bars.ranked, caption: (layer, at, matches) => `${layer.title}.${site.bars.ranked.note(layer, at, matches)}` },
    { id: "outlook", name: "Outlook", title: "Against projected outlook", ...site.scatter.outlook, caption: (layer) => `Size: jobs. Colour: ${layer.title}.${site.scatter.outlook.note(layer)}` },
    { id: "quadrants", name: "Quadrants", title: "Four quadrants", ...site.scatter.quadrants, caption: (layer) => `Size: jobs. Colour: ${layer.title}.${site.scatter.quadrants.note(layer)}` },
    { id: "compare", name: "Compare", title: "Two layers against each other", ...site.scatter.compare, caption: (layer, at) => `Size: jobs. Colour: ${layer.title}.${site.scatter.compare.note(layer, at)}` },
    { id: "agreement", name: "Agreement", title: "Agreement with published indices", ...site.agreement.view },
    { id: "changes", name: "Changes", title: "What changed", ...site.changes.view },
    { id: "method", name: "Method", title: "Method", ...site.method.view },
  ];

  /** What is on the page now. */
  let shown = { layer: null, matches: [], set: new Set(), view: VIEWS[0] };

  const viewOf = (at, layer) => VIEWS.find((view) => view.id === at.view && view.isThere(layer)) || VIEWS[0];

  /** Who answered, or who estimated. */
  function modelsOf(layer, isEstimate) {
    const of = layer.answers.filter((answer) => (answer.scorer === "baseline") === isEstimate);
    return [...new Set(of.map((answer) => answer.model || answer.scorer))].join(" and ");
  }

  function header(layer, view, at) {
    document.title = `${layer.title} – ${view.title} – Occupations`;
    byId("question").replaceChildren(foreign(layer.title));
    byId("question-description").replaceChildren(foreign(layer.description || ""));
    const { documents } = layer;
    const dates = layer.answers.map((answer) => answer.date).filter(Boolean).sort();
    const hashes = [...new Set(layer.answers.map((answer) => answer.prompt_hash).filter(Boolean))];
    const jobs = site.figures.jobs(documents.docs);
    const parts = [[`${formats.count(documents.docs.length)} occupations`, documents.hasJobs ? `, ${formats.short(jobs)} jobs` : ""]];
    if (layer.kind !== "figure") parts.push([`Scale ${formats.score(layer.low)} to ${formats.score(layer.high)}`]);
    const answered = modelsOf(layer, false);
    const estimated = modelsOf(layer, true);
    if (answered) parts.push(["Answered by ", foreign(answered), ...(estimated ? [", the others estimated by ", foreign(estimated)] : [])]);
    else if (estimated) parts.push(["Estimated by ", foreign(estimated)]);
    if (dates.length) parts.push([formats.date(dates[dates.length - 1])]);
    if (hashes.length) parts.push([hashes.length === 1 ? "Version " : "Versions ", ...hashes.slice(0, 3).map((hash) => el("code", {}, hash.slice(0, 12)))]);
    if (layer.kind === "figure" && layer.sources.length) parts.push([layer.sources.length > 1 ? "Sources: " : "Source: ", foreign(layer.sources.join("; "))]);
    fill(byId("byline"), ...parts.map((part) => el("li", {}, ...part)));
    byId("about-title").textContent = `${layer.isBaseline ? "Estimates of the baseline, no language model. " : ""}About these figures`;
    const scored = view.baselines ? view.baselines(layer, at) : [layer];
    const notes = [
      site.content.sample_note,
      scored.some((one) => one && one.isBaseline) ? site.content.baseline_note : null,
      scored.some((one) => one && one.isBaseline && one.owner.quadrants) ? site.content.baseline_quadrants_note : null,
      layer.out_of_date ? `These are earlier answers: the prompt's file cannot be used now (${layer.out_of_date}).` : null,
    ];
    fill(byId("notes"), ...notes.filter(Boolean).map((note) => el("p", { class: "notice" }, foreign(note))));
  }

  /** The links to the views; they stay the same elements, so that the focus stays on the one that was chosen. */
  function navigation(layer, view) {
    const list = byId("views");
    if (!list.children.length) list.append(...VIEWS.map((one) => el("li", {}, el("a", { "data-view": one.id }, one.name))));
    VIEWS.forEach((one, index) => {
      const item = list.children[index];
      const link = item.firstElementChild;
      item.hidden = !one.isThere(layer);
      link.href = state.link({ view: one.id });
      if (one === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
  }

  /** On a narrow screen the views are a row that scrolls: the current one is brought into it. */
  function showCurrentView() {
    const row = byId("views").parentElement;
    const current = row.querySelector("[aria-current]");
    row.scrollLeft = Math.max(0, current.offsetLeft - row.offsetLeft - 40);
  }

  function layerChoice(layer) {
    const select = byId("layer");
    if (!select.options.length) {
      const groups = [
        ["Questions", (one) => one.kind === "score"],
        ["Parts of a question", (one) => one.kind === "attribute"],
        ["Figures", (one) => one.kind === "figure"],
      ];
      for (const [name, has] of groups) {
        const members = store.layers.filter(has);
        const label = (one) => (store.sets.size > 1 && one.kind === "figure" && !one.documents.is_joined_on ? `${one.title} (${one.documents.title})` : one.title);
        if (members.length) select.append(el("optgroup", { label: name }, ...members.map((one) => el("option", { value: one.id }, label(one)))));
      }
    }
    select.value = layer.id;
  }

  function frame(view, layer, at) {
    document.body.dataset.view = view.id;
    byId("view-title").textContent = view.title;
    byId("chart").hidden = Boolean(view.isText);
    byId("legend").hidden = Boolean(view.isText) || view.id === "changes";
    byId("download-png").hidden = Boolean(view.isText);
    byId("view-controls").replaceChildren();
    byId("view-notes").replaceChildren();
    if (view.controls) view.controls(byId("view-controls"), layer, at);
    const zoomed = view.id === "map" && at.cat !== null;
    byId("zoom-out").hidden = !zoomed;
  }

  function caption(view, layer, at, matches) {
    byId("view-caption").textContent = view.caption ? view.caption(layer, at, matches) : "";
    const name = `${view.title}. ${view.caption ? view.caption(layer, at, matches) : ""} The table below has the same occupations.`;
    byId("chart").setAttribute("aria-label", name);
  }

  const HEIGHTS = { least: 560, most: 900, below: 64 };

  /** Width of the chart's place, and a height with which chart and legend fit the window, if it is not too low. */
  function chartSize() {
    const place = byId("chart-place").getBoundingClientRect();
    const width = Math.floor(place.width);
    if (width < 560) return { width, height: Math.round(width * (shown.view.id === "map" ? 2.2 : 1.5)) };
    const room = innerHeight - (place.top + scrollY) - HEIGHTS.below;
    return { width, height: Math.round(Math.min(Math.max(room, HEIGHTS.least), width * 0.85, HEIGHTS.most)) };
  }

  let drawing = 0;
  let drawnKind = null;

  /** Draws the view's chart in a later task, so that text, figures and table come first. */
  function scheduleChart() {
    cancelAnimationFrame(drawing);
    drawing = requestAnimationFrame(() => setTimeout(drawCharts));
  }

  async function drawCharts() {
    showCurrentView();
    const { view, layer, set } = shown;
    const at = state.get();
    try {
      await site.charts.library();
    } catch {
      byId("chart-missing").hidden = false;
      return;
    }
    if (view !== shown.view || layer !== shown.layer) return;
    if (!view.isText) {
      const element = byId("chart");
      if (drawnKind !== view.id) {
        site.charts.clear(element);
        drawnKind = view.id;
      }
      await view.draw(element, layer, set, at, chartSize());
      performance.mark(`site:${view.id}`);
    }
    const histogram = byId("histogram");
    await site.bars.histogram(histogram, layer, shown.matches, at.at ?? layer.threshold, { width: histogram.clientWidth, height: 116 });
    document.body.dataset.drawn = `${view.id} ${layer.id}`;
  }

  /** Parts of the page are made anew with the state: what had the focus gets it back, or the panel it was in does. */
  function keepingFocus(work) {
    const focused = document.activeElement;
    const wasInPanel = byId("detail").contains(focused);
    work();
    if (focused.isConnected) return;
    const again = focused.id ? byId(focused.id) : wasInPanel ? byId("detail-title") : null;
    if (again) again.focus({ preventScroll: true });
  }

  const render = (at, options) => keepingFocus(() => renderAll(at, options));

  /** Everything, from the state. */
  function renderAll(at, { isFirst = false } = {}) {
    const layer = store.layerById.get(at.layer);
    const view = viewOf(at, layer);
    const matches = layer.documents.docs.filter(filters.matcher(layer, at));
    shown = { layer, view, matches, set: new Set(matches) };
    delete document.body.dataset.drawn;
    header(layer, view, at);
    navigation(layer, view);
    layerChoice(layer);
    filters.show(layer, at, matches);
    frame(view, layer, at);
    caption(view, layer, at, shown.set);
    panel.show(layer, matches, at.at);
    if (view.notes) view.notes(byId("view-notes"), layer, shown.set, at);
    site.detail.show(layer, at.id);
    table.show(layer, matches, at, site.theme.isDark() ? "dark" : "light");
    if (isFirst) performance.mark("site:text");
    scheduleChart();
  }

  const SMALL = new Set(["at", "id"]);

  /** What changed decides how much is done: the threshold and the selection only repaint. */
  function onChange(at, keys, event) {
    const isSmall = [...keys].every((key) => SMALL.has(key));
    const { layer, view, matches, set } = shown;
    if (!isSmall || layer.id !== at.layer) {
      if (keys.has("view") && keys.size === 1) scrollToTop();
      render(at);
      return;
    }
    const start = event ? event.timeStamp : performance.now();
    if (keys.has("at")) {
      panel.threshold(layer, matches, at.at);
      performance.measure("site:threshold-counts", { start });
      repaint(() => {
        site.bars.paintHistogram(byId("histogram"), layer, at.at ?? layer.threshold);
        paintChart(view, layer, set, at);
        performance.measure("site:threshold-map", { start });
      });
    }
    if (keys.has("id")) {
      site.detail.show(layer, at.id);
      table.select(at.id);
      navigation(layer, view);
      repaint(() => paintChart(view, layer, set, at));
    }
  }

  let repainting = 0;

  function repaint(paint) {
    cancelAnimationFrame(repainting);
    repainting = requestAnimationFrame(paint);
  }

  function paintChart(view, layer, set, at) {
    if (view.isText) return;
    if (view.id === "map" && site.treemap.paint(layer, set, at)) return;
    scheduleChart();
  }

  const scrollToTop = () => byId("stage").scrollIntoView({ block: "nearest" });

  /** Widths change with the window and with the panel: the chart is drawn again once they rest. */
  function watchSize() {
    let width = null;
    let timer = 0;
    new ResizeObserver(([{ contentRect }]) => {
      const isFirst = width === null;
      if (contentRect.width === width || contentRect.width === 0) return;
      width = contentRect.width;
      if (isFirst) return;
      clearTimeout(timer);
      timer = setTimeout(scheduleChart, 120);
    }).observe(byId("chart-place"));
  }

  function start() {
    site.theme.start(byId("theme"), () => render(state.get()));
    filters.start();
    site.search.start();
    panel.start();
    table.start();
    site.detail.start();
    site.downloads.start(() => ({ ...shown, caption: byId("view-caption").textContent }));
    // on a wide screen what is said of the figures is always there; on a narrow one the map comes first
    const wide = matchMedia("(min-width: 60rem)");
    const place = () => byId("about").toggleAttribute("open", wide.matches);
    wide.addEventListener("change", place);
    place();
    byId("layer").addEventListener("change", (event) => state.set({ layer: event.target.value }));
    byId("zoom-out").addEventListener("click", () => {
      state.set({ cat: null });
      byId("filter-category").focus();
    });
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault(); // the address after # holds the state
      byId("content").focus();
    });
    fill(
      byId("sources"),
      ...site.content.sources.map(site.text.credited),
    );
    byId("caveats").textContent = site.content.caveats;
    byId("made").replaceChildren(`exposure_dagster ${site.content.version}, publication `, el("code", {}, site.content.digest), ".");
    state.listen(onChange);
    render(state.get(), { isFirst: true });
    watchSize();
  }

  start();
})();
