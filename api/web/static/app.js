// What needs a script: whether the page is live, and the chart under the pointer. Everything else works without.
(() => {
  "use strict";
  const badge = document.getElementById("live");
  const say = (on) => {
    if (!badge) return;
    badge.className = "live " + (on ? "on" : "off");
    badge.textContent = badge.dataset[on ? "on" : "off"];
  };
  document.addEventListener("htmx:sse:after:connection", () => say(true));
  document.addEventListener("htmx:sse:error", () => say(false));
  document.addEventListener("htmx:sse:close", () => say(false));
  document.addEventListener("htmx:sse:before:connection", (event) => {
    if (event.detail && event.detail.connection && event.detail.connection.attempt > 0) say(false);
  });

  let plot = null;
  const number = (text) => (text === "" ? null : Number(text));
  const rows = () => [...document.querySelectorAll("#series tbody tr")].map((row) => row.dataset);
  // Steps of time: each level lasts until the next begins, the last closed one until the open one does, which is a dot at the end.
  const columns = (data) => {
    const at = data.map((row) => Number(row.at));
    at.push(2 * at[at.length - 1] - (at[at.length - 2] ?? at[0] - 1));
    const lasting = (values) => [...values, values[values.length - 1]];
    const open = data.findIndex((row) => "open" in row);
    const closed = open < 0 ? data.length : open;
    const steps = (name) => at.map((_at, n) => (n > closed || closed === 0 ? null : number(data[Math.min(n, closed - 1)][name])));
    return [
      at,
      lasting(data.map((row) => number(row.high))),
      lasting(data.map((row) => number(row.low))),
      steps("value"),
      steps("negative"),
      at.map((_at, n) => (n === at.length - 1 && open >= 0 ? number(data[open].value) : null)),
    ];
  };
  function draw() {
    const place = document.getElementById("chart");
    if (!place || !window.uPlot) return;
    const data = columns(rows());
    if (plot && place.contains(plot.root)) { plot.setData(data); return; }
    const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
    const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: place.dataset.zone });
    const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: place.dataset.zone });
    const long = data[0].length > 1 && data[0][data[0].length - 1] - data[0][0] > 2 * 86400;
    const axis = { stroke: color("--soft"), grid: { stroke: color("--rule"), width: 1 }, ticks: { show: false } };
    const clock = (at) => {
      const text = time.format(new Date(at * 1000));
      return long || text === "00:00" ? day.format(new Date(at * 1000)) : text;
    };
    // Where alerts went off: dashed lines behind the plot.
    const marks = (self) => {
      const { ctx, bbox } = self;
      ctx.save();
      ctx.strokeStyle = color("--alarm");
      ctx.setLineDash([6, 5]);
      for (const row of rows()) {
        if (!("fired" in row)) continue;
        const x = Math.round(self.valToPos(Number(row.fired), "x", true));
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
      }
      ctx.restore();
    };
    const stairs = window.uPlot.paths.stepped({ align: 1 });
    const size = () => ({ width: place.clientWidth, height: 240 });
    place.replaceChildren();
    plot = new window.uPlot({
      ...size(),
      legend: { show: false },
      cursor: { y: false },
      hooks: { drawAxes: [marks] },
      scales: { y: { range: (_self, _low, high) => [0, Math.max(1, high * 1.15)] } },
      axes: [
        { ...axis, values: (_self, at) => at.map(clock) },
        { ...axis, size: 40 },
      ],
      series: [
        {},
        { stroke: color("--edge"), width: 1, points: { show: false } },
        { stroke: color("--edge"), width: 1, points: { show: false } },
        { stroke: color("--accent"), width: 2, points: { show: false }, paths: stairs },
        { stroke: "transparent", fill: color("--fill"), width: 0, points: { show: false }, paths: stairs },
        { stroke: color("--accent"), width: 2, points: { show: true, size: 7, fill: color("--paper") } },
      ],
      bands: [{ series: [1, 2], fill: color("--band") }],
    }, data, place);
    window.addEventListener("resize", () => plot.setSize(size()));
  }
  draw();
  document.addEventListener("htmx:after:swap", draw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { plot = null; draw(); });
})();
