// @ts-check
// The rows of a waterfall. Only as many exist as the screen shows.

/**
 * Makes a row, which shows one span after the other.
 * @param {(span: number) => void} show @param {(span: number) => void} fold
 */
function makeRow(show, fold) {
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
    fold(made.span);
  });
  row.addEventListener("click", () => show(made.span));
  row.addEventListener("dblclick", () => fold(made.span));
  return made;
}

/**
 * Shows a span in a row.
 * @param {ReturnType<typeof makeRow>} line @param {number} span @param {number} index
 * @param {any} trace The trace and how it is looked at.
 */
function fillRow(line, span, index, trace) {
  const { data, shape, collapsed, critical, dims, hues, events, selected, isFound, range } = trace;
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
  const strange = strangeness(data, span);
  line.text.textContent = (names[spans.name[span]] || "(no name)") + (spans.error[span] ? " ✗" : "") + (shape.circles[span] ? " (below itself)" : "") + (strange ? " ⇆" : "");
  line.text.title = (names[spans.name[span]] || "") + strange;
  line.service.textContent = service;
  line.service.className = `service h${hues[spans.service[span]]}`;
  line.service.style.display = service ? "" : "none";
  line.bar.className = `span h${hues[spans.service[span]]}`;

  const scale = 100 / (range.to - range.from);
  const whole = Math.max(1, duration);
  const left = (spans.start[span] / whole - range.from) * scale;
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
    mark.style.left = `${(offset / whole - range.from) * scale}%`;
    line.lane.append(mark);
  }
}

/** What is wrong with the times of a span, if anything. @param {any} data @param {number} span */
function strangeness(data, span) {
  const { parent, service, start, duration } = data.spans;
  if (data.reversed.has(span)) return " (it ended before it began: its clock was set back)";
  const above = parent[span];
  const isAstray = above >= 0 && service[above] !== service[span] && (start[span] < start[above] || start[span] > start[above] + duration[above]);
  return isAstray ? " (outside its parent: the clocks of the two services differ)" : "";
}
