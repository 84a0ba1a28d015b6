// @ts-check
"use strict";
(() => {
  // ---------------------------------------------------------------- the page's address

  const VIEWS = ["traces", "routes", "running", "telemetry", "metrics"];
  const BELOW = /\/(?:trace\/[0-9a-fA-F]{8,32}|routes|running|telemetry|metrics)\/?$/;
  /** Where the page is mounted, without a slash at the end. */
  const mount = location.pathname.replace(BELOW, "").replace(/\/+$/, "");

  /** What the address says. */
  function place() {
    const path = location.pathname.slice(mount.length);
    const trace = /^\/trace\/([0-9a-fA-F]{8,32})\/?$/.exec(path);
    const view = path.replace(/\//g, "");
    return {
      view: trace ? "trace" : VIEWS.includes(view) ? view : "traces",
      trace: trace ? trace[1].toLowerCase() : "",
      params: new URLSearchParams(location.search),
    };
  }

  /** @param {string} path @param {Record<string, string> | URLSearchParams} [params] */
  function address(path, params) {
    const query = new URLSearchParams(params).toString();
    return `${mount}/${path}${query ? `?${query}` : ""}`;
  }

  // ---------------------------------------------------------------- small things

  /** @param {string} id */
  const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
  const main = byId("main");
  const filter = /** @type {HTMLInputElement} */ (byId("filter"));

  /**
   * Makes an element. Texts become text nodes, so nothing in them is markup.
   * @param {string} tag
   * @param {Record<string, any>} [properties]
   * @param {...(Node | string | number | null | undefined | false)} children
   */
  function make(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (value === undefined || value === null) continue;
      if (name.startsWith("aria-")) element.setAttribute(name, String(value));
      else if (value === false) continue;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : String(value));
    }
    for (const child of children) {
      if (child === null || child === undefined || child === false) continue;
      element.append(child instanceof Node ? child : String(child));
    }
    return element;
  }

  const stored = {
    /** @param {string} key */
    get(key) {
      try { return localStorage.getItem(`tracewire-${key}`); } catch { return null; }
    },
    /** @param {string} key @param {string} value */
    set(key, value) {
      try { localStorage.setItem(`tracewire-${key}`, value); } catch { /* private windows */ }
    },
  };

  /** Routes that were hidden on the page of routes. */
  const hiddenRoutes = () => (stored.get("hide") || "").split("\n").filter(Boolean);

  /** A number of nanoseconds with three digits. @param {number | null | undefined} nanos */
  function time(nanos) {
    if (nanos === null || nanos === undefined) return "–";
    for (const [unit, size] of /** @type {[string, number][]} */ ([["s", 1e9], ["ms", 1e6], ["µs", 1e3]])) {
      if (nanos >= size) {
        const value = nanos / size;
        return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`;
      }
    }
    return `${nanos} ns`;
  }

  /** @param {number} seconds */
  function age(seconds) {
    if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
    if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
    return `${Math.round(seconds / 3600)} h`;
  }

  /** The time of day of microseconds since the epoch. @param {number} micros */
  function clock(micros) {
    const date = new Date(micros / 1000);
    const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  }

  /** One of 8 colors, the same for a service in every trace. @param {string} name */
  function hue(name) {
    let sum = 7;
    for (let n = 0; n < name.length; n++) sum = (sum * 31 + name.charCodeAt(n)) >>> 0;
    return (sum ^ (sum >>> 7)) % 8;
  }

  const count = (/** @type {number} */ n) => n.toLocaleString("en");
  const mib = (/** @type {number} */ bytes) => (bytes / 1048576).toFixed(1);
  const BUCKETS = ["≤1 ms", "1–3 ms", "3–10 ms", "10–30 ms", "30–100 ms", "100–300 ms", "0.3–1 s", "1–3 s", "3–10 s", ">10 s"];
  const SCALE = ["≤1ms", "3", "10", "30", "100", "300", "1s", "3s", "10s", ">"];
  const KINDS = ["", "", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

  let announcedAt = 0;
  /** Tells users of screen readers, at most every 5 seconds. @param {string} text */
  function announce(text) {
    if (Date.now() - announcedAt < 5000) return;
    announcedAt = Date.now();
    byId("announce").textContent = text;
  }

  /** @param {string} text */
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without a secure context there is only the old way.
      const area = make("textarea", { class: "unseen" });
      /** @type {HTMLTextAreaElement} */ (area).value = text;
      document.body.append(area);
      /** @type {HTMLTextAreaElement} */ (area).select();
      document.execCommand("copy");
      area.remove();
    }
    document.body.dataset.copied = text;
    announcedAt = 0;
    announce(`copied ${text}`);
  }

  /** Asks for data; the answer has its status. @param {string} path */
  async function ask(path) {
    try {
      const response = await fetch(`${mount}/api/${path}`, { credentials: "same-origin" });
      const text = await response.text();
      let data = null;
      try { data = JSON.parse(text); } catch { /* refused in plain text */ }
      return { status: response.status, data };
    } catch {
      return { status: 0, data: null };
    }
  }

  const failure = (/** @type {number} */ status) =>
    status === 0 ? "The process does not answer." :
    status === 401 ? "This page needs its token: open it with ?token=… once." :
    `The process answered ${status}.`;

  // ---------------------------------------------------------------- moving between views

  /** The view that is shown: how it ends, updates, and what it does with keys. */
  let shown = {
    name: "",
    leave: () => {},
    /** @param {any} _message */
    change: (_message) => {},
    /** @param {string} _key @returns {boolean} */
    key: (_key) => false,
    renew: () => {},
  };
  const nothing = { leave: () => {}, change: () => {}, key: () => false, renew: () => {} };

  /** @param {string} url @param {boolean} [replace] */
  function go(url, replace) {
    if (replace) history.replaceState(null, "", url);
    else history.pushState(null, "", url);
    open();
  }

  /** Changes parameters of the address without leaving the view. @param {Record<string, string | null>} changes */
  function remember(changes) {
    const params = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") params.delete(name);
      else params.set(name, value);
    }
    const query = params.toString();
    history.replaceState(null, "", location.pathname + (query ? `?${query}` : ""));
  }

  function open() {
    const { view, trace, params } = place();
    shown.leave();
    delete document.body.dataset.ready;
    for (const link of document.querySelectorAll("nav a")) {
      const name = /** @type {HTMLElement} */ (link).dataset.view;
      if (name === view || (view === "trace" && name === "traces")) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    filter.value = params.get("q") || "";
    byId("legend").textContent = "";
    main.replaceChildren();
    const views = { traces: listView, trace: traceView, routes: routesView, running: runningView, telemetry: telemetryView, metrics: metricsView };
    shown = /** @type {any} */ ({ ...nothing, name: view, ...views[/** @type {keyof typeof views} */ (view)](params, trace) });
    document.title = view === "trace" ? `Trace ${trace.slice(0, 8)}` : view[0].toUpperCase() + view.slice(1);
    listen(view === "trace" ? trace : "");
  }

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-go]") : null;
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(/** @type {HTMLAnchorElement} */ (link).href);
  });
  window.addEventListener("popstate", open);

  /** A link within the page. @param {string} url @param {Record<string, any>} properties @param {...(Node | string)} children */
  const link = (url, properties, ...children) => make("a", { href: url, "data-go": true, ...properties }, ...children);

  // ---------------------------------------------------------------- live updates

  /** @type {EventSource | null} */
  let source = null;
  let at = "";
  let instance = "";
  let watched = "";
  let paused = false;
  let polling = 0;
  /** @type {any} */
  let counts = null;

  /** @param {string} text @param {string} state */
  function liveState(text, state) {
    const button = byId("live");
    button.textContent = text;
    button.dataset.state = state;
    button.setAttribute("aria-pressed", String(paused));
  }

  function hangUp() {
    if (source) source.close();
    source = null;
    clearTimeout(polling);
  }

  /** Opens the stream of changes. @param {string} trace */
  function listen(trace) {
    watched = trace;
    hangUp();
    if (paused) return liveState("paused", "paused");
    if (document.hidden) return liveState("hidden", "paused");
    const parameters = new URLSearchParams();
    if (at) parameters.set("since", at);
    if (trace) parameters.set("trace", trace);
    const stream = new EventSource(`${mount}/api/changes?${parameters}`);
    source = stream;
    let lost = 0;
    stream.addEventListener("open", () => {
      clearTimeout(lost);
      lost = 0;
      liveState("live", "live");
    });
    stream.addEventListener("message", (event) => {
      known(event.lastEventId);
      const message = JSON.parse(event.data);
      if (!message.counts) return;
      status(message.counts);
      shown.change(message);
    });
    stream.addEventListener("reset", (event) => {
      // The process was started again, so nothing that is shown exists there.
      known(/** @type {MessageEvent} */ (event).lastEventId);
      announce("the process was restarted");
      open();
      main.prepend(make("div", { class: "notice", id: "restarted" }, "The process was restarted. Traces of the earlier one are gone."));
    });
    // A mounted page's stream ends now and then, so that it holds up no shutdown.
    stream.addEventListener("again", () => listen(watched));
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) {
        // No place for another stream, so ask now and then.
        poll();
      } else if (!lost) {
        lost = setTimeout(() => liveState("connection lost", "lost"), 3000);
      }
    });
  }

  /** @param {string} id */
  function known(id) {
    if (!id) return;
    at = id;
    instance = id.split("-")[0];
  }

  function poll() {
    hangUp();
    liveState("polling", "live");
    polling = setTimeout(async () => {
      const { status: code, data } = await ask("status");
      if (code === 200) {
        status(data.counts);
        if (instance && data.instance !== instance) at = "";
        shown.renew();
        if (Math.random() < 0.2) return listen(watched);
      } else {
        liveState("connection lost", "lost");
        return void (polling = setTimeout(() => listen(watched), 2000));
      }
      poll();
    }, 2000);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      hangUp();
      if (!paused) liveState("hidden", "paused");
    } else if (!paused) {
      shown.renew();
      listen(watched);
    }
    document.body.dataset.stream = source ? "open" : "closed";
  });

  function pause() {
    paused = !paused;
    if (!paused) shown.renew();
    listen(watched);
  }
  byId("live").addEventListener("click", pause);

  /** @param {any} now */
  function status(now) {
    counts = now;
    byId("running-count").textContent = now.running ? ` (${count(now.running)})` : "";
    const oldest = now.oldest ? ` · oldest ${age((now.now - now.oldest) / 1e6)}` : "";
    const lost = now.missed + now.refused;
    byId("status").replaceChildren(
      `kept ${count(now.kept)} of ${count(now.seen)} traces · ${mib(now.used)} of ${mib(now.memory).replace(/\.0$/, "")} MiB${oldest} · `,
      make("span", { class: lost ? "bad" : "" }, `${count(lost)} spans missed by this page`),
    );
  }

  // ---------------------------------------------------------------- the list of traces

  const ROW = 22;

  /** @param {URLSearchParams} params */
  function listView(params) {
    /** @type {any[]} */
    let rows = [];
    /** @type {Map<string, any>} */
    const known_ = new Map();
    let fresh = 0;
    let selected = "";
    let more = true;
    let loading = false;
    let gone = false;
    let hovered = false;
    let renewAt = 0;
    const hidden = new Set([...params.getAll("hide"), ...hiddenRoutes()]);
    const isFiltered = ["q", "error", "slow", "route", "bucket"].some((name) => params.has(name));

    const newer = make("button", { type: "button", hidden: true, onclick: () => renew(true) });
    const searched = make("span", { class: "quiet" });
    const chip = (/** @type {string} */ text, /** @type {string | null} */ name) => {
      const wanted = new URLSearchParams(params);
      for (const other of ["error", "slow"]) wanted.delete(other);
      if (name) wanted.set(name, "1");
      const isCurrent = name ? params.has(name) : !params.has("error") && !params.has("slow");
      return link(address("", wanted), { class: "chip", "aria-current": isCurrent }, text);
    };
    const bar = make("div", { class: "bar" },
      make("h1", { class: "unseen" }, "Traces"),
      chip("all", null), chip("errors", "error"), chip("slow", "slow"));
    /** A filter that can be taken away. */
    const without = (/** @type {string[]} */ names, /** @type {string} */ text) => {
      const rest = new URLSearchParams(params);
      for (const name of names) rest.delete(name);
      const forget = () => { if (names[0] === "hide") stored.set("hide", ""); };
      bar.append(link(address("", rest), { class: "chip", "aria-label": `Remove ${text}`, onclick: forget }, `${text} ×`));
    };
    if (params.has("route")) without(["route", "bucket"], `${params.get("route")} ${BUCKETS[Number(params.get("bucket") ?? -1)] || ""}`);
    if (hidden.size) without(["hide"], `${hidden.size} hidden`);
    bar.append(make("span", { class: "grow" }), searched, newer);

    const head = ["time:Time", "what:Name", "services:Services", "spans number:Spans", "duration:Duration", "result:Status", "kept:Kept as"];
    const body = make("tbody", {});
    const table = make("table", { class: "traces", role: "grid", tabindex: "0", "aria-label": "Traces" },
      make("thead", {}, make("tr", {}, ...head.map((column) => {
        const [name, text] = column.split(":");
        return make("th", { class: name, scope: "col" }, text);
      }))), body);
    const scroll = make("div", { class: "scroll", onscroll: () => paint() }, table);
    scroll.addEventListener("pointerenter", () => { hovered = true; });
    scroll.addEventListener("pointerleave", () => { hovered = false; });
    const empty = make("div", { class: "empty", hidden: true });
    main.append(bar, scroll, empty);

    const visible = () => rows.filter((row) => !hidden.has(row.name));

    /** @param {any} row @param {number} index */
    function line(row, index) {
      const result = row.errors ? `✗ ${row.status || row.error_type || "error"}` : row.status || (row.root ? "" : "no root");
      const kept = row.kept === "slow" ? `slowest of ${BUCKETS[row.bucket]}` : row.kept;
      const width = Math.max(2, Math.min(80, 16 * Math.log10(Math.max(1, row.duration / 1e5))));
      const meter = make("span", { class: "meter" });
      meter.style.width = `${width}px`;
      const name = row.name || "(no name)";
      const element = make("tr", {
        id: `trace-${row.id}`, class: row.errors ? "failed" : "", "aria-rowindex": index + 2,
        "aria-selected": row.id === selected,
        onclick: (/** @type {MouseEvent} */ event) => {
          if (!(event.target instanceof Element && event.target.closest("a"))) select(row.id);
        },
        ondblclick: () => go(address(`trace/${row.id}`)),
      },
        make("td", { class: "time" }, clock(row.start)),
        make("td", { class: "what", title: name }, link(address(`trace/${row.id}`), { tabindex: "-1" }, name)),
        make("td", { class: "services" }, row.services.join(", ")),
        make("td", { class: "spans number" }, count(row.spans)),
        make("td", { class: "duration" }, make("span", { class: "took" }, time(row.duration)), meter),
        make("td", { class: `result ${row.errors ? "bad" : ""}`, title: row.error_type }, result),
        make("td", { class: "kept quiet" }, kept + (row.lacks_earlier ? ", incomplete" : "")));
      return element;
    }

    function paint() {
      const all = visible();
      const from = Math.max(0, Math.floor(scroll.scrollTop / ROW) - 10);
      const to = Math.min(all.length, from + Math.ceil(scroll.clientHeight / ROW) + 20);
      const space = (/** @type {number} */ n) => {
        const cell = make("td", {});
        cell.style.height = `${n * ROW}px`;
        return make("tr", { class: "spacer", "aria-hidden": "true" }, cell);
      };
      body.replaceChildren(space(from), ...all.slice(from, to).map((row, n) => line(row, from + n)), space(all.length - to));
      table.setAttribute("aria-rowcount", String(all.length + 1));
      if (selected) table.setAttribute("aria-activedescendant", `trace-${selected}`);
      else table.removeAttribute("aria-activedescendant");
      scroll.hidden = !all.length;
      empty.hidden = all.length > 0;
      if (to === all.length && more && rows.length) load(false);
    }

    function explainEmpty() {
      empty.replaceChildren(
        make("p", {}, isFiltered || hidden.size ? "No trace that is kept matches." : "No traces yet."),
        make("p", {}, isFiltered || hidden.size
          ? link(address(""), {}, "Show all traces")
          : "Send a request to this service; its trace appears here without a reload."));
    }

    /** @param {boolean} fromStart */
    async function load(fromStart) {
      if (loading) return;
      loading = true;
      const wanted = new URLSearchParams(params);
      wanted.delete("hide");
      wanted.set("limit", "500");
      if (!fromStart && rows.length) wanted.set("before", String(rows[rows.length - 1].seq));
      const { status: code, data } = await ask(`traces?${wanted}`);
      loading = false;
      if (gone) return;
      if (code !== 200) {
        empty.replaceChildren(make("p", { class: "bad" }, failure(code)));
        empty.hidden = false;
        document.body.dataset.ready = "failed";
        return;
      }
      if (fromStart) {
        rows = [];
        known_.clear();
        fresh = 0;
        if (!at) {
          known(data.at);
          listen("");
        }
      }
      for (const row of data.traces) {
        if (!known_.has(row.id)) rows.push(row);
        known_.set(row.id, row);
      }
      more = data.traces.length >= 500 && rows.length < 20000;
      searched.textContent = params.has("q") && data.searched < data.of ? `searched ${count(data.searched)} of ${count(data.of)}` : "";
      status(data.counts);
      explainEmpty();
      paint();
      news();
      document.body.dataset.ready = "traces";
      document.body.dataset.rows = String(rows.length);
    }

    function news() {
      newer.hidden = !fresh;
      newer.textContent = `${count(fresh)} new – press r`;
    }

    /** @param {boolean} [toTop] */
    function renew(toTop) {
      if (toTop) scroll.scrollTop = 0;
      renewAt = Date.now();
      load(true);
    }

    /** @param {any} message */
    function change(message) {
      let changed = false;
      let added = message.more;
      for (const row of [...message.traces].reverse()) {
        const old = known_.get(row.id);
        if (old) {
          Object.assign(old, row);
          changed = true;
        } else if (!isFiltered && mayMove()) {
          rows.unshift(row);
          known_.set(row.id, row);
          changed = true;
        } else {
          added += 1;
        }
      }
      if (isFiltered && added && mayMove() && Date.now() - renewAt > 2000) return renew();
      fresh += added;
      if (fresh) announce(`${fresh} new traces`);
      if (rows.length > 20000) rows.length = 20000;
      news();
      if (changed) {
        paint();
        document.body.dataset.rows = String(rows.length);
      }
    }

    /** Rows never move under the pointer, the selection, or a reader further down. */
    const mayMove = () => !rows.length || (!hovered && !selected && scroll.scrollTop === 0 && !fresh);

    /** @param {string} id */
    function select(id) {
      selected = id;
      const index = visible().findIndex((row) => row.id === id);
      if (index >= 0) {
        const top = index * ROW;
        if (top < scroll.scrollTop) scroll.scrollTop = top;
        else if (top + 2 * ROW > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = top + 2 * ROW - scroll.clientHeight;
      }
      paint();
      if (id) table.focus({ preventScroll: true });
    }

    /** @param {(row: any, index: number) => boolean} wanted @param {number} step */
    function seek(wanted, step) {
      const all = visible();
      let index = all.findIndex((row) => row.id === selected);
      if (index < 0 && step < 0) index = all.length;
      for (index += step; index >= 0 && index < all.length; index += step) {
        if (wanted(all[index], index)) return select(all[index].id);
      }
    }

    /** @param {string} key */
    function onKey(key) {
      const row = known_.get(selected);
      const all = visible();
      switch (key) {
        case "j": case "ArrowDown": seek(() => true, 1); return true;
        case "k": case "ArrowUp": seek(() => true, -1); return true;
        case "e": seek((other) => other.errors > 0, 1); return true;
        case "E": seek((other) => other.errors > 0, -1); return true;
        case "Home": if (all.length) select(all[0].id); return true;
        case "End": if (all.length) select(all[all.length - 1].id); return true;
        case "Enter": if (row) go(address(`trace/${row.id}`)); return Boolean(row);
        case "c": if (row) copy(row.id); return true;
        case "C": if (row) copy(`${row.id} ${row.name} ${time(row.duration)} ${row.spans} spans ${row.errors} errors`); return true;
        case "r": renew(true); return true;
        case "Escape": select(""); return true;
      }
      return false;
    }

    load(true);
    const resized = () => paint();
    window.addEventListener("resize", resized);
    return {
      change,
      key: onKey,
      renew: () => renew(),
      leave: () => {
        gone = true;
        window.removeEventListener("resize", resized);
      },
    };
  }

  // ---------------------------------------------------------------- one trace

  /**
   * The tree of a trace in typed arrays. Built without recursion, as a trace may be 10,000 deep.
   * @param {any} data
   */
  function tree(data) {
    const { parent, start, duration } = data.spans;
    const size = parent.length;
    const firstChild = new Int32Array(size).fill(-1);
    const nextSibling = new Int32Array(size).fill(-1);
    const depth = new Int32Array(size);
    const order = new Int32Array(size);
    const placed = new Uint8Array(size);
    const byStart = new Int32Array(size);
    for (let span = 0; span < size; span++) byStart[span] = span;
    byStart.sort((a, b) => start[a] - start[b] || duration[b] - duration[a] || a - b);
    /** @type {number[]} */
    const roots = [];
    for (let n = size - 1; n >= 0; n--) {
      const span = byStart[n];
      const above = parent[span];
      if (above >= 0 && above !== span) {
        nextSibling[span] = firstChild[above];
        firstChild[above] = span;
      } else {
        roots.push(span);
      }
    }
    let filled = 0;
    /** @param {number} root */
    const place_ = (root) => {
      const stack = [root];
      depth[root] = 0;
      while (stack.length) {
        const span = /** @type {number} */ (stack.pop());
        if (placed[span]) continue;
        placed[span] = 1;
        order[filled++] = span;
        const children = [];
        for (let child = firstChild[span]; child >= 0; child = nextSibling[child]) children.push(child);
        for (let n = children.length - 1; n >= 0; n--) {
          if (placed[children[n]]) continue;
          depth[children[n]] = depth[span] + 1;
          stack.push(children[n]);
        }
      }
    };
    for (let n = roots.length - 1; n >= 0; n--) place_(roots[n]);
    // What is left is below itself: the earliest of each circle becomes a root.
    const circles = new Uint8Array(size);
    for (const span of byStart) {
      if (placed[span]) continue;
      circles[span] = 1;
      place_(span);
    }
    return { size, firstChild, nextSibling, depth, order, circles };
  }

  /**
   * Marks the spans that the end of the trace waited for.
   * @param {any} data @param {ReturnType<typeof tree>} shape
   */
  function criticalPath(data, shape) {
    const { start, duration } = data.spans;
    const on = new Uint8Array(shape.size);
    if (!shape.size) return on;
    let longest = shape.order[0];
    for (const span of shape.order) {
      if (shape.depth[span] === 0 && duration[span] > duration[longest]) longest = span;
    }
    /** @type {[number, number][]} */
    const stack = [[longest, start[longest] + duration[longest]]];
    while (stack.length) {
      const [span, until] = /** @type {[number, number]} */ (stack.pop());
      if (on[span]) continue;
      on[span] = 1;
      const children = [];
      for (let child = shape.firstChild[span]; child >= 0; child = shape.nextSibling[child]) children.push(child);
      children.sort((a, b) => start[b] + duration[b] - start[a] - duration[a]);
      let left = until;
      for (const child of children) {
        const end = start[child] + duration[child];
        if (end > left || start[child] >= left) continue;
        stack.push([child, end]);
        left = start[child];
      }
    }
    return on;
  }

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
      if (data.lacks_earlier) parts.push("earlier spans were let go");
      facts.textContent = parts.join(" · ");
      selected = before ? data.spans.id.indexOf(before) : -1;
      isFound = new Uint8Array(shape.size);
      for (const span of found) isFound[span] = 1;
      layout();
      drawOverview();
      if (selected >= 0) show(selected);
      if (find.value) search();
      document.body.dataset.ready = "trace";
      document.body.dataset.spans = String(shape.size);
      requestAnimationFrame(() => { document.body.dataset.painted = String(Math.round(performance.now() - begun)); });
      if (again) {
        again = false;
        setTimeout(() => { if (!gone) load(); }, 1000);
      }
    }

    /** @param {number} code @param {any} answer */
    function explain(code, answer) {
      const ago = answer && answer.ago !== null && answer.ago !== undefined ? ` ${age(answer.ago)} ago` : "";
      const why = {
        "let go": `This trace was let go${ago} to make room. More memory keeps more: TRACEWIRE_LIVE_MEMORY.`,
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

  /** What is shown of one span. @param {any} span */
  function spanDetails(span) {
    const filterKeys = /** @type {HTMLInputElement} */ (make("input", { type: "search", placeholder: "filter keys", "aria-label": "Filter attributes by key" }));
    const attributes = pairs(span.attributes);
    filterKeys.addEventListener("input", () => {
      const wanted = filterKeys.value.toLowerCase();
      for (const term of attributes.querySelectorAll("dt")) {
        const hides = !(term.textContent || "").toLowerCase().includes(wanted);
        term.hidden = hides;
        /** @type {HTMLElement} */ (term.nextElementSibling).hidden = hides;
      }
    });
    const group = (/** @type {string} */ title, /** @type {any[]} */ items, /** @type {(item: any) => Node} */ show_) =>
      items.length ? [make("h2", {}, `${title} ${items.length}`), ...items.map(show_)] : [];
    const dropped = span.dropped_attributes + span.dropped_events + span.dropped_links;
    return [
      make("h1", {}, `${KINDS[span.kind] || ""} ${span.name}`.trim()),
      make("div", { class: "quiet" }, `${span.service} · started +${time(span.offset)} (${clock(span.start)}), took ${time(span.duration)}`),
      make("div", { class: "id quiet" }, `span ${span.id}`),
      span.status === 2 && make("div", { class: "bad" }, `✗ error${span.status_message ? `: ${span.status_message}` : ""}`),
      dropped > 0 && make("div", { class: "bad" }, `${dropped} attributes, events or links were dropped before this page saw them`),
      make("h2", {}, `Attributes ${span.attributes.length}`),
      span.attributes.length > 8 && filterKeys,
      attributes,
      ...group("Events", span.events, (event) => make("div", { class: "item" }, make("div", {}, `◆ ${event.name} `, make("span", { class: "quiet" }, `+${time(event.offset)}`)), pairs(event.attributes))),
      ...group("Logs", span.logs, (log) => make("div", { class: "item" }, make("div", { class: "quiet" }, `${log.severity} +${time(log.offset)}`), make("div", { class: "wide" }, log.body), pairs(log.attributes))),
      ...group("Links", span.links, (other) => make("div", { class: "item" }, link(address(`trace/${other.trace}`, { span: other.span }), { class: "id" }, `${other.trace} ${other.span}`), pairs(other.attributes))),
      make("p", {}, link(address("", { q: `link:${location.pathname.slice(mount.length + 7)}` }), {}, "Traces that link to this one")),
      make("h2", {}, "Resource"),
      pairs(span.resource),
      span.scope && make("p", { class: "quiet" }, `scope ${span.scope}`),
      span.trace_state && make("p", { class: "quiet" }, `tracestate ${span.trace_state}`),
    ].filter((part) => part instanceof Node);
  }

  /** @param {any[]} attributes */
  function pairs(attributes) {
    const list = make("dl", {});
    for (const { key, value, type } of attributes) {
      const isLink = type === "string" && /^https?:\/\/[^\s]+$/.test(value) && value.length < 2000;
      const shownValue = isLink ? make("a", { href: value, rel: "noreferrer noopener", target: "_blank", title: value }, value) : value;
      list.append(make("dt", {}, key), make("dd", {}, make("div", { class: "value", title: type }, shownValue)));
    }
    return list;
  }

  // ---------------------------------------------------------------- tables

  /** A table that is asked for again and again. @param {string} path @param {number} every @param {(data: any) => Node[]} draw */
  function tableView(path, every, draw) {
    let gone = false;
    let timer = 0;
    async function renew() {
      clearTimeout(timer);
      const { status: code, data } = await ask(path);
      if (gone) return;
      if (code === 200) {
        const at_ = main.querySelector(".scroll")?.scrollTop || 0;
        const active = document.activeElement?.id;
        main.replaceChildren(...draw(data));
        const scroll = main.querySelector(".scroll");
        if (scroll) scroll.scrollTop = at_;
        if (active) document.getElementById(active)?.focus();
        document.body.dataset.ready = path;
      } else {
        main.replaceChildren(make("div", { class: "empty" }, make("p", { class: "bad" }, failure(code))));
        document.body.dataset.ready = "failed";
      }
      if (!paused && !document.hidden) timer = setTimeout(renew, every);
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
    return make("div", { class: "scroll", tabindex: "0" }, make("table", { "aria-label": label }, make("thead", {}, make("tr", {}, ...columns)), make("tbody", {}, ...rows)));
  }

  /** @param {...any} children */
  const td = (...children) => make("td", {}, ...children);
  /** @param {...any} children */
  const number = (...children) => make("td", { class: "number" }, ...children);
  /** @param {string} text */
  const emptyNote = (text) => make("div", { class: "empty" }, make("p", {}, text));

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
          return link(address("", { route: route.name, bucket: String(bucket) }), { class: "cell", title: `${count(n)} of ${BUCKETS[bucket]}`, "aria-label": `${count(n)} requests of ${BUCKETS[bucket]}` }, fill);
        });
        const share = numbers.count ? (100 * numbers.errors) / numbers.count : 0;
        const isHidden = hidden.has(route.name);
        return make("tr", {},
          td(link(address("", { route: route.name }), {}, route.name), make("span", { class: "quiet" }, route.kind === 2 ? "" : ` ${KINDS[route.kind] || ""}`)),
          number(count(numbers.count)),
          number(seconds > 0 ? (numbers.count / seconds).toFixed(1) : "–"),
          make("td", { class: `number ${numbers.errors ? "bad" : ""}` }, numbers.errors ? `${count(numbers.errors)} ✗ ${share.toFixed(1)} %` : "0"),
          number(time(numbers.p50)), number(time(numbers.p95)), number(time(numbers.p99)),
          make("td", {}, ...cells),
          number(route.running ? link(address("running"), {}, count(route.running)) : "0"),
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
        rows.length ? grid : emptyNote("No request has ended yet."),
      ];
    });
    return view;
  }

  function runningView() {
    return tableView("running", 1000, (data) => {
      const rows = data.requests.map((/** @type {any} */ request) => make("tr", {},
        number(time(request.duration)),
        td(request.name, request.path ? make("span", { class: "quiet" }, ` ${request.path}`) : ""),
        td(link(address(`trace/${request.trace}`, { span: request.span }), { class: "id" }, request.trace)),
        number(count(request.ended)),
        make("td", { class: "bad" }, request.slow ? "longer than p99 of its route" : "")));
      const rest = [];
      if (data.beyond) rest.push(`${count(data.beyond)} more are running and not listed.`);
      if (data.folded) rest.push(`${count(data.folded)} more began over an hour ago: spans that are never ended?`);
      return [
        make("div", { class: "bar" }, make("h1", {}, "Running"), make("span", { class: "quiet" }, `${count(rows.length)} requests · refreshed each second`)),
        rows.length ? table(["Since:number", "Request", "Trace", "Ended spans:number", ""], rows, "Running requests") : emptyNote("No request is running."),
        ...rest.map((text) => make("div", { class: "notice" }, text)),
      ];
    });
  }

  function telemetryView() {
    return tableView("telemetry", 2000, (data) => {
      const lost = (/** @type {number} */ n) => make("td", { class: `number ${n ? "bad" : ""}` }, n ? `${count(n)} ✗` : "0");
      const rows = data.rows.map((/** @type {any} */ row) => make("tr", {},
        td(row.signal), td(row.exporter), number(count(row.exported)), lost(row.failed), lost(row.dropped), number(count(row.waiting)),
        make("td", { class: "wide bad" }, row.last_error ? `${row.last_error_at ? `${clock(row.last_error_at * 1000)} ` : ""}${row.last_error}` : "")));
      return [
        make("div", { class: "bar" }, make("h1", {}, "Telemetry"), make("span", { class: "quiet" }, "what was exported, and what was lost on the way")),
        rows.length ? table(["Signal", "Exporter", "Exported:number", "Failed:number", "Dropped:number", "Waiting:number", "Last failure"], rows, "Exporters") : emptyNote("Nothing is exported, or this page is not told."),
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
        rows.push(make("tr", {}, td(row.name), make("td", { class: "quiet" }, labels),
          number(`${Number(row.value.toPrecision(4)).toLocaleString("en")} ${row.unit}`.trim()), number(row.count === null ? "" : count(row.count)), td(canvas), make("td", { class: "quiet" }, row.kind)));
      }
      for (const key of history_.keys()) if (!keys.has(key)) history_.delete(key);
      const left = data.rows.length + data.more - rows.length;
      return [
        make("div", { class: "bar" }, make("h1", {}, "Metrics"), make("span", { class: "quiet" }, `read each 5 seconds while this is open${left > 0 ? ` · ${count(left)} more rows, use the filter` : ""}`)),
        rows.length ? table(["Instrument", "Attributes", "Value:number", "Count:number", "Last 5 min", "Kind"], rows, "Metrics") : emptyNote(data.available ? "No instrument has a value." : "Metrics are not shown on this page."),
      ];
    });
  }

  /** @param {HTMLCanvasElement} canvas @param {number[]} values */
  function spark(canvas, values) {
    const paper = canvas.getContext("2d");
    if (!paper) return;
    const least = Math.min(...values);
    const range = Math.max(...values) - least || 1;
    paper.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
    paper.lineWidth = 2;
    paper.beginPath();
    values.forEach((value, n) => {
      const x = canvas.width - (values.length - 1 - n) * (canvas.width / 59);
      paper.lineTo(x, 34 - ((value - least) / range) * 32);
    });
    paper.stroke();
  }

  // ---------------------------------------------------------------- keys, theme, help

  const HELP = [
    ["j k ↓ ↑", "next, previous row"], ["Enter", "open"], ["h l ← →", "collapse, expand"], ["Home End", "first, last row"],
    ["/", "filter or find"], ["n N", "next, previous match"], ["e E", "next, previous error"], ["c C", "copy the trace id, or a line about it"],
    ["+ -", "zoom into, out of the trace"], ["p", "pause"], ["r", "show new traces"],
    ["g t  g r  g u  g x  g m", "traces, routes, running, telemetry, metrics"], ["Esc", "back"], ["?", "this help"],
  ];
  const FILTERS = [
    ["error", "has an error"], [">200ms <1s", "took longer, shorter"], ["service:shop", "has spans of that service"], ["status:502", "answered so"],
    ["key=value", "a span has that attribute"], ["words", "in names, keys and values"], ["\"two words\"", "the same, together"], ["-term", "does not match"],
  ];
  const describeAll = (/** @type {string} */ id, /** @type {string[][]} */ list) => byId(id).append(...list.flatMap(([term, text]) => [make("dt", {}, term), make("dd", {}, text)]));
  describeAll("help-keys", HELP);
  describeAll("help-filter", FILTERS);
  const help = /** @type {HTMLDialogElement} */ (byId("help"));
  const keysOn = /** @type {HTMLInputElement} */ (byId("keys-on"));
  keysOn.checked = stored.get("keys") !== "off";
  keysOn.addEventListener("change", () => stored.set("keys", keysOn.checked ? "on" : "off"));
  byId("help-open").addEventListener("click", () => help.showModal());
  byId("help-close").addEventListener("click", () => help.close());

  const THEMES = ["auto", "light", "dark"];
  let theme = THEMES.includes(stored.get("theme") || "") ? /** @type {string} */ (stored.get("theme")) : "auto";
  function applyTheme() {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    byId("theme").textContent = theme;
  }
  byId("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    stored.set("theme", theme);
    applyTheme();
    window.dispatchEvent(new Event("resize"));
  });
  applyTheme();

  let prefix = "";
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (target.closest("input, textarea, select, [contenteditable]")) {
      if (event.key === "Escape") /** @type {HTMLElement} */ (target).blur();
      return;
    }
    // A button or a link keeps what Enter and Space do with it.
    if ((event.key === "Enter" || event.key === " ") && target.closest("button, a")) return;
    const isNamed = event.key.length > 1;
    if (!isNamed && !keysOn.checked) return;
    const before = prefix;
    prefix = "";
    if (before === "g") {
      const view = { t: "", r: "routes", u: "running", x: "telemetry", m: "metrics" }[event.key];
      if (view !== undefined) {
        event.preventDefault();
        return go(address(view));
      }
    }
    const done = shown.key(event.key);
    if (done) return event.preventDefault();
    switch (event.key) {
      case "g": prefix = "g"; break;
      case "/": filter.focus(); filter.select(); break;
      case "p": pause(); break;
      case "?": help.showModal(); break;
      case "Escape": go(address("")); break;
      default: return;
    }
    event.preventDefault();
  });

  let filtering = 0;
  filter.addEventListener("input", () => {
    clearTimeout(filtering);
    filtering = setTimeout(applyFilter, 250);
  });
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") applyFilter();
  });
  function applyFilter() {
    clearTimeout(filtering);
    const text = filter.value.trim();
    const { view, params } = place();
    if ((params.get("q") || "") === text) return;
    const isTable = view === "metrics" || view === "traces";
    const wanted = isTable ? params : new URLSearchParams();
    if (text) wanted.set("q", text);
    else wanted.delete("q");
    const caret = filter.selectionStart;
    go(address(view === "metrics" ? "metrics" : "", wanted), isTable);
    filter.value = text;
    filter.setSelectionRange(caret, caret);
  }

  for (const element of document.querySelectorAll("nav a")) {
    const anchor = /** @type {HTMLAnchorElement} */ (element);
    anchor.href = address(anchor.dataset.view === "traces" ? "" : String(anchor.dataset.view));
    anchor.dataset.go = "";
  }
  liveState("…", "");
  open();
  ask("status").then(({ status: code, data }) => {
    if (code !== 200) return;
    byId("service").textContent = `${data.service} ${data.version}`.trim() || "traces";
    if (!counts) status(data.counts);
  });
})();
