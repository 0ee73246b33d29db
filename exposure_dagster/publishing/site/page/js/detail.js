/**
 * The panel about one occupation: score, reason, who answered, all layers, figures, sources.
 */
site.detail = (() => {
  const { figures, formats, scales, state, store } = site;
  const { el, foreign, fill, byId } = site.text;

  /** Where the focus was when the panel was opened, to return to. */
  let origin = null;

  function open(id, from) {
    origin = from || null;
    const isSame = state.get().id === id;
    state.set({ id });
    if (isSame) site.detail.show(store.layerById.get(state.get().layer), id);
    byId("detail-title").focus({ preventScroll: !isCovering() });
  }

  /** On a narrow screen the panel lies over the page. */
  const isCovering = () => getComputedStyle(byId("detail")).position === "fixed";

  function close() {
    state.set({ id: null });
    const target = origin && origin.isConnected && !origin.hidden ? origin : byId("search");
    target.focus({ preventScroll: true });
    origin = null;
  }

  function start() {
    byId("detail-close").addEventListener("click", close);
    byId("detail").addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
    });
  }

  const row = (name, value) => (value === null || value === undefined || value === "" ? null : el("div", {}, el("dt", {}, name), el("dd", {}, value instanceof Node ? value : foreign(String(value)))));

  function chip(layer, value) {
    const square = el("span", { class: "swatch", "aria-hidden": "true" });
    square.style.backgroundColor = scales.colour(layer, value);
    return square;
  }

  function standing(layer, doc) {
    const value = layer.value[doc.index];
    const parts = [];
    if (value !== null && layer.kind !== "figure") {
      const rank = (layer.rank || figures.ranks(layer.value))[doc.index];
      const scored = layer.value.filter((one) => one !== null).length;
      parts.push(`rank ${formats.count(rank)} of ${formats.count(scored)}`);
    }
    const group = layer.hasTiers || layer.unit === "percent" ? store.groupOf(layer, doc) : null;
    if (group) parts.unshift(group.label);
    return parts.join(", ");
  }

  /** The interval of the score and of its rank, and how sure its tier is; then why, or why there is none. */
  function sureness(layer, doc) {
    if (layer.value[doc.index] === null || layer.kind === "figure") return [];
    const interval = store.intervalOf(layer, doc);
    const parts = [];
    if (interval) {
      const { rank, kept } = layer.sure;
      parts.push(`90% interval ${formats.interval(layer, interval)}`);
      if (rank && rank[0][doc.index] !== null) parts.push(`rank ${formats.count(rank[0][doc.index])} to ${formats.count(rank[1][doc.index])}`);
      if (kept[doc.index] !== null) parts.push(`${kept[doc.index]}% likely in this tier`);
    }
    return [parts.length ? el("p", { class: "standing" }, parts.join(", ")) : null, site.panel.badge(layer, doc)];
  }

  /** Spread of the samples, or of the values behind a mean, where there is one. */
  function uncertainty(layer, doc) {
    const sd = layer.sd ? layer.sd[doc.index] : null;
    if (sd !== null && sd !== undefined) return `± ${formats.score(sd)} (standard deviation of repeated answers)`;
    const span = layer.range ? layer.range[doc.index] : null;
    if (span && span[0] !== null && span[0] !== span[1]) return `from ${formats.score(span[0])} to ${formats.score(span[1])} over its O*NET occupations`;
    return null;
  }

  function verdict(layer, doc) {
    const value = layer.value[doc.index];
    const spread = uncertainty(layer, doc);
    const big = el("p", { class: "verdict" }, el("strong", {}, formats.valueOf(layer, doc)));
    if (layer.kind !== "figure") big.append(el("span", { class: "quiet" }, ` on a scale of ${formats.score(layer.low)} to ${formats.score(layer.high)}`));
    const place = standing(layer, doc);
    return [
      el("p", { class: "verdict-layer" }, chip(layer, value), foreign(layer.title)),
      big,
      place ? el("p", { class: "standing" }, place) : null,
      spread ? el("p", { class: "standing" }, spread) : null,
      ...sureness(layer, doc),
    ];
  }

  /** The reason, and who gave it, when, to which version of the question. */
  function answer(layer, doc) {
    const given = store.answerOf(layer, doc);
    const reason = layer.rationale ? layer.rationale[doc.index] : null;
    const status = layer.status ? layer.status.names[layer.status.at[doc.index]] : null;
    const parts = [];
    if (status && status !== "ok") parts.push(el("p", { class: "notice" }, status === "refused" ? "The model refused to answer for this occupation." : "There is no valid answer for this occupation yet."));
    if (reason) parts.push(el("blockquote", { class: "reason" }, foreign(reason)));
    if (given) {
      const isBaseline = given.scorer === "baseline";
      parts.push(
        el(
          "p",
          { class: "quiet by" },
          isBaseline ? "Estimated by the bundled " : "Answered by ",
          foreign(given.model || given.scorer),
          isBaseline ? " (text statistics, no language model)" : "",
          given.date ? ` on ${formats.date(given.date)}` : "",
          given.prompt_hash ? ", prompt version " : "",
          given.prompt_hash ? el("code", {}, given.prompt_hash.slice(0, 12)) : null,
          ".",
        ),
      );
    }
    return parts;
  }

  function intervalBeside(layer, doc) {
    const interval = store.intervalOf(layer, doc);
    return interval ? el("span", { class: "interval" }, ` (${formats.interval(layer, interval)})`) : null;
  }

  function layerTable(current, doc) {
    const rows = layersOf(current.documents, doc).map(([layer, value]) => {
      const isCurrent = layer === current;
      return el(
        "tr",
        { class: layer.kind === "attribute" ? "is-part" : null },
        el("th", { scope: "row" }, el("a", { href: state.link({ layer: layer.id }), "aria-current": isCurrent ? "true" : null }, foreign(layer.title))),
        el("td", { class: "number" }, chip(layer, value), formats.valueOf(layer, doc), intervalBeside(layer, doc)),
      );
    });
    return el("table", { class: "layers" }, el("caption", {}, "All layers"), el("tbody", {}, ...rows));
  }

  /** Every layer of a set with a document's value, an attribute below the prompt that it is part of. */
  function layersOf(documents, doc) {
    const own = documents.layers;
    const parts = (layer) => own.filter((part) => part.kind === "attribute" && part.owner === layer);
    return own
      .filter((layer) => layer.kind !== "attribute")
      .flatMap((layer) => [layer, ...parts(layer)])
      .map((layer) => [layer, layer.value[doc.index]]);
  }

  function facts(layer, doc) {
    const { years } = layer.documents;
    const period = years.base && years.projection ? `, ${years.base}–${years.projection}` : "";
    const outlook = doc.outlook === null ? doc.outlookPhrase : `${formats.percent(doc.outlook)}${doc.outlookPhrase ? ` (${doc.outlookPhrase.toLowerCase()})` : ""}`;
    return el(
      "dl",
      { class: "facts" },
      row("Jobs" + (years.base ? ` in ${years.base}` : ""), doc.jobs === null ? "not published" : formats.jobs(doc)),
      row("Median pay" + (years.pay ? `, ${years.pay}` : ""), doc.pay === null && doc.payHourly === null ? "not published" : formats.pay(doc) + (doc.pay === null ? ", no annual figure" : " a year")),
      row(`Outlook${period}`, outlook),
      row("Change in jobs", doc.change === null ? null : formats.signed(doc.change)),
      row("Openings a year", doc.openings === null ? null : formats.count(doc.openings) + (doc.share ? ` (all of SOC ${doc.share.soc})` : "")),
      row("Education", doc.education === null ? null : site.content.education[doc.education]),
      row("Experience", doc.experience),
      row("Training", doc.training),
      row("Job zone", doc.jobZone),
      row("SOC", doc.soc),
      row("O*NET", doc.codes.length ? doc.codes.join(", ") : null),
      ...doc.classifications.map(([name, codes]) => row(name, codes.length ? codes.join(", ") : null)),
    );
  }

  /** What more is known: lists under headings. An item that is another occupation of the map leads there. */
  function sections(doc) {
    if (!doc.sections.length) return null;
    const list = (items) => el("ul", { class: "plain" }, ...items.map(({ name, id }) => el("li", {}, id === null ? foreign(name) : el("a", { href: state.link({ id }) }, foreign(name)))));
    return el("dl", { class: "facts" }, ...doc.sections.map(({ title, items }) => row(title, list(items))));
  }

  function aliases(doc) {
    if (!doc.aliases.length) return null;
    const shown = el("p", { class: "quiet" });
    doc.aliases.forEach((alias, at) => shown.append(...(at ? [", "] : []), foreign(alias)));
    return el("details", {}, el("summary", {}, `Also called (${doc.aliases.length})`), shown);
  }

  function sources(layer, doc) {
    const link = doc.url && /^https?:\/\//.test(doc.url) ? el("a", { href: doc.url, rel: "noreferrer", class: "out" }, layer.documents.link || "Its page") : null;
    return el("p", { class: "quiet" }, link, doc.modified ? `${link ? ", " : "Page "}last changed ${formats.date(doc.modified)}` : "");
  }

  /** Fills the panel, or hides it where nothing is selected. */
  function show(layer, id) {
    const panel = byId("detail");
    const doc = id === null ? null : layer.documents.byId.get(id);
    panel.hidden = !doc;
    document.body.classList.toggle("has-detail", Boolean(doc));
    if (!doc) return;
    byId("detail-title").replaceChildren(foreign(doc.title));
    fill(
      byId("detail-body"),
      el("p", { class: "quiet" }, foreign(doc.category)),
      doc.description ? el("p", {}, foreign(doc.description)) : null,
      ...verdict(layer, doc),
      ...answer(layer, doc),
      facts(layer, doc),
      layerTable(layer, doc),
      sections(doc),
      aliases(doc),
      sources(layer, doc),
    );
    byId("detail-body").scrollTop = 0;
  }

  return { open, close, start, show };
})();
