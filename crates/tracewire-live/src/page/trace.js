// @ts-check
// The waterfall of one trace.

/** @param {URLSearchParams} params @param {string} wanted */
function traceView(params, wanted) {
  /** @type {any} */
  let data = null;
  /** @type {ReturnType<typeof tree>} */
  let shape;
  /** @type {Uint8Array} */
  let collapsed = new Uint8Array(0);
  let critical = new Uint8Array(0);
  let dims = false;
  /** The color of each service. @type {number[]} */
  let hues = [];
  /** The spans in rows, top to bottom. */
  let rows = new Int32Array(0);
  /** @type {Map<number, number[]>} */
  let events = new Map();
  let from = 0;
  let to = 1;
  let selected = -1;
  /** @type {number[]} */
  let found = [];
  let isFound = new Uint8Array(0);
  let matchesOnly = false;
  let gone = false;
  let loading = false;
  let again = false;
  let asked = 0;
  let soon = 0;

  const title = make("h1", { class: "id" }, `Trace ${wanted}`);
  const facts = make("span", { class: "quiet" });
  const find = /** @type {HTMLInputElement} */ (make("input", {
    type: "search", "aria-label": "Find in this trace", placeholder: "/ find names, values", size: "18", spellcheck: "false", maxlength: "500",
  }));
  find.value = params.get("find") || "";
  const matches = make("span", { class: "quiet", id: "matches" });
  const only = make("button", { type: "button", "aria-pressed": "false", onclick: () => { matchesOnly = !matchesOnly; only.setAttribute("aria-pressed", String(matchesOnly)); layout(); } }, "matches only");
  const path = make("button", { type: "button", "aria-pressed": "false", title: "Dim what the end did not wait for", onclick: () => { dims = !dims; path.setAttribute("aria-pressed", String(dims)); paint(); } }, "critical path");
  const unzoom = make("button", { type: "button", hidden: true, onclick: () => zoom(0, 1) }, "whole trace");
  const bar = make("div", { class: "bar" }, link(address(""), { "aria-label": "Back to all traces" }, "‹"), title,
    make("button", { type: "button", title: "Copy the trace id (c)", onclick: () => copy(data ? data.id : wanted) }, "copy"),
    make("a", { href: `${mount}/api/trace/${wanted}/otlp`, download: true }, "OTLP JSON"),
    facts, make("span", { class: "grow" }), unzoom, path,
    make("span", {}, find), matches,
    make("button", { type: "button", "aria-label": "Previous match (N)", onclick: () => jump(-1) }, "▲"),
    make("button", { type: "button", "aria-label": "Next match (n)", onclick: () => jump(1) }, "▼"), only);
  const canvas = /** @type {HTMLCanvasElement} */ (make("canvas", { "aria-hidden": "true" }));
  const windowed = make("div", { class: "window", hidden: true });
  const overview = make("div", { class: "overview" }, canvas, windowed);
  const ticks = make("div", { class: "ticks" });
  const axis = make("div", { class: "axis" }, make("span", {}, "Name"), ticks);
  const sizer = make("div", { class: "sizer", role: "presentation" });
  const grid = make("div", { class: "rows", role: "treegrid", tabindex: "0", "aria-label": "Spans", onscroll: () => paint() }, sizer);
  const details = make("aside", { class: "details", "aria-label": "Span details", tabindex: "-1", hidden: true });
  const columns = make("div", { class: "columns" }, make("div", { class: "waterfall" }, overview, axis, grid), details);
  main.append(bar, columns);
  byId("legend").textContent = "◆ event · ▨ still running · ┄ parent not received · ⇆ clocks differ · dim = not on the critical path";

  async function load() {
    if (loading) {
      again = true;
      return;
    }
    loading = true;
    const begun = performance.now();
    const { status: code, data: answer } = await ask(`trace/${wanted}`);
    loading = false;
    if (gone) return;
    if (code !== 200) return data ? undefined : explain(code, answer);
    const isFirst = !data;
    const before = data ? data.spans.id[selected] : params.get("span");
    const closed = new Set();
    if (data) for (let span = 0; span < shape.size; span++) if (collapsed[span]) closed.add(data.spans.id[span]);
    data = answer;
    shape = tree(data);
    critical = criticalPath(data, shape);
    hues = data.services.map(hue);
    collapsed = new Uint8Array(shape.size);
    if (closed.size) for (let span = 0; span < shape.size; span++) if (closed.has(data.spans.id[span])) collapsed[span] = 1;
    events = new Map();
    for (const [span, offset] of data.events) {
      const list = events.get(span);
      if (list) list.push(offset);
      else events.set(span, [offset]);
    }
    title.textContent = `Trace ${data.id}`;
    const parts = [`${count(data.total)} spans`, time(data.duration), `${count(data.errors)} ${data.errors === 1 ? "error" : "errors"}`, data.complete ? "complete" : "still open"];
    if (data.omitted) parts.push(`${count(data.omitted)} more not kept`);
    if (data.lacks_earlier) parts.push("earlier spans were evicted");
    facts.textContent = parts.join(" · ");
    selected = before ? data.spans.id.indexOf(before) : -1;
    isFound = new Uint8Array(shape.size);
    for (const span of found) isFound[span] = 1;
    layout();
    drawOverview();
    // Later the reader may have scrolled on.
    if (selected >= 0 && isFirst) show(selected);
    if (find.value) search();
    document.body.dataset.ready = "trace";
    document.body.dataset.spans = String(shape.size);
    requestAnimationFrame(() => { document.body.dataset.painted = String(Math.round(performance.now() - begun)); });
    if (again || !data.complete) {
      again = false;
      clearTimeout(soon);
      soon = setTimeout(() => { if (!gone && !paused && !document.hidden) load(); }, 2000);
    }
  }

  /** @param {number} code @param {any} answer */
  function explain(code, answer) {
    const ago = answer && answer.ago !== null && answer.ago !== undefined ? ` ${age(answer.ago)} ago` : "";
    const why = {
      "let go": `This trace was evicted${ago} to free memory. TRACEWIRE_LIVE_MEMORY sets the limit.`,
      "not kept": `This trace came${ago} among more ordinary ones than are kept. Errors and slow traces always are.`,
      ambiguous: "Several traces begin with these digits.",
      unknown: "This trace was never seen here, or too long ago. It may be another service's, or not sampled.",
    }[String(answer && answer.why)] || failure(code);
    columns.replaceWith(make("div", { class: "empty", id: "missing" }, make("p", {}, why), make("p", {}, link(address(""), {}, "Show all traces"))));
    document.body.dataset.ready = "missing";
  }

  /** Decides which spans have rows. */
  function layout() {
    const keep = matchesOnly && found.length ? new Uint8Array(shape.size) : null;
    if (keep) {
      for (const match of found) {
        for (let span = match, steps = 0; span >= 0 && !keep[span] && steps < shape.size; steps++) {
          keep[span] = 1;
          span = shape.circles[span] ? -1 : data.spans.parent[span];
        }
      }
    }
    const list = new Int32Array(shape.size);
    let filled = 0;
    let hiddenBelow = -1;
    for (const span of shape.order) {
      const depth = shape.depth[span];
      if (hiddenBelow >= 0 && depth > hiddenBelow) continue;
      hiddenBelow = -1;
      if (keep && !keep[span]) continue;
      list[filled++] = span;
      if (collapsed[span]) hiddenBelow = depth;
    }
    rows = list.subarray(0, filled);
    sizer.style.height = `${filled * ROW}px`;
    grid.setAttribute("aria-rowcount", String(filled));
    // Beside a scroll bar the rows are narrower.
    columns.style.setProperty("--scrollbar", `${grid.offsetWidth - grid.clientWidth}px`);
    paint();
    drawTicks();
  }

  /** @type {ReturnType<typeof makeRow>[]} */
  const pool = [];

  function makeRow() {
    const twisty = make("button", { class: "twisty", type: "button", tabindex: "-1", "aria-hidden": "true" });
    const depth = make("span", { class: "depth" });
    const kind = make("span", { class: "kind" });
    const text = make("span", { class: "text" });
    const service = make("span", { class: "service" });
    const name = make("div", { class: "name", role: "gridcell" }, twisty, depth, kind, text, service);
    const bar_ = make("div", { class: "span" });
    const label = make("span", { class: "label" });
    const lane = make("div", { class: "lane", role: "gridcell" }, bar_, label);
    const row = make("div", { class: "row", role: "row" }, name, lane);
    const made = { row, twisty, depth, kind, text, service, name, bar: bar_, label, lane, span: -1 };
    twisty.addEventListener("click", (event) => {
      event.stopPropagation();
      fold(made.span, !collapsed[made.span]);
    });
    row.addEventListener("click", () => {
      grid.focus({ preventScroll: true });
      show(made.span);
    });
    row.addEventListener("dblclick", () => fold(made.span, !collapsed[made.span]));
    sizer.append(row);
    return made;
  }

  function paint() {
    if (!data) return;
    const first = Math.max(0, Math.floor(grid.scrollTop / ROW) - 5);
    const needed = Math.min(rows.length - first, Math.ceil(grid.clientHeight / ROW) + 10);
    while (pool.length < needed) pool.push(makeRow());
    for (let n = 0; n < pool.length; n++) {
      const line = pool[n];
      line.row.hidden = n >= needed;
      line.row.style.display = n >= needed ? "none" : "";
      if (n < needed) fill(line, rows[first + n], first + n);
    }
    const active = rows.indexOf(selected);
    if (active >= first && active < first + needed) grid.setAttribute("aria-activedescendant", `row-${active}`);
    else grid.removeAttribute("aria-activedescendant");
  }

  /** @param {ReturnType<typeof makeRow>} line @param {number} span @param {number} index */
  function fill(line, span, index) {
    const { spans, names, services, duration } = data;
    const depth = shape.depth[span];
    const hasChildren = shape.firstChild[span] >= 0;
    const isOrphan = spans.parent[span] === -2 || shape.circles[span];
    const row = line.row;
    line.span = span;
    row.id = `row-${index}`;
    row.style.transform = `translateY(${index * ROW}px)`;
    row.setAttribute("aria-rowindex", String(index + 1));
    row.setAttribute("aria-level", String(depth + 1));
    row.setAttribute("aria-selected", String(span === selected));
    if (hasChildren) row.setAttribute("aria-expanded", String(!collapsed[span]));
    else row.removeAttribute("aria-expanded");
    row.className = `row${spans.error[span] ? " failed" : ""}${isFound[span] ? " found" : ""}${spans.running[span] ? " running" : ""}${isOrphan ? " orphan" : ""}${dims && !critical[span] ? " off" : ""}`;
    line.name.style.paddingLeft = `${Math.min(depth, 64) * 12}px`;
    line.twisty.textContent = hasChildren ? (collapsed[span] ? "▸" : "▾") : "";
    line.depth.textContent = depth > 64 ? String(depth) : "";
    line.kind.textContent = KINDS[spans.kind[span]] || "";
    const service = services[spans.service[span]] || "";
    line.text.textContent = (names[spans.name[span]] || "(no name)") + (spans.error[span] ? " ✗" : "") + (shape.circles[span] ? " (below itself)" : "") + (isAstray(span) ? " ⇆" : "");
    line.text.title = (names[spans.name[span]] || "") + (isAstray(span) ? " (outside its parent: the clocks of the two services differ)" : "");
    line.service.textContent = service;
    line.service.className = `service h${hues[spans.service[span]]}`;
    line.service.style.display = service ? "" : "none";
    line.bar.className = `span h${hues[spans.service[span]]}`;

    const scale = 100 / Math.max(1e-9, to - from);
    const whole = Math.max(1, duration);
    const left = (spans.start[span] / whole - from) * scale;
    const width = (spans.duration[span] / whole) * scale;
    line.bar.style.left = `${Math.max(-1, Math.min(101, left))}%`;
    line.bar.style.width = `${Math.max(0, Math.min(102, left + width) - Math.max(-1, left))}%`;
    line.label.textContent = time(spans.duration[span]) + (spans.running[span] ? " …" : "");
    const end = left + width;
    if (end < 82) {
      line.label.style.left = `calc(${Math.max(0, end)}% + 5px)`;
      line.label.style.right = "";
    } else if (left > 18) {
      line.label.style.left = "";
      line.label.style.right = `calc(${Math.max(0, 100 - left)}% + 5px)`;
    } else {
      line.label.style.left = `calc(${Math.max(0, left)}% + 5px)`;
      line.label.style.right = "";
    }
    while (line.lane.childElementCount > 2) /** @type {Element} */ (line.lane.lastElementChild).remove();
    for (const offset of (events.get(span) || []).slice(0, 50)) {
      const mark = make("span", { class: "event" });
      mark.style.left = `${(offset / whole - from) * scale}%`;
      line.lane.append(mark);
    }
  }

  /** Whether a span of another service began before its parent, or after its end. @param {number} span */
  function isAstray(span) {
    const { parent, service, start, duration } = data.spans;
    const above = parent[span];
    return above >= 0 && service[above] !== service[span] && (start[span] < start[above] || start[span] > start[above] + duration[above]);
  }

  function drawTicks() {
    const marks = [];
    for (let n = 0; n < 5; n++) {
      const mark = make("span", {}, time(Math.round((from + ((to - from) * n) / 5) * data.duration)));
      mark.style.left = `${n * 20}%`;
      marks.push(mark);
    }
    ticks.replaceChildren(...marks);
    unzoom.hidden = from === 0 && to === 1;
    windowed.hidden = unzoom.hidden;
    windowed.style.left = `${from * 100}%`;
    windowed.style.width = `${(to - from) * 100}%`;
  }

  function drawOverview() {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(overview.clientWidth * ratio));
    const height = Math.round(46 * ratio);
    canvas.width = width;
    canvas.height = height;
    const paper = canvas.getContext("2d");
    if (!paper || !data) return;
    const style = getComputedStyle(document.documentElement);
    const plain = style.getPropertyValue("--quiet");
    const bad = style.getPropertyValue("--error");
    const lines = Math.max(1, Math.min(shape.size, Math.floor(height / 2)));
    const thick = Math.max(1, Math.floor(height / lines) - 1);
    for (let n = 0; n < shape.size; n++) {
      const span = shape.order[n];
      const x = (data.spans.start[span] / Math.max(1, data.duration)) * width;
      const w = Math.max(1, (data.spans.duration[span] / Math.max(1, data.duration)) * width);
      paper.fillStyle = data.spans.error[span] ? bad : plain;
      paper.globalAlpha = shape.size > lines ? 0.35 : 0.8;
      paper.fillRect(x, Math.floor((n * lines) / shape.size) * (height / lines), w, Math.min(thick, 6 * ratio));
    }
  }

  /** @param {number} start @param {number} end */
  function zoom(start, end) {
    from = Math.max(0, Math.min(start, 1));
    to = Math.min(1, Math.max(end, from + 1e-6));
    if (to - from < 1e-6) from = Math.max(0, to - 1e-6);
    drawTicks();
    paint();
  }

  let dragged = -1;
  const share = (/** @type {PointerEvent} */ event) => {
    const box = overview.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  overview.addEventListener("pointerdown", (event) => {
    dragged = share(event);
    overview.setPointerCapture(event.pointerId);
  });
  overview.addEventListener("pointermove", (event) => {
    if (dragged < 0) return;
    const here = share(event);
    windowed.hidden = false;
    windowed.style.left = `${Math.min(dragged, here) * 100}%`;
    windowed.style.width = `${Math.abs(here - dragged) * 100}%`;
  });
  overview.addEventListener("pointerup", (event) => {
    if (dragged < 0 || !data) return;
    const here = share(event);
    const [a, b] = [Math.min(dragged, here), Math.max(dragged, here)];
    dragged = -1;
    if (b - a > 0.005) zoom(a, b);
    else zoom(0, 1);
  });
  overview.addEventListener("pointercancel", () => { dragged = -1; drawTicks(); });

  /** @param {number} span @param {boolean} isClosed */
  function fold(span, isClosed) {
    if (span < 0 || shape.firstChild[span] < 0) return;
    collapsed[span] = isClosed ? 1 : 0;
    layout();
  }

  /** Opens what is above a span. @param {number} span */
  function reveal(span) {
    let changed = false;
    for (let above = data.spans.parent[span], steps = 0; above >= 0 && steps < shape.size; steps++) {
      if (collapsed[above]) {
        collapsed[above] = 0;
        changed = true;
      }
      above = data.spans.parent[above];
    }
    if (changed) layout();
    const index = rows.indexOf(span);
    if (index < 0) return;
    const top = index * ROW;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + ROW > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + ROW - grid.clientHeight;
  }

  /** Selects a span and shows its details. @param {number} span */
  function show(span) {
    selected = span;
    if (span < 0) {
      details.hidden = true;
      remember({ span: null });
      paint();
      return;
    }
    reveal(span);
    paint();
    remember({ span: data.spans.id[span] });
    describe(span);
  }

  /** @param {number} span */
  async function describe(span) {
    const turn = ++asked;
    const id = data.spans.id[span];
    if (data.spans.running[span]) {
      details.replaceChildren(make("h1", {}, data.names[data.spans.name[span]]), make("p", { class: "quiet" }, "This request is still running. Its attributes are known when it ends."));
      details.hidden = false;
      return;
    }
    const { status: code, data: answer } = await ask(`trace/${data.id}/span/${id}?index=${span}`);
    if (gone || turn !== asked || selected < 0) return;
    details.hidden = false;
    if (code !== 200) return details.replaceChildren(make("p", { class: "bad" }, code === 404 ? "This span is no longer here." : failure(code)));
    details.replaceChildren(...spanDetails(answer));
    details.dataset.span = id;
    // There is less place now.
    reveal(span);
    paint();
    drawOverview();
  }

  async function search() {
    const text = find.value.trim();
    remember({ find: text });
    if (!text || !data) {
      found = [];
      isFound = new Uint8Array(shape ? shape.size : 0);
      matches.textContent = "";
      if (data) layout();
      return;
    }
    const { status: code, data: answer } = await ask(`trace/${data.id}?find=${encodeURIComponent(text)}`);
    if (gone || code !== 200 || find.value.trim() !== text) return;
    isFound = new Uint8Array(shape.size);
    for (const span of answer.found) if (span < shape.size) isFound[span] = 1;
    found = [...shape.order].filter((span) => isFound[span]);
    layout();
    tellMatches();
  }

  function tellMatches() {
    const here = found.indexOf(selected);
    matches.textContent = found.length ? `${here >= 0 ? here + 1 : 0} of ${found.length}` : "no match";
    announce(matches.textContent);
  }

  /** @param {number} step */
  function jump(step) {
    if (!found.length) return;
    const here = found.indexOf(selected);
    const next = here < 0 ? (step > 0 ? 0 : found.length - 1) : (here + step + found.length) % found.length;
    show(found[next]);
    tellMatches();
  }

  /** @param {number} step */
  function jumpToError(step) {
    const failed = [...shape.order].filter((span) => data.spans.error[span]);
    if (!failed.length) return;
    const here = failed.indexOf(selected);
    show(failed[here < 0 ? (step > 0 ? 0 : failed.length - 1) : (here + step + failed.length) % failed.length]);
  }

  let typing = 0;
  find.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(search, 200);
  });
  find.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      jump(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      grid.focus();
      event.stopPropagation();
    }
  });

  /** @param {string} key */
  function onKey(key) {
    if (!data) return false;
    const index = rows.indexOf(selected);
    const parent = selected >= 0 ? data.spans.parent[selected] : -1;
    const isOpen = selected >= 0 && shape.firstChild[selected] >= 0 && !collapsed[selected];
    switch (key) {
      case "j": case "ArrowDown": if (index + 1 < rows.length) show(rows[index + 1]); return true;
      case "k": case "ArrowUp": if (index > 0) show(rows[index - 1]); return true;
      case "Home": if (rows.length) show(rows[0]); return true;
      case "End": if (rows.length) show(rows[rows.length - 1]); return true;
      case "h": case "ArrowLeft": if (isOpen) fold(selected, true); else if (parent >= 0) show(parent); return true;
      case "l": case "ArrowRight": if (selected >= 0) fold(selected, false); return true;
      case "Enter": if (selected >= 0) { details.hidden = false; details.focus(); } return selected >= 0;
      case "/": find.focus(); find.select(); return true;
      case "n": jump(1); return true;
      case "N": jump(-1); return true;
      case "e": jumpToError(1); return true;
      case "E": jumpToError(-1); return true;
      case "c": copy(data.id); return true;
      case "C": copy(`${data.id} ${data.name} ${time(data.duration)} ${data.total} spans ${data.errors} errors`); return true;
      case "r": load(); return true;
      case "+": zoom(from + (to - from) / 4, to - (to - from) / 4); return true;
      case "-": zoom(from - (to - from) / 2, to + (to - from) / 2); return true;
      case "Escape":
        if (document.activeElement === details) grid.focus();
        else if (from > 0 || to < 1) zoom(0, 1);
        else if (selected >= 0) show(-1);
        else go(address(""));
        return true;
    }
    return false;
  }

  const resized = () => {
    if (!data) return;
    paint();
    drawOverview();
  };
  window.addEventListener("resize", resized);
  load();
  return {
    /** @param {any} message */
    change: (message) => { if (message.open || !data) load(); },
    key: onKey,
    renew: load,
    leave: () => {
      gone = true;
      window.removeEventListener("resize", resized);
      delete document.body.dataset.spans;
      delete document.body.dataset.painted;
    },
  };
}
