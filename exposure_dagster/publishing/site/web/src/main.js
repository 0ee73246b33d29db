/**
 * Puts the parts together: from a state to what is on the page.
 */
import * as agreement from "./agreement.js";
import * as ask from "./ask.js";
import * as bars from "./bars.js";
import * as card from "./card.js";
import * as changes from "./changes.js";
import { content } from "./content.js";
import * as detail from "./detail.js";
import * as downloads from "./downloads.js";
import * as filters from "./filters.js";
import * as header from "./header.js";
import * as method from "./method.js";
import * as mix from "./mix.js";
import * as panel from "./panel.js";
import * as replay from "./replay.js";
import * as scatter from "./scatter.js";
import * as search from "./search.js";
import * as share from "./share.js";
import * as side from "./side.js";
import * as state from "./state.js";
import * as store from "./store.js";
import * as story from "./story.js";
import * as table from "./table.js";
import { byId, credited, el, fill } from "./text.js";
import * as theme from "./theme.js";
import * as treemap from "./treemap.js";

/**
 * A view: `draw` makes its chart, `find` says what a part of it stands for, `controls` and `notes` fill what stands
 * above and below it. `isThere` says whether a layer has it, `baselines` whose scores it shows besides the layer's,
 * `wants` that it cannot do without what `more.js` has, `followsThreshold` that its notes change with the threshold.
 * @typedef {{id: string, name: string, title: string, isThere: (layer: any) => boolean, draw?: any, find?: any, controls?: any, notes?: any, caption?: any, baselines?: any, isText?: boolean, wants?: boolean, followsThreshold?: boolean}} View
 */

const ofPoints = (note) => (layer, at, matches) => `Size: jobs. Colour: ${layer.title}.${note(layer, at, matches)}`;

/** @type {View[]} */
const VIEWS = [
  { id: "map", name: "Map", title: "Map", isThere: () => true, draw: treemap.draw, find: treemap.find, caption: treemap.caption, controls: replay.controls },
  { id: "table", name: "Table", title: "Table", isThere: () => true, isText: true },
  { id: "bubble", name: "Pay", title: "Against pay and jobs", ...scatter.bubble, find: scatter.find, caption: ofPoints(scatter.bubble.note) },
  { id: "ranked", name: "Ranking", title: "Ranked", ...bars.ranked, find: bars.find, caption: (layer, at, matches) => `${layer.title}.${bars.ranked.note(layer, at, matches)}` },
  { id: "outlook", name: "Outlook", title: "Against projected outlook", ...scatter.outlook, find: scatter.find, caption: ofPoints(scatter.outlook.note) },
  { id: "quadrants", name: "Quadrants", title: "Four quadrants", ...scatter.quadrants, find: scatter.find, caption: ofPoints(scatter.quadrants.note) },
  { id: "compare", name: "Compare", title: "Two layers against each other", ...scatter.compare, find: scatter.find, caption: ofPoints(scatter.compare.note) },
  { id: "side", name: "Side by side", title: "Side by side", ...side.view, wants: true },
  { id: "agreement", name: "Agreement", title: "Agreement with published indices", ...agreement.view, find: scatter.find, wants: true },
  { id: "changes", name: "Changes", title: "What changed", ...changes.view, find: scatter.find, wants: true },
  { id: "method", name: "Method", title: "Method", ...method.view, wants: true },
];

/** What is on the page now. */
let shown = { layer: null, matches: [], set: new Set(), view: VIEWS[0] };

const viewOf = (at, layer) => VIEWS.find((view) => view.id === at.view && view.isThere(layer)) || VIEWS[0];

function frame(view, layer, at) {
  document.body.dataset.view = view.id;
  byId("view-title").textContent = view.title;
  byId("chart").hidden = Boolean(view.isText);
  byId("chart").setAttribute("role", view.id === "map" ? "group" : "img");
  byId("legend").hidden = Boolean(view.isText) || view.id === "changes";
  byId("download-png").hidden = Boolean(view.isText);
  byId("view-controls").replaceChildren();
  byId("view-notes").replaceChildren();
  if (view.controls) view.controls(byId("view-controls"), layer, at);
  byId("zoom-out").hidden = view.id !== "map" || at.cat === null;
}

function caption(view, layer, at, matches) {
  const text = view.caption ? view.caption(layer, at, matches) : "";
  byId("view-caption").textContent = text;
  byId("chart").setAttribute("aria-label", `${view.title}. ${text} The table below has the same occupations.`);
}

/** The chart's place, whose size is the sheet's; a view that is as long as it needs to be takes its width alone. */
function chartSize() {
  const place = byId("chart-place");
  return { width: place.clientWidth, height: Math.max(320, place.clientHeight) };
}

let drawing = 0;
let drawnKind = null;
let drawnSize = { width: 0, height: 0 };

/** Draws the view's chart in the next frame, so that several changes make one drawing. */
function scheduleChart() {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(drawCharts);
}

function drawCharts() {
  const { view, layer, set } = shown;
  const at = state.get();
  if (!view.isText) {
    card.paint(layer);
    drawnSize = chartSize();
    view.draw(byId("chart"), layer, set, at, drawnSize);
    drawnKind = view.id;
    performance.mark(`site:${view.id}`);
  } else if (drawnKind !== view.id) {
    byId("chart").replaceChildren();
    drawnKind = view.id;
  }
  header.showCurrent();
  detail.place();
  below.draw();
  document.body.dataset.drawn = `${view.id} ${layer.id}`;
}

/** What lies below the first screen: made when somebody comes near it, by whatever way. */
const below = (() => {
  let isNear = false;
  let isStale = true;
  let isSeen = false;
  let waiting = 0;

  /** Layers are often looked at one after the other. */
  const LATER_MS = 1200;

  const whenIdle = (work) => ("requestIdleCallback" in globalThis ? requestIdleCallback(work, { timeout: 3000 }) : setTimeout(work, 500));

  /** At once where it is seen; otherwise when nothing else is to do, for those who come there without moving the window. */
  function draw() {
    if (!isNear || !isStale) return;
    if (isSeen) make();
    else {
      clearTimeout(waiting);
      waiting = setTimeout(() => whenIdle(make), LATER_MS);
    }
  }

  function make() {
    clearTimeout(waiting);
    if (!isStale) return;
    isStale = false;
    const { layer, matches } = shown;
    const at = state.get();
    panel.show(layer, matches, at.at);
    table.show(layer, matches, at, theme.isDark() ? "dark" : "light");
    drawHistogram();
    byId("lower").removeAttribute("aria-busy");
  }

  function come() {
    isNear = true;
    make();
  }

  return {
    draw,
    isDrawn: () => isNear && !isStale,
    stale: () => {
      isStale = true;
      byId("lower").setAttribute("aria-busy", "true");
    },
    come,
    start() {
      new IntersectionObserver(
        ([entry]) => {
          isSeen = entry.isIntersecting;
          if (isSeen) come();
        },
        { rootMargin: "-40px" },
      ).observe(byId("figures").parentElement);
      addEventListener("beforeprint", come);
      setTimeout(() => whenIdle(come), LATER_MS);
      byId("list").addEventListener("focusin", come);
    },
  };
})();

/** As the browser last laid it out: to ask for it while the page is changed would have all of it laid out at once. */
let histogramWidth = 0;

function drawHistogram() {
  const { layer, matches } = shown;
  if (histogramWidth) bars.histogram(byId("histogram"), layer, matches, state.get().at ?? layer.threshold, { width: histogramWidth, height: 116 });
}

/** Parts of the page are made anew with the state: what had the focus gets it back, or the panel it was in does. */
function keepingFocus(work) {
  const focused = document.activeElement;
  const wasInPanel = byId("detail").contains(focused);
  work();
  if (!focused || focused.isConnected) return;
  const again = focused.id ? byId(focused.id) : wasInPanel ? byId("detail-title") : null;
  if (again) again.focus({ preventScroll: true });
}

const render = (at) => keepingFocus(() => renderAll(at));

/** Everything, from the state. */
function renderAll(at) {
  const standing = store.layerById.get(at.layer);
  mix.apply(standing, at);
  const layer = replay.asOf(standing, at);
  const view = viewOf(at, layer);
  const matches = layer.documents.docs.filter(filters.matcher(layer, at));
  shown = { layer, view, matches, set: new Set(matches) };
  delete document.body.dataset.drawn;
  header.show(layer, VIEWS, view, at, matches);
  filters.show(layer, at, matches);
  frame(view, layer, at);
  caption(view, layer, at, shown.set);
  panel.scale(layer, at.at);
  mix.controls(layer, at);
  story.show(at);
  if (view.notes) view.notes(byId("view-notes"), layer, shown.set, at);
  detail.show(layer, at.id);
  below.stale();
  if (view.id === "table") below.come();
  // the first one at once: a frame without it would be laid out and painted for nothing
  if (drawnKind === null) drawCharts();
  else scheduleChart();
  if (view.wants || at.id !== null) wantMore();
}

/** Loads reasons, other names and the like, and puts them where they are wanted: the chart stays as it is. */
function wantMore() {
  if (store.isComplete) return;
  store.more().then(() => {
    const { layer, view, set } = shown;
    const at = state.get();
    keepingFocus(() => {
      if (view.notes) view.notes(byId("view-notes"), layer, set, at);
      detail.show(layer, at.id);
    });
  });
}

const SMALL = new Set(["at", "id"]);

/** What changed decides how much is done: the threshold and the selection only repaint. */
function onChange(at, keys, event) {
  const isSmall = [...keys].every((key) => SMALL.has(key));
  const { layer, view, matches, set } = shown;
  if (!isSmall || layer.id !== at.layer) {
    if (keys.has("view") && keys.size === 1) byId("stage").scrollIntoView({ block: "nearest" });
    render(at);
    return;
  }
  const start = event ? event.timeStamp : performance.now();
  if (keys.has("at")) {
    panel.scale(layer, at.at);
    header.finding(layer, matches, at.at);
    if (view.followsThreshold) view.notes(byId("view-notes"), layer, set, at);
    if (below.isDrawn()) panel.threshold(layer, matches, at.at);
    performance.measure("site:threshold-counts", { start });
    repaint(() => {
      bars.paintHistogram(byId("histogram"), layer, at.at ?? layer.threshold);
      paintChart(view, layer, set, at);
      performance.measure("site:threshold-map", { start });
    });
  }
  if (keys.has("id")) {
    if (at.id !== null) wantMore();
    detail.show(layer, at.id);
    table.select(at.id);
    header.links(layer);
    repaint(() => {
      paintChart(view, layer, set, at);
      detail.place();
    });
  }
}

let repainting = 0;

function repaint(paint) {
  cancelAnimationFrame(repainting);
  repainting = requestAnimationFrame(paint);
}

function paintChart(view, layer, set, at) {
  if (view.isText) return;
  if (view.id === "map" && treemap.paint(layer, set, at)) return;
  scheduleChart();
}

/** Sizes change with the window: the chart is drawn again once they rest. */
function watchSize() {
  let timer = 0;
  new ResizeObserver(([{ contentRect }]) => {
    const { width, height } = drawnSize;
    const isSame = Math.abs(contentRect.width - width) < 1 && (Math.abs(contentRect.height - height) < 1 || shown.view.id === "ranked");
    if (isSame || contentRect.width === 0) return;
    clearTimeout(timer);
    timer = setTimeout(scheduleChart, 120);
  }).observe(byId("chart-place"));
  new ResizeObserver(([{ contentRect }]) => {
    if (Math.round(contentRect.width) === histogramWidth) return;
    histogramWidth = Math.round(contentRect.width);
    if (below.isDrawn()) drawHistogram();
  }).observe(byId("histogram"));
}

/** The address after # holds the state, and so cannot name a part of the page. */
function skip(id, to) {
  byId(id).addEventListener("click", (event) => {
    event.preventDefault();
    to();
  });
}

function start() {
  theme.start(byId("theme"), () => {
    treemap.forget();
    card.forget();
    render(state.get());
  });
  header.start(VIEWS);
  filters.start();
  search.start();
  panel.start();
  table.start();
  detail.start();
  card.start();
  card.follow(byId("chart"), (target) => {
    if (!store.isComplete) store.more();
    return shown.view.find ? shown.view.find(target) : null;
  });
  downloads.start(() => ({ ...shown, caption: byId("view-caption").textContent }));
  share.start();
  story.start();
  ask.start();
  byId("mix-start").addEventListener("click", () => state.set({ layer: mix.idOf(shown.layer) }));
  byId("chart").addEventListener("focusin", () => store.more());
  byId("view-notes").addEventListener("redraw", () => render(state.get()));
  byId("zoom-out").addEventListener("click", () => {
    state.set({ cat: null });
    (byId("chart").querySelector('[tabindex="0"]') || byId("filters-toggle")).focus({ preventScroll: true });
  });
  skip("skip", () => (byId("chart").querySelector('[tabindex="0"]') || byId("chart")).focus());
  skip("skip-table", () => {
    below.come();
    (byId("table-body").querySelector('[tabindex="0"]') || byId("list")).focus();
  });
  fill(byId("sources"), ...content.sources.map(credited));
  byId("caveats").textContent = content.caveats;
  byId("made").replaceChildren(`exposure_dagster ${content.version}, publication `, el("code", {}, content.digest), ".");
  state.listen(onChange);
  render(state.get());
  performance.mark("site:text");
  watchSize();
  below.start();
}

start();
