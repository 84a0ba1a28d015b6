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

  const title = make("h1", {}, "Trace");
  const number_ = make("span", { class: "id" }, wanted);
  const facts = make("span", { class: "quiet" });
  const find = /** @type {HTMLInputElement} */ (make("input", {
    type: "search", "aria-label": "Find in this trace", placeholder: "/ find names, values", size: "19", spellcheck: "false", maxlength: "500",
  }));
  find.value = params.get("find") || "";
  const matches = make("span", { class: "quiet", id: "matches" });
  const only = make("button", { type: "button", "aria-pressed": "false", onclick: () => { matchesOnly = !matchesOnly; only.setAttribute("aria-pressed", String(matchesOnly)); layout(); } }, "matches only");
  /** What to do with matches, once there are any. */
  const steps = make("span", { class: "steps", hidden: true },
    make("button", { type: "button", "aria-label": "Previous match (N)", onclick: () => jump(-1) }, "▲"),
    make("button", { type: "button", "aria-label": "Next match (n)", onclick: () => jump(1) }, "▼"), only);
  const path = make("button", { type: "button", "aria-pressed": "false", title: "Dim what the end did not wait for", onclick: () => { dims = !dims; path.setAttribute("aria-pressed", String(dims)); paint(); } }, "critical path");
  const { range, overview, axis, unzoom, draw, zoom } = timeline(() => paint());
  const bar = make("div", { class: "bar" }, link(address(""), { class: "back", "aria-label": "Back to all traces" }, "‹"), title, number_,
    make("button", { type: "button", title: "Copy the trace id (c)", onclick: () => copy(data ? data.id : wanted) }, "copy"),
    make("a", { href: `${mount}/api/trace/${wanted}/otlp`, download: true }, "OTLP JSON"),
    facts, make("span", { class: "grow" }), unzoom, path,
    make("span", {}, find), matches, steps);
  const sizer = make("div", { class: "sizer", role: "presentation" });
  const grid = make("div", { class: "rows", role: "treegrid", tabindex: "0", "aria-label": "Spans", onscroll: () => paint() }, sizer);
  const details = make("aside", { class: "details", "aria-label": "Span details", tabindex: "-1", hidden: true });
  const columns = make("div", { class: "columns" }, make("div", { class: "waterfall" }, overview, axis, grid), details);
  /** Why there is nothing to draw. */
  const reason = make("p", {});
  const missing = make("div", { class: "empty", id: "missing", hidden: true }, reason, make("p", {}, link(address(""), {}, "Show all traces")));
  main.append(bar, columns, missing);
  byId("legend").textContent = "◆ event · ▨ still running · ┄ parent not received · ⇆ clocks differ · dim = not on the critical path";

  /** The span that the address names, until it is shown. */
  let awaited = params.get("span");

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
    if (!missing.hidden) {
      // It came after its page was opened, so the stream does not know it yet.
      missing.hidden = true;
      columns.hidden = false;
      listen(answer.id);
    }
    const before = selected >= 0 ? data.spans.id[selected] : awaited;
    const wasRunning = selected >= 0 && data.spans.running[selected];
    const closed = new Set();
    if (data) for (let span = 0; span < shape.size; span++) if (collapsed[span]) closed.add(data.spans.id[span]);
    data = { ...answer, reversed: new Set(answer.reversed) };
    shape = tree(data);
    critical = criticalPath(data, shape);
    hues = huesOf(data.services);
    collapsed = new Uint8Array(shape.size);
    if (closed.size) for (let span = 0; span < shape.size; span++) if (closed.has(data.spans.id[span])) collapsed[span] = 1;
    events = new Map();
    for (const [span, offset] of data.events) {
      const list = events.get(span);
      if (list) list.push(offset);
      else events.set(span, [offset]);
    }
    title.textContent = data.name || "(no name)";
    entitle(`${title.textContent} ${data.id.slice(0, 8)}`);
    number_.textContent = data.id;
    const parts = [several(data.total, "span"), time(data.duration), several(data.errors, "error"), data.complete ? "complete" : "still open"];
    if (data.omitted) parts.push(`${count(data.omitted)} more not kept`);
    if (data.lacks_earlier) parts.push("earlier spans were evicted");
    facts.textContent = parts.join(" · ");
    // Ids should be unique, and are not always.
    if (!before || data.spans.id[selected] !== before) selected = before ? data.spans.id.indexOf(before) : -1;
    isFound = new Uint8Array(shape.size);
    for (const span of found) isFound[span] = 1;
    layout();
    draw(data, shape);
    // Once only, as the reader may scroll on.
    if (selected >= 0 && awaited) show(selected);
    else if (selected >= 0 && wasRunning && !data.spans.running[selected]) describe(selected);
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
      "let go": `This trace was evicted${ago} to free memory. Raise the limit with TRACEWIRE_LIVE_MEMORY, or in the viewer with --memory.`,
      "not kept": `This trace ended${ago} and was not kept: more ordinary traces come than the page keeps. Errors and slow traces are always kept.`,
      ambiguous: "Several traces begin with these digits.",
      unknown: "This trace was never seen here, or too long ago. It may still be on its way, belong to another service, or not be sampled. If it arrives, it appears here.",
    }[String(answer && answer.why)] || failure(code);
    if (reason.textContent !== why) reason.textContent = why;
    missing.hidden = false;
    columns.hidden = true;
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
  }

  /** @type {ReturnType<typeof makeRow>[]} */
  const pool = [];

  function paint() {
    if (!data) return;
    const first = Math.max(0, Math.floor(grid.scrollTop / ROW) - 5);
    const needed = Math.min(rows.length - first, Math.ceil(grid.clientHeight / ROW) + 10);
    while (pool.length < needed) {
      const line = makeRow(pick, (span) => fold(span, !collapsed[span]));
      sizer.append(line.row);
      pool.push(line);
    }
    const trace = { data, shape, collapsed, critical, dims, hues, events, selected, isFound, range };
    for (let n = 0; n < pool.length; n++) {
      const line = pool[n];
      line.row.hidden = n >= needed;
      line.row.style.display = n >= needed ? "none" : "";
      if (n < needed) fillRow(line, rows[first + n], first + n, trace);
    }
    const active = rows.indexOf(selected);
    if (active >= first && active < first + needed) grid.setAttribute("aria-activedescendant", `row-${active}`);
    else grid.removeAttribute("aria-activedescendant");
  }

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

  /** @param {number} span */
  function pick(span) {
    grid.focus({ preventScroll: true });
    show(span);
  }

  /** Selects a span and shows its details. @param {number} span */
  function show(span) {
    awaited = null;
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
      details.replaceChildren(make("h1", {}, data.names[data.spans.name[span]] || "(no name)"), make("p", { class: "quiet" }, "This request is still running. Its attributes are known when it ends."));
      details.hidden = false;
      return;
    }
    const { status: code, data: answer } = await ask(`trace/${data.id}/span/${id}?index=${span}`);
    if (gone || turn !== asked || selected < 0) return;
    details.hidden = false;
    if (code !== 200) return details.replaceChildren(make("p", { class: "bad" }, code === 404 ? "This span is no longer here." : failure(code)));
    details.replaceChildren(...spanDetails(answer, data.id));
    details.dataset.span = id;
    // There is less place now.
    reveal(span);
    paint();
    draw(data, shape);
  }

  async function search() {
    const text = find.value.trim();
    remember({ find: text });
    if (!text || !data) {
      found = [];
      isFound = new Uint8Array(shape ? shape.size : 0);
      matches.textContent = "";
      steps.hidden = true;
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
    steps.hidden = !found.length;
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

  /** Shows a part of this width, around the selected span or where the reader is. @param {number} width @param {boolean} isAtSpan */
  function magnify(width, isAtSpan) {
    const { start, duration } = data.spans;
    const whole = Math.max(1, data.duration);
    const middle = isAtSpan && selected >= 0 ? (start[selected] + duration[selected] / 2) / whole : (range.from + range.to) / 2;
    const from = Math.max(0, Math.min(1 - width, middle - width / 2));
    zoom(from, from + width);
  }

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
      case "+": magnify((range.to - range.from) / 2, true); return true;
      case "-": magnify((range.to - range.from) * 2, false); return true;
      case "z": if (selected >= 0) magnify((1.2 * data.spans.duration[selected]) / Math.max(1, data.duration), true); return true;
      case "Escape":
        if (details.contains(document.activeElement)) grid.focus();
        else if (range.from > 0 || range.to < 1) zoom(0, 1);
        else if (selected >= 0) show(-1);
        else go(address(""));
        return true;
    }
    return false;
  }

  const resized = () => {
    if (!data) return;
    paint();
    draw(data, shape);
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
