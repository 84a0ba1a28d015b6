// @ts-check
// Routes, running requests, telemetry and metrics.

/** A table that is asked for again and again. @param {string} path @param {number} every @param {(data: any) => Node[]} draw */
function tableView(path, every, draw) {
  let gone = false;
  let timer = 0;
  async function renew() {
    clearTimeout(timer);
    const { status: code, data } = await ask(path);
    if (gone) return;
    if (code === 200) {
      const { scrollTop, scrollLeft } = main.querySelector(".scroll") || { scrollTop: 0, scrollLeft: 0 };
      const active = document.activeElement?.id;
      main.replaceChildren(...draw(data));
      main.querySelector(".scroll")?.scrollTo(scrollLeft, scrollTop);
      if (active) document.getElementById(active)?.focus({ preventScroll: true });
      document.body.dataset.ready = path;
    } else if (code || !main.firstChild) {
      // Of a process that has ended, the last that was known stays.
      main.replaceChildren(make("div", { class: "empty" }, make("p", { class: "bad" }, failure(code))));
      document.body.dataset.ready = "failed";
    }
    if (!paused && !document.hidden) timer = setTimeout(again, every);
  }
  function again() {
    if (isBusy()) timer = setTimeout(again, 300);
    else renew();
  }
  renew();
  return {
    renew,
    key: (/** @type {string} */ key) => {
      if (key === "r") renew();
      return key === "r";
    },
    leave: () => {
      gone = true;
      clearTimeout(timer);
    },
  };
}

/** @param {string[]} heads @param {Node[]} rows @param {string} label */
function table(heads, rows, label) {
  const columns = heads.map((head) => {
    const [text, kind] = head.split(":");
    return make("th", { scope: "col", class: kind || "" }, text);
  });
  return make("div", { class: "scroll", id: `table-${label}`, tabindex: "0", role: "region", "aria-label": label }, make("table", { "aria-label": label }, make("thead", {}, make("tr", {}, ...columns)), make("tbody", {}, ...rows)));
}

/** @param {...any} children */
const td = (...children) => make("td", {}, ...children);
/** @param {...any} children */
const number = (...children) => make("td", { class: "number" }, ...children);
/** @param {string} title @param {string} text */
const emptyNote = (title, text) => make("div", { class: "empty" }, make("p", { class: "lead" }, title), make("p", {}, text));

/** @param {URLSearchParams} params */
function routesView(params) {
  let all = params.get("since") === "start";
  const hidden = new Set(hiddenRoutes());
  const view = tableView("routes", 2000, (data) => {
    const seconds = all ? data.total_seconds : data.recent_seconds;
    const toggle = (/** @type {string} */ text, /** @type {boolean} */ value) => make("button", {
      type: "button", id: `since-${value}`, "aria-pressed": String(all === value),
      onclick: () => { all = value; remember({ since: all ? "start" : null }); view.renew(); },
    }, text);
    const rows = data.routes.map((/** @type {any} */ route) => {
      const numbers = all ? route.total : route.recent;
      const most = Math.max(1, ...numbers.buckets);
      const cells = numbers.buckets.map((/** @type {number} */ n, /** @type {number} */ bucket) => {
        if (!n) return make("span", { class: "cell", "aria-hidden": "true" });
        const fill = make("i", {});
        fill.style.height = `${Math.max(12, (100 * n) / most)}%`;
        return link(address("", { route: route.name, bucket: String(bucket) }), { class: "cell", id: `cell-${bucket}-${route.name}`, title: `${count(n)} of ${BUCKETS[bucket]}`, "aria-label": `${count(n)} requests of ${BUCKETS[bucket]}` }, fill);
      });
      const share = numbers.count ? (100 * numbers.errors) / numbers.count : 0;
      const isHidden = hidden.has(route.name);
      return make("tr", {},
        make("td", { class: "clip", title: route.name }, link(address("", { route: route.name }), { id: `route-${route.name}` }, route.name || "(no name)"), make("span", { class: "quiet" }, route.kind === 2 ? "" : ` ${KINDS[route.kind] || ""}`)),
        number(count(numbers.count)),
        number(seconds > 0 ? (numbers.count / seconds).toFixed(1) : "–"),
        make("td", { class: `number ${numbers.errors ? "bad" : ""}` }, numbers.errors ? `${count(numbers.errors)} ✗ ${share.toFixed(1)} %` : "0"),
        number(time(numbers.p50)), number(time(numbers.p95)), number(time(numbers.p99)),
        make("td", {}, ...cells),
        number(route.running ? link(address("running"), { id: `now-${route.name}` }, count(route.running)) : "0"),
        td(make("button", {
          type: "button", id: `hide-${route.name}`, "aria-pressed": String(isHidden), title: "Leave this route out of the list of traces",
          onclick: () => {
            if (isHidden) hidden.delete(route.name);
            else hidden.add(route.name);
            stored.set("hide", [...hidden].join("\n"));
            view.renew();
          },
        }, isHidden ? "hidden" : "hide")));
    });
    const scale = make("span", {}, ...SCALE.map((text) => make("span", { class: "scale" }, text)));
    const heads = ["Route", "Count:number", "/s:number", "Errors:number", "p50:number", "p95:number", "p99:number", "", "Now:number", ""];
    const grid = table(heads, rows, "Routes");
    const eighth = grid.querySelectorAll("th")[7];
    eighth.append(scale);
    return [
      make("div", { class: "bar" }, make("h1", {}, "Routes"), toggle("last 5 min", false), toggle("since start", true),
        make("span", { class: "quiet" }, `durations of incoming requests seen by this page${data.sampler ? ` (sampler: ${data.sampler})` : ""}`)),
      rows.length ? grid : emptyNote("No routes yet", "A route appears once a request to it has ended."),
    ];
  });
  return view;
}

function runningView() {
  return tableView("running", 1000, (data) => {
    const rows = data.requests.map((/** @type {any} */ request) => make("tr", {},
      number(time(request.duration)),
      make("td", { class: "clip", title: `${request.name} ${request.path}` }, link(address(`trace/${request.trace}`, { span: request.span }), { id: `request-${request.span}` }, request.name || "(no name)"), request.path ? make("span", { class: "quiet" }, ` ${request.path}`) : ""),
      number(count(request.open)),
      number(count(request.ended)),
      make("td", { class: "id quiet" }, request.trace),
      make("td", { class: "bad" }, request.slow ? "longer than p99 of its route" : "")));
    const open_ = data.requests.reduce((/** @type {number} */ sum, /** @type {any} */ request) => sum + request.open, 0);
    const rest = [];
    if (data.beyond) rest.push(`${count(data.beyond)} more are running and not listed.`);
    if (data.folded) rest.push(`${count(data.folded)} more began over an hour ago: spans that are never ended?`);
    return [
      make("div", { class: "bar" }, make("h1", {}, "Running"), make("span", { class: "quiet" }, `${several(rows.length, "request")}, ${several(open_, "open span")} · refreshed every second`)),
      rows.length ? table(["Since:number", "Request", "Open spans:number", "Ended:number", "Trace", ""], rows, "Running requests") : emptyNote("No request is running", "Requests appear here while they last. The list is refreshed every second."),
      ...rest.map((text) => make("div", { class: "notice" }, text)),
    ];
  });
}

function telemetryView() {
  return tableView("telemetry", 2000, (data) => {
    const isViewer = data.rows.length > 0 && data.rows.every((/** @type {any} */ row) => row.exporter.startsWith("received"));
    const lost = (/** @type {number} */ n) => make("td", { class: `number ${n ? "bad" : ""}` }, n ? `${count(n)} ✗` : "0");
    const rows = data.rows.map((/** @type {any} */ row) => make("tr", {},
      td(row.signal), td(row.exporter), number(count(row.exported)), lost(row.failed), lost(row.dropped), number(count(row.waiting)),
      make("td", { class: "wide bad" }, row.last_error ? `${row.last_error_at ? `${moment(row.last_error_at * 1000)} ` : ""}${row.last_error}` : "")));
    return [
      make("div", { class: "bar" }, make("h1", {}, "Telemetry"), make("span", { class: "quiet" }, `what was ${isViewer ? "received, and what was rejected" : "exported, and what was lost on the way"}`)),
      rows.length ? table(["Signal", isViewer ? "How" : "Exporter", isViewer ? "Received:number" : "Exported:number", isViewer ? "Rejected:number" : "Failed:number", "Dropped:number", "Waiting:number", "Last failure"], rows, "Exporters") : emptyNote(data.available ? "Nothing is exported" : "No exporters here", data.available ? "Spans stay in this process, where this page shows them." : "This page knows of no exporter whose counts it could show."),
    ];
  });
}

/** @type {Map<string, number[]>} */
const history_ = new Map();

/** @param {URLSearchParams} params */
function metricsView(params) {
  const drawn = new Map();
  return tableView("metrics", 5000, (data) => {
    const wanted = (params.get("q") || "").toLowerCase();
    const keys = new Set();
    const rows = [];
    for (const row of data.rows) {
      const labels = row.attributes.map((/** @type {string[]} */ [key, value]) => `${key}=${value}`).join(" ");
      const key = `${row.name} ${labels}`;
      keys.add(key);
      const values = history_.get(key) || [];
      values.push(row.value);
      if (values.length > 60) values.shift();
      history_.set(key, values);
      if (wanted && !key.toLowerCase().includes(wanted)) continue;
      if (rows.length >= 250) continue;
      const canvas = /** @type {HTMLCanvasElement} */ (make("canvas", { class: "spark", width: "240", height: "36", "aria-hidden": "true" }));
      spark(canvas, values);
      drawn.set(key, canvas);
      const mean = row.count === null ? "" : make("span", { class: "quiet" }, "mean ");
      rows.push(make("tr", {}, make("td", { class: "clip", title: row.name }, row.name), make("td", { class: "clip quiet", title: labels }, labels),
        number(mean, quantity(row.value, row.unit)), number(row.count === null ? "" : count(row.count)), td(canvas), make("td", { class: "quiet" }, row.kind)));
    }
    for (const key of history_.keys()) if (!keys.has(key)) history_.delete(key);
    const left = data.rows.length + data.more - rows.length;
    return [
      make("div", { class: "bar" }, make("h1", {}, "Metrics"), make("span", { class: "quiet" }, `read every 5 seconds while this tab is open${left > 0 ? ` · ${count(left)} more rows, use the filter` : ""}`)),
      rows.length ? table(["Instrument", "Attributes", "Value:number", "Count:number", "Last 5 min", "Kind"], rows, "Metrics") : emptyNote(data.available ? "No metrics yet" : "No metrics here", data.available ? "An instrument appears once it has recorded a value." : "This page has no metrics to show."),
    ];
  });
}

/** @param {HTMLCanvasElement} canvas @param {number[]} values */
function spark(canvas, values) {
  const paper = canvas.getContext("2d");
  if (!paper) return;
  const least = Math.min(...values);
  const range = Math.max(...values) - least || 1;
  const color = getComputedStyle(document.documentElement).getPropertyValue("--accent");
  paper.strokeStyle = color;
  paper.fillStyle = color;
  paper.lineWidth = 2;
  paper.beginPath();
  values.forEach((value, n) => {
    const x = canvas.width - (values.length - 1 - n) * (canvas.width / 59);
    paper.lineTo(x, 34 - ((value - least) / range) * 32);
  });
  paper.stroke();
  // The newest value, which is all there is at first.
  paper.fillRect(canvas.width - 4, 32 - ((values[values.length - 1] - least) / range) * 32, 4, 4);
}
