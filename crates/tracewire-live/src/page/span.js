// @ts-check
// The details of one span.

/** Attributes and items that are drawn of one span. */
const MOST_DETAILS = 1500;

/** What is shown of one span. @param {any} span @param {string} trace */
function spanDetails(span, trace) {
  let left = MOST_DETAILS;
  let unshown = 0;
  /** As many of a list as there is place for. @param {any[]} list */
  const some = (list) => {
    const shown_ = list.slice(0, left);
    left -= shown_.length;
    unshown += list.length - shown_.length;
    return shown_;
  };
  const filterKeys = /** @type {HTMLInputElement} */ (make("input", { type: "search", placeholder: "filter keys", "aria-label": "Filter attributes by key" }));
  const attributes = pairs(some(span.attributes));
  const resource = pairs(some(span.resource));
  filterKeys.addEventListener("input", () => {
    const wanted = filterKeys.value.toLowerCase();
    for (const term of attributes.querySelectorAll("dt")) {
      const hides = !(term.textContent || "").toLowerCase().includes(wanted);
      term.hidden = hides;
      /** @type {HTMLElement} */ (term.nextElementSibling).hidden = hides;
    }
  });
  const group = (/** @type {string} */ title, /** @type {any[]} */ items, /** @type {(item: any) => Node} */ show_) =>
    items.length ? [make("h2", {}, `${title} ${count(items.length)}`), ...some(items).map(show_)] : [];
  const dropped = span.dropped_attributes + span.dropped_events + span.dropped_links;
  return [
    make("h1", {}, `${KINDS[span.kind] || ""} ${span.name || "(no name)"}`.trim()),
    make("div", { class: "quiet" }, `${span.service} · started +${time(span.offset)} (${moment(span.start)}), ${span.duration < 0 ? `ended ${time(-span.duration)} before it began` : `took ${time(span.duration)}`}`),
    make("div", { class: "id quiet" }, `span ${span.id}`),
    span.status === 2 && make("div", { class: "bad" }, `✗ error${span.status_message ? `: ${span.status_message}` : ""}`),
    dropped > 0 && make("div", { class: "bad" }, `${dropped} attributes, events or links were dropped before this page saw them`),
    make("h2", {}, `Attributes ${count(span.attributes.length)}`),
    span.attributes.length > 8 && filterKeys,
    attributes,
    ...group("Events", span.events, (event) => make("div", { class: "item" }, make("div", {}, `◆ ${event.name} `, make("span", { class: "quiet" }, `+${time(event.offset)}`)), pairs(some(event.attributes)))),
    ...group("Logs", span.logs, (log) => make("div", { class: "item" }, make("div", { class: "quiet" }, `${log.severity} +${time(log.offset)}`), make("div", { class: "wide" }, log.body), pairs(some(log.attributes)))),
    ...group("Links", span.links, (other) => make("div", { class: "item" }, link(address(`trace/${other.trace}`, { span: other.span }), { class: "id" }, `${other.trace} ${other.span}`), pairs(some(other.attributes)))),
    make("p", {}, link(address("", { q: `link:${trace}` }), {}, "Traces that link to this one")),
    make("h2", {}, "Resource"),
    resource,
    span.scope && make("p", { class: "quiet" }, `scope ${span.scope}`),
    span.trace_state && make("p", { class: "quiet" }, `tracestate ${span.trace_state}`),
    unshown > 0 && make("p", { class: "bad", id: "unshown" }, `${count(unshown)} attributes, events, logs or links are not shown here. OTLP JSON has them.`),
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
