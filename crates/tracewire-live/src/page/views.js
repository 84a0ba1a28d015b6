// @ts-check
// Moving between views.

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
  enter();
}

/** Opens the view of the address, and goes on there with the keyboard if it was in the one before. */
function enter() {
  byId("notices").replaceChildren();
  open();
  if (document.activeElement === document.body) main.focus({ preventScroll: true });
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
  entitle(view === "trace" ? `Trace ${trace.slice(0, 8)}` : view[0].toUpperCase() + view.slice(1));
  listen(view === "trace" ? trace : "");
}

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-go]") : null;
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(/** @type {HTMLAnchorElement} */ (link).href);
});
window.addEventListener("popstate", enter);

let heading = "";
/** Names the tab. @param {string} [text] */
function entitle(text = heading) {
  heading = text;
  document.title = [heading, byId("service").textContent].filter(Boolean).join(" · ");
}

/** A link within the page. @param {string} url @param {Record<string, any>} properties @param {...(Node | string)} children */
const link = (url, properties, ...children) => make("a", { href: url, "data-go": true, ...properties }, ...children);
