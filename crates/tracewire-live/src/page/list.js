// @ts-check
// The list of traces.

const ROW = 22;
const MOST_LISTED = 20000;

/** @param {URLSearchParams} params */
function listView(params) {
  /** @type {any[]} */
  let rows = [];
  /** @type {Map<string, any>} */
  const known_ = new Map();
  /** Traces that came and are not listed, and how many more came than are told apart. @type {Set<string>} */
  const unlisted = new Set();
  let beyond = 0;
  let selected = "";
  /** Where the list goes on. @type {number | null} */
  let before = null;
  /** Whether it goes on by itself. */
  let more = true;
  /** How many traces a search has come to, and whether it went on past its first part. */
  let looked = 0;
  let isFurther = false;
  let loading = false;
  let gone = false;
  let hovered = false;
  let renewAt = 0;
  let soon = 0;
  const hidden = new Set([...params.getAll("hide"), ...hiddenRoutes()]);
  const isFiltered = ["q", "error", "slow", "route", "bucket"].some((name) => params.has(name));

  const newer = make("button", { type: "button", hidden: true, onclick: () => renew(true) });
  const searched = make("span", { class: "quiet", id: "searched" });
  const further = make("button", { type: "button", id: "further", hidden: true, onclick: () => { isFurther = true; load(false); } }, "keep searching");
  const chip = (/** @type {string} */ text, /** @type {string | null} */ name) => {
    const wanted = new URLSearchParams(params);
    for (const other of ["error", "slow"]) wanted.delete(other);
    if (name) wanted.set(name, "1");
    const isCurrent = name ? params.has(name) : !params.has("error") && !params.has("slow");
    return link(address("", wanted), { class: "chip", "aria-current": isCurrent }, text, make("span", { class: "tally" }));
  };
  const [everything, errors, slow] = [chip("all", null), chip("errors", "error"), chip("slow", "slow")];
  const bar = make("div", { class: "bar" }, make("h1", { class: "unseen" }, "Traces"), everything, errors, slow);
  /** Says how many traces each chip finds. @param {any} counts */
  function tally({ kept, failed, slow: slowest }) {
    for (const [element, n] of /** @type {[HTMLElement, number][]} */ ([[everything, kept], [errors, failed], [slow, slowest]])) {
      /** @type {HTMLElement} */ (element.lastElementChild).textContent = n ? ` ${count(n)}` : "";
    }
    errors.classList.toggle("bad", failed > 0);
  }
  /** A filter that can be taken away. */
  const without = (/** @type {string[]} */ names, /** @type {string} */ text) => {
    const rest = new URLSearchParams(params);
    for (const name of names) rest.delete(name);
    const forget = () => { if (names[0] === "hide") stored.set("hide", ""); };
    bar.append(link(address("", rest), { class: "chip", "aria-label": `Remove ${text}`, onclick: forget }, `${text} ×`));
  };
  if (params.has("route")) without(["route", "bucket"], `${params.get("route")} ${BUCKETS[Number(params.get("bucket") ?? -1)] || ""}`);
  if (hidden.size) without(["hide"], `${hidden.size} hidden`);
  bar.append(make("span", { class: "grow" }), newer, searched, further);

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

  /** @param {any} row */
  function line(row) {
    const result = row.errors ? `✗ ${row.status || row.error_type || "error"}` : row.status || (row.root ? "" : "no root");
    const isWhole = row.bucket === bucketOf(row.duration);
    const kept = row.kept !== "slow" ? row.kept : isWhole ? `slowest of ${BUCKETS[row.bucket]}` : "slow part";
    const width = Math.max(2, Math.min(80, 16 * Math.log10(Math.max(1, row.duration / 1e5))));
    const meter = make("span", { class: "meter" });
    meter.style.width = `${width}px`;
    const name = row.name || "(no name)";
    const element = make("tr", {
      id: `trace-${row.id}`, class: row.errors ? "failed" : "",
      onclick: (/** @type {MouseEvent} */ event) => {
        if (!(event.target instanceof Element && event.target.closest("a"))) select(row.id);
      },
      ondblclick: () => go(address(`trace/${row.id}`)),
    },
      make("td", { class: "time", title: `${day(row.start)} ${clock(row.start)}` }, day(row.start) === day(Date.now() * 1000) ? clock(row.start) : `${day(row.start).slice(-5)} ${clock(row.start).slice(0, 8)}`),
      make("td", { class: "what", title: name }, link(address(`trace/${row.id}`), { tabindex: "-1" }, name)),
      make("td", { class: "services", title: row.services.join(", ") }, row.services.join(", ") + (row.more_services ? ` and ${count(row.more_services)} more` : "")),
      make("td", { class: "spans number" }, count(row.spans)),
      make("td", { class: "duration" }, make("span", { class: "took" }, time(row.duration)), meter),
      make("td", { class: `result ${row.errors ? "bad" : ""}`, title: row.error_type }, result),
      make("td", { class: "kept quiet", title: row.kept === "slow" && !isWhole && `A request within it is among the slowest of ${BUCKETS[row.bucket]}` }, kept + (row.lacks_earlier ? ", incomplete" : "")));
    return element;
  }

  /** The rows on the screen, by their ids. @type {Map<string, { element: Element, text: string }>} */
  let lines = new Map();
  let later = 0;

  /** Paints what changed once that disturbs nobody. */
  function paintLater() {
    clearTimeout(later);
    if (isBusy()) later = setTimeout(paintLater, 100);
    else if (!gone) paint();
  }

  function paint() {
    clearTimeout(later);
    const all = visible();
    const from = Math.max(0, Math.floor(scroll.scrollTop / ROW) - 10);
    const to = Math.min(all.length, from + Math.ceil(scroll.clientHeight / ROW) + 20);
    const space = (/** @type {number} */ n) => {
      const cell = make("td", {});
      cell.style.height = `${n * ROW}px`;
      return make("tr", { class: "spacer", "aria-hidden": "true" }, cell);
    };
    const drawn = new Map();
    // A row that looks as before stays as it is, with the pointer on it.
    const elements = all.slice(from, to).map((row, n) => {
      const text = JSON.stringify(row);
      const old = lines.get(row.id);
      const kept = old && old.text === text ? old : { element: line(row), text };
      kept.element.setAttribute("aria-rowindex", String(from + n + 2));
      kept.element.setAttribute("aria-selected", String(row.id === selected));
      drawn.set(row.id, kept);
      return kept.element;
    });
    lines = drawn;
    const [first, ...others] = [space(from), ...elements, space(all.length - to)];
    if (body.firstChild) body.firstChild.replaceWith(first);
    else body.append(first);
    /** @type {Element} */
    let last = first;
    for (const element of others) {
      if (last.nextSibling !== element) last.after(element);
      last = element;
    }
    while (last.nextSibling) last.nextSibling.remove();
    table.setAttribute("aria-rowcount", String(all.length + 1));
    if (selected) table.setAttribute("aria-activedescendant", `trace-${selected}`);
    else table.removeAttribute("aria-activedescendant");
    scroll.hidden = !all.length;
    empty.hidden = all.length > 0;
    if (to === all.length && more && rows.length) load(false);
  }

  /** @param {string} service @param {string} sampler */
  function explainEmpty(service, sampler) {
    const isViewer = service === "tracewire-viewer";
    empty.replaceChildren(
      make("p", { class: "lead" }, !(isFiltered || hidden.size) ? "No traces yet" : further.hidden ? "No trace that is kept matches." : "No trace matches so far."),
      make("p", {}, isFiltered || hidden.size
        ? link(address(""), { onclick: () => stored.set("hide", "") }, "Show all traces")
        : isViewer
          ? "Start a service that exports over OTLP: its exporter's defaults send here. Traces appear without a reload."
          : `Send a request to this service; its trace appears here without a reload${sampler ? `, if it is sampled. The sampler is ${sampler}` : ""}.`));
  }

  /** @param {boolean} fromStart */
  async function load(fromStart) {
    if (loading) return;
    loading = true;
    const wanted = new URLSearchParams(params);
    wanted.delete("hide");
    wanted.set("limit", "500");
    if (!fromStart && before !== null) wanted.set("before", String(before));
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
      unlisted.clear();
      beyond = looked = 0;
      isFurther = false;
      if (!at) {
        known(data.at);
        listen("");
      }
    }
    for (const row of data.traces) {
      const old = known_.get(row.id);
      if (old) Object.assign(old, row);
      else {
        rows.push(row);
        known_.set(row.id, row);
      }
    }
    before = data.next;
    looked += data.searched;
    more = before !== null && rows.length < MOST_LISTED && (data.traces.length >= 500 || !params.has("q"));
    further.hidden = more || before === null || rows.length >= MOST_LISTED;
    searched.textContent = params.has("q") && before !== null ? `searched ${count(looked)} of ${count(looked + data.of - data.searched)}` : "";
    status(data.counts);
    tally(data.counts);
    explainEmpty(data.service, data.sampler);
    paint();
    news();
    document.body.dataset.ready = "traces";
    document.body.dataset.rows = String(rows.length);
  }

  function news() {
    // A search at rest is repeated by itself.
    const fresh = isFiltered && isAtRest() ? 0 : unlisted.size + beyond;
    newer.hidden = !fresh;
    // Which of them match is not known here, nor which of many are new.
    newer.textContent = isFiltered || beyond ? "new traces – press r" : `${count(fresh)} new – press r`;
  }

  /** @param {boolean} [toTop] */
  function renew(toTop) {
    if (toTop) scroll.scrollTop = 0;
    renewAt = Date.now();
    load(true);
  }

  /** @param {any} message */
  function change(message) {
    tally(message.counts);
    let changed = false;
    beyond += message.more;
    let added = message.more > 0;
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
        added = true;
        if (unlisted.size < MOST_LISTED) unlisted.add(row.id);
        else if (!unlisted.has(row.id)) beyond += 1;
      }
    }
    if ((isFiltered || beyond) && added && !soon) soon = setTimeout(searchAgain, Math.max(0, renewAt + 2000 - Date.now()));
    if (!isFiltered && !beyond && unlisted.size) announce(several(unlisted.size, "new trace"));
    // A tab may stay open for days.
    for (const row of rows.splice(MOST_LISTED)) known_.delete(row.id);
    news();
    if (changed) {
      paintLater();
      document.body.dataset.rows = String(rows.length);
    }
  }

  /** Rows never move under the pointer, the selection, or a reader further down. */
  const isAtRest = () => !rows.length || (!hovered && !selected && !isFurther && scroll.scrollTop === 0);
  const mayMove = () => isAtRest() && !unlisted.size && !beyond;

  function searchAgain() {
    soon = 0;
    if (isBusy()) {
      soon = setTimeout(searchAgain, 300);
      return;
    }
    if (!gone && !paused && !document.hidden && isAtRest()) renew();
  }

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
