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
  const columns = (data) => [
    data.map((row) => Number(row.at)),
    data.map((row) => number(row.high)),
    data.map((row) => number(row.low)),
    data.map((row) => ("open" in row ? null : number(row.value))),
    data.map((row) => ("open" in row ? null : number(row.negative))),
    data.map((row) => ("open" in row ? number(row.value) : null)),
  ];
  function draw() {
    const place = document.getElementById("chart");
    if (!place || !window.uPlot) return;
    const data = columns(rows());
    if (plot && place.contains(plot.root)) { plot.setData(data); return; }
    const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const language = document.documentElement.lang;
    const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: place.dataset.zone });
    const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: place.dataset.zone });
    const long = data[0].length > 1 && data[0][data[0].length - 1] - data[0][0] > 2 * 86400;
    const axis = { stroke: color("--soft"), grid: { stroke: color("--rule"), width: 1 }, ticks: { show: false } };
    const clock = (at) => {
      const text = time.format(new Date(at * 1000));
      return long || text === "00:00" ? day.format(new Date(at * 1000)) : text;
    };
    // Where alerts went off: dashed lines over the plot.
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
    const size = () => ({ width: place.clientWidth, height: 240 });
    place.replaceChildren();
    plot = new window.uPlot({
      ...size(),
      legend: { show: false },
      cursor: { y: false },
      hooks: { draw: [marks] },
      scales: { y: { range: (_self, _low, high) => [0, Math.max(1, high * 1.15)] } },
      axes: [
        { ...axis, values: (_self, at) => at.map(clock) },
        { ...axis, size: 40 },
      ],
      series: [
        {},
        { stroke: color("--edge"), width: 1, points: { show: false } },
        { stroke: color("--edge"), width: 1, points: { show: false } },
        { stroke: color("--accent"), width: 2, points: { show: false } },
        { stroke: "transparent", fill: color("--alarm") + "88", width: 0, points: { show: false } },
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
