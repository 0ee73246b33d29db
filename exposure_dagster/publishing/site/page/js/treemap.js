/**
 * The map: a treemap, area = jobs, grouped by category, colour = the layer.
 *
 * Colours change far more often than sizes. Where only they do, they are set on the drawn tiles (`paint`); the
 * library's own data are kept in step, so that a later drawing or picture shows the same.
 */
site.treemap = (() => {
  const { charts, formats, scales, state, store } = site;
  const { forChart } = site.text;
  const GAP = 1;
  const EDGES = 3;
  /** Height of a category's heading: on a narrow screen it takes less of its category's tile. */
  const headerOf = (size) => (size.width < 560 ? 14 : 20);
  const SMALLEST_FONT = 9.5;
  const LARGEST_FONT = 17;
  const LINE = 1.3;
  const INSET = 3;
  const headingFontOf = (size) => (size.width < 560 ? 10 : 12);
  const LEAST_LETTERS = 4;
  const NO_LABEL = { text: "", size: SMALLEST_FONT };
  const ROOT = "all";
  const CLEAR = "rgba(0,0,0,0)";

  const pen = document.createElement("canvas").getContext("2d");
  const widths = new Map();

  /** Width of a character at 1 px of font size. */
  function charWidth(char) {
    if (!widths.has(char)) {
      if (!widths.size) pen.font = `100px ${getComputedStyle(document.body).fontFamily}`;
      widths.set(char, pen.measureText(char).width / 100);
    }
    return widths.get(char);
  }

  /** Width of a text at 1 px of font size, near enough: a sum of characters, since there are thousands of words. */
  function unitWidth(text) {
    let width = 0;
    for (const char of text) width += charWidth(char);
    return width;
  }

  /** Words to lines no wider than a width (in units of font size). */
  function wrapped(text, width) {
    const lines = [];
    for (const word of text.split(/\s+/)) {
      const last = lines[lines.length - 1];
      if (last !== undefined && unitWidth(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`;
      else lines.push(word);
    }
    return lines;
  }

  /** As much of a text as is no wider than a width (in units of font size), or nothing where that says nothing. */
  function cut(text, width) {
    if (unitWidth(text) <= width) return text;
    for (let length = text.length - 1; length >= LEAST_LETTERS; length -= 1) {
      const shorter = `${text.slice(0, length).trimEnd()}…`;
      if (unitWidth(shorter) <= width) return shorter;
    }
    return "";
  }

  /** As many lines of a title as there is room for, long words cut. */
  function shortened(title, width, height) {
    const lines = wrapped(title, width / SMALLEST_FONT);
    const room = Math.max(0, Math.floor(height / (LINE * SMALLEST_FONT)));
    const kept = lines.slice(0, room).map((line) => cut(line, width / SMALLEST_FONT));
    if (!kept.length || kept.includes("")) return NO_LABEL;
    if (lines.length > room && !kept[room - 1].endsWith("…")) kept[room - 1] = cut(`${kept[room - 1]}…`, width / SMALLEST_FONT) || kept[room - 1];
    return { text: kept.map(forChart).join("<br>"), size: SMALLEST_FONT };
  }

  /** A label for a tile (pixels), in the largest font that fits, with the value below where there is room; or cut; or none. */
  function label(title, value, tile) {
    const [width, height] = [tile.width - 2 * INSET, tile.height - 2 * INSET];
    const largest = Math.min(LARGEST_FONT, Math.sqrt(tile.width * tile.height) / 6.5);
    for (let size = Math.max(SMALLEST_FONT, largest); size >= SMALLEST_FONT; size -= 0.5) {
      const lines = wrapped(title, width / size);
      if (lines.length * LINE * size > height || lines.some((line) => unitWidth(line) * size > width)) continue;
      const hasRoom = (lines.length + 1) * LINE * size <= height && unitWidth(value) * size <= width;
      return { text: [...lines.map(forChart), ...(hasRoom ? [value] : [])].join("<br>"), size };
    }
    return shortened(title, width, height);
  }

  /** A category's heading, cut to its tile's width. */
  const heading = (name, tile, fontSize) => forChart(cut(name, (tile.width - 2 * INSET) / fontSize));

  /**
   * By category, how much larger its tile has to be, so that beside heading and edges there is as much room a job as
   * elsewhere. Tiles are about square: as wide as the root of their area, and small ones rather wider.
   */
  function enlargements(areaOf, size) {
    const total = [...areaOf.values()].reduce((sum, area) => sum + area, 0);
    const pixels = (size.width * size.height) / (total || 1);
    return new Map([...areaOf].map(([name, area]) => [name, 1 + (1.3 * (headerOf(size) + EDGES)) / Math.sqrt(area * pixels)]));
  }

  function hover(layer, doc) {
    const group = layer.hasTiers ? store.groupOf(layer, doc) : null;
    const interval = store.intervalOf(layer, doc);
    const spread = interval ? ` (${formats.interval(layer, interval)})` : layer.sd && layer.sd[doc.index] !== null ? ` ± ${formats.score(layer.sd[doc.index])}` : "";
    const facts = [
      doc.jobs === null ? null : `${formats.count(doc.jobs)} jobs${doc.share ? ` (${doc.share.part} of SOC ${doc.share.soc})` : ""}`,
      doc.pay === null && doc.payHourly === null ? null : formats.pay(doc),
      doc.outlook === null ? null : `outlook ${formats.percent(doc.outlook)}`,
    ].filter(Boolean);
    return `${forChart(doc.title)}<br>${forChart(layer.title)}: ${formats.valueOf(layer, doc)}${spread}${group ? `, ${forChart(group.label)}${store.isUnsure(layer, doc) ? " (not sure)" : ""}` : ""}<br>${facts.join("  ·  ")}`;
  }

  /** Tiles of the shown category, or of all. */
  const drawn = (layer, at) => layer.documents.docs.filter((doc) => doc.area > 0 && (at.cat === null || doc.category === at.cat));

  /** Fill and ink of each document, after filters and threshold. */
  function looks(layer, docs, matches, at) {
    const ink = site.theme.css("--ink");
    const quiet = site.theme.css("--quiet");
    const line = site.theme.css("--paper");
    return docs.map((doc) => {
      const own = scales.colour(layer, layer.value[doc.index]);
      const isIn = matches.has(doc) && (at.at === null || store.reaches(layer.value[doc.index], at.at));
      const isSelected = doc.id === at.id;
      return {
        fill: isIn ? own : scales.faded(own),
        ink: isIn ? scales.inkOn(own) : quiet,
        line: isSelected ? ink : line,
        width: isSelected ? 3 : 0,
        hatch: isIn && store.isUnsure(layer, doc) ? scales.inkOn(own) : null,
      };
    });
  }

  /** The tiles, without labels: what fits is known only when they have been laid out. */
  function trace(layer, docs, matches, at, size) {
    const categories = [...new Set(docs.map((doc) => doc.category))].sort();
    const areaOf = new Map(categories.map((name) => [name, 0]));
    for (const doc of docs) areaOf.set(doc.category, areaOf.get(doc.category) + doc.area);
    const factor = enlargements(areaOf, size);
    const headingFont = headingFontOf(size);
    const faces = looks(layer, docs, matches, at);
    const [ground, ink] = [site.theme.css("--tile-ground"), site.theme.css("--ink")];
    const each = (ofRoot, ofCategory, ofDoc) => [ofRoot, ...categories.map(ofCategory), ...docs.map(ofDoc)];
    const nothing = () => "";
    const unit = layer.documents.hasJobs ? "jobs" : "occupations";
    return {
      type: "treemap",
      branchvalues: "remainder",
      ids: each(ROOT, (name) => `group ${name}`, (doc) => `doc ${doc.id}`),
      parents: each("", () => ROOT, (doc) => `group ${doc.category}`),
      values: each(0, () => 0, (doc) => doc.area * factor.get(doc.category)),
      // headings come from `labels`, the texts in tiles from `text`
      labels: each("", nothing, nothing),
      text: each("", nothing, nothing),
      textinfo: "text",
      textposition: "middle center",
      textfont: { size: each(headingFont, () => headingFont, () => SMALLEST_FONT), color: each(ink, () => ink, (doc, at_) => faces[at_].ink) },
      hoverinfo: "text",
      hovertext: each("", (name) => `${forChart(name)}<br>${formats.short(areaOf.get(name))} ${unit}`, (doc) => hover(layer, doc)),
      customdata: each("", (name) => name, nothing),
      marker: {
        colors: each(CLEAR, () => ground, (doc, at_) => faces[at_].fill),
        line: { width: each(0, () => 0, (doc, at_) => faces[at_].width), color: each(ground, () => ground, (doc, at_) => faces[at_].line) },
        pad: { t: headerOf(size), l: 1, r: 1, b: 1 },
        cornerradius: 1,
      },
      tiling: { packing: "squarify", squarifyratio: 1.1, pad: GAP },
      pathbar: { visible: false },
      root: { color: CLEAR },
      sort: true,
    };
  }

  const SVG = "http://www.w3.org/2000/svg";

  /** Lines over a tile whose tier is not sure, in the ink that reads on its colour; over the colour, below the text. */
  function hatch(tile, look) {
    let lines = tile.querySelector("path.hatch");
    if (!look.hatch) {
      if (lines) lines.remove();
      return;
    }
    const surface = tile.querySelector("path.surface");
    if (!lines) {
      lines = document.createElementNS(SVG, "path");
      lines.setAttribute("class", "hatch");
      surface.after(lines);
    }
    lines.setAttribute("d", surface.getAttribute("d"));
    lines.setAttribute("fill", `url(#hatch-${look.hatch === "#000000" ? "dark" : "light"})`);
  }

  /** The trace for a picture, which is drawn anew: with the library's own hatching. */
  function pictured(trace) {
    if (!last || trace !== last.element.data[0]) return trace;
    const marks = last.hatches();
    if (!marks.size) return trace;
    const shape = trace.ids.map((id) => (marks.has(id) ? "/" : ""));
    const fgcolor = trace.ids.map((id) => marks.get(id) ?? CLEAR);
    return { ...trace, marker: { ...trace.marker, pattern: { shape, fgcolor, bgcolor: trace.marker.colors, fgopacity: 0.35, size: 6, solidity: 0.2 } } };
  }

  /** What was drawn last: enough to paint it again. */
  let last = null;

  /** Each drawn tile's element and size in pixels, by its id. */
  function tilesOf(element) {
    const tiles = new Map();
    for (const tile of element.querySelectorAll("g.slice")) {
      const node = tile.__data__;
      const id = node?.data?.data?.id;
      if (id) tiles.set(id, { element: tile, width: node.x1 - node.x0, height: node.y1 - node.y0 });
    }
    return tiles;
  }

  /** What is written on the tiles, now that their sizes are known. */
  function writing(layer, docs, data, tiles, size) {
    const headingFont = headingFontOf(size);
    const byId = new Map(docs.map((doc) => [`doc ${doc.id}`, doc]));
    const written = data.ids.map((id) => {
      const doc = byId.get(id);
      return doc && tiles.has(id) ? label(doc.title, formats.valueOf(layer, doc, formats.shortValue), tiles.get(id)) : null;
    });
    return {
      labels: [data.ids.map((id, index) => (id.startsWith("group ") && tiles.has(id) ? heading(data.customdata[index], tiles.get(id), headingFont) : ""))],
      text: [written.map((one) => (one ? one.text : ""))],
      "textfont.size": [written.map((one) => (one ? one.size : headingFont))],
    };
  }

  async function draw(element, layer, matches, at, size) {
    const docs = drawn(layer, at);
    // the library leaves room for a heading above the whole: the page's frame cuts it off
    const own = { width: size.width, height: size.height + headerOf(size), margin: { t: 0, r: 0, b: 0, l: 0 } };
    element.style.marginTop = `${-headerOf(size)}px`;
    await charts.unseen(element, async () => {
      await charts.draw(element, [trace(layer, docs, matches, at, size)], own);
      await charts.restyle(element, writing(layer, docs, element.data[0], tilesOf(element), size));
    });
    if (!element.dataset.listens) {
      element.dataset.listens = "true";
      element.on("plotly_treemapclick", onClick);
    }
    const faces = looks(layer, docs, matches, at);
    last = { element, layer, docs, groups: element.data[0].ids.length - docs.length };
    mark(docs, faces);
    tidy(element);
  }

  /** Hatches the drawn tiles anew, and remembers which are, for pictures. */
  function mark(docs, faces) {
    const face = new Map(docs.map((doc, index) => [`doc ${doc.id}`, faces[index]]));
    for (const [id, { element }] of tilesOf(last.element)) if (face.has(id)) hatch(element, face.get(id));
    last.hatches = () => new Map([...face].filter(([, look]) => look.hatch).map(([id, look]) => [id, look.hatch]));
  }

  /** New colours on the tiles that are drawn; false where another drawing is needed. */
  function paint(layer, matches, at) {
    if (!last || last.layer !== layer || !last.element.isConnected) return false;
    const faces = looks(layer, last.docs, matches, at);
    const face = new Map(last.docs.map((doc, index) => [`doc ${doc.id}`, faces[index]]));
    for (const [id, { element }] of tilesOf(last.element)) {
      const look = face.get(id);
      if (!look) continue;
      const surface = element.querySelector("path.surface");
      surface.style.fill = look.fill;
      surface.style.stroke = look.line;
      surface.style.strokeWidth = `${look.width}px`;
      const text = element.querySelector("text");
      if (text) text.style.fill = look.ink;
    }
    mark(last.docs, faces);
    const { marker, textfont } = last.element.data[0];
    faces.forEach((look, index) => {
      const position = last.groups + index;
      marker.colors[position] = look.fill;
      marker.line.color[position] = look.line;
      marker.line.width[position] = look.width;
      textfont.color[position] = look.ink;
    });
    return true;
  }

  /** The picture is described by its label and by the table; its many texts would only be read out of order. */
  function tidy(element) {
    for (const drawing of element.querySelectorAll("svg")) drawing.setAttribute("aria-hidden", "true");
  }

  function onClick(event) {
    const id = event.points?.[0]?.id ?? "";
    const at = state.get();
    if (id.startsWith("doc ")) site.detail.open(id.slice(4));
    else if (id.startsWith("group ")) state.set({ cat: at.cat === null ? id.slice(6) : null });
    return false;
  }

  /** Documents that have no area and so no tile. */
  const undrawn = (layer, matches) => matches.filter((doc) => !(doc.area > 0));

  return { draw, paint, pictured, hover, undrawn, tidy };
})();
