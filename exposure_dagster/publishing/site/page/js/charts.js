/**
 * The chart library: waiting for it, its looks, drawing without flicker, pictures.
 */
site.charts = (() => {
  const { byId } = site.text;
  const CONFIG = { displayModeBar: false, responsive: false, doubleClick: false, scrollZoom: false };

  let waiting = null;

  /** The library, once its file is there; rejects where it is missing. Made at the first call, since that takes a while. */
  function library() {
    waiting ??= new Promise((resolve, reject) => {
      const settle = () => {
        globalThis.Plotly ??= globalThis.makePlotly?.call(globalThis);
        if (globalThis.Plotly) resolve(globalThis.Plotly);
        else reject(new Error("plotly.min.js is missing"));
      };
      if (globalThis.makePlotly || globalThis.Plotly || document.readyState === "complete") settle();
      else {
        byId("chart-library").addEventListener("load", settle);
        addEventListener("load", settle);
      }
    });
    return waiting;
  }

  const font = (size = 12) => ({ family: getComputedStyle(document.body).fontFamily, size, color: site.theme.css("--ink") });

  /** What all charts share: no paper of their own, quiet lines, the page's font and colours. */
  function layout(own) {
    const line = site.theme.css("--rule");
    const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, tickfont: { ...font(11), color: site.theme.css("--quiet") }, fixedrange: true, automargin: true };
    const axes = Object.fromEntries(["xaxis", "yaxis"].map((name) => [name, { ...axis, ...own[name], title: titled(own[name]?.title) }]));
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: font(),
      showlegend: false,
      hovermode: "closest",
      dragmode: false,
      hoverlabel: { bgcolor: site.theme.css("--paper-raised"), bordercolor: site.theme.css("--ink"), font: font(12.5), align: "left", namelength: -1 },
      ...own,
      ...axes,
    };
  }

  const titled = (text) => (text ? { text, font: { ...font(12), color: site.theme.css("--quiet") }, standoff: 8 } : undefined);

  /** Draws a figure into an element. */
  async function draw(element, traces, own) {
    const Plotly = await library();
    await Plotly.react(element, traces, layout(own), CONFIG);
  }

  /** Changes properties of the first trace of a drawn figure. */
  async function restyle(element, changes) {
    const Plotly = await library();
    await Plotly.restyle(element, changes, [0]);
  }

  /**
   * Leaves an element out of the page's layout while the library works on it: it measures each label apart from the
   * chart, and each measurement would lay the whole chart out again.
   */
  async function unseen(element, work) {
    element.style.contentVisibility = "hidden";
    try {
      await work();
    } finally {
      element.style.contentVisibility = "";
    }
  }

  /** Takes a chart out of an element, with its listeners. */
  function clear(element) {
    if (globalThis.Plotly && element.data) globalThis.Plotly.purge(element);
    element.replaceChildren();
    element.removeAttribute("style");
    delete element.dataset.listens;
  }

  const pen = document.createElement("canvas").getContext("2d");

  /** A note in lines that are no wider than a width in pixels. */
  function lines(note, width) {
    pen.font = `11px ${font().family}`;
    const result = [];
    for (const word of note.split(" ")) {
      const longer = result.length ? `${result[result.length - 1]} ${word}` : word;
      if (result.length && pen.measureText(longer).width <= width) result[result.length - 1] = longer;
      else result.push(word);
    }
    return result;
  }

  const PICTURE = { top: 56, note: 16, strip: 200, stripHeight: 10, inset: 12 };

  /**
   * A PNG (data URL) of a drawn chart that can stand alone: with a title, a legend and notes.
   * @param {{colours: string[], low: string, high: string}|null} scale none where the view has another than the layer's
   * @param {string[]} sentences plain texts, which are wrapped to the picture's width
   */
  async function picture(element, title, scale, sentences) {
    const Plotly = await library();
    const { width, height, margin: own } = element.layout;
    const notes = sentences.flatMap((note) => lines(note, width - 2 * PICTURE.inset)).map(site.text.forChart);
    const quiet = { ...font(11), color: site.theme.css("--quiet") };
    const bottom = 22 + PICTURE.note * notes.length;
    const plot = { width: width - own.l - own.r, height: height - own.t - own.b };
    // places in pixels from the plot's upper left corner, as shares of the plot
    const across = (pixels) => pixels / plot.width;
    const down = (pixels) => 1 - pixels / plot.height;
    const text = (content, left, top, more = {}) => ({ text: content, x: across(left), y: down(top), xref: "paper", yref: "paper", xanchor: "left", yanchor: "top", showarrow: false, font: quiet, ...more });
    const strip = { left: PICTURE.inset - own.l, top: -PICTURE.top - own.t + 36 };
    const colours = scale ? scale.colours : [];
    const step = PICTURE.strip / colours.length;
    const shapes = colours.map((fillcolor, at) => ({
      type: "rect",
      xref: "paper",
      yref: "paper",
      x0: across(strip.left + 60 + at * step),
      x1: across(strip.left + 60 + (at + 1) * step),
      y0: down(strip.top + PICTURE.stripHeight),
      y1: down(strip.top),
      line: { width: 0 },
      fillcolor,
    }));
    const figure = {
      data: element.data.map(site.treemap.pictured),
      layout: {
        ...element.layout,
        height: height + PICTURE.top + bottom,
        paper_bgcolor: site.theme.css("--paper"),
        margin: { ...own, t: own.t + PICTURE.top, b: own.b + bottom },
        title: { text: title, x: 0, xref: "container", xanchor: "left", y: 1, yref: "container", yanchor: "top", pad: { l: PICTURE.inset, t: 10 }, font: font(18) },
        shapes: [...(element.layout.shapes || []), ...shapes],
        annotations: [
          ...(element.layout.annotations || []),
          ...(scale ? [text(`${scale.low} `, strip.left + 58, strip.top - 3, { xanchor: "right" }), text(` ${scale.high}`, strip.left + 62 + PICTURE.strip, strip.top - 3)] : []),
          ...notes.map((note, at) => text(note, PICTURE.inset - own.l, plot.height + own.b + 6 + at * PICTURE.note)),
        ],
      },
    };
    return Plotly.toImage(figure, { format: "png", width: Math.round(width), height: Math.round(figure.layout.height), scale: 2 });
  }

  return { library, draw, restyle, unseen, clear, font, picture };
})();
