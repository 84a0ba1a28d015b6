// @ts-check
// Keys, theme, help, and the start.

const HELP = [
  ["j k ↓ ↑", "next, previous row"], ["Enter", "open"], ["h l ← →", "collapse, expand"], ["Home End", "first, last row"],
  ["/", "filter or find"], ["n N", "next, previous match"], ["e E", "next, previous error"], ["c C", "copy the trace id, or a line about it"],
  ["+ - z", "zoom in, zoom out, zoom to the span"], ["p", "pause"], ["r", "show new traces"],
  ["g, then t r u x m", "traces, routes, running, telemetry, metrics"], ["Esc", "back"], ["?", "this help"],
];
const FILTERS = [
  ["trace id", "opens that trace; so does a traceparent"],
  ["error", "has an error"], [">200ms <1s", "took longer, shorter"], ["service:shop", "has spans of that service"], ["status:502", "was answered with that status"],
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
  // Details are longer than the screen, and the arrows scroll them.
  if (isNamed && event.key !== "Escape" && target.closest(".details")) return;
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
  // As it stands in a log line, or in a header.
  const id = /^(?:00-)?([0-9a-f]{32})(?:-([0-9a-f]{16})(?:-[0-9a-f]{2})?)?$/i.exec(text);
  if (id) {
    filter.blur();
    return go(address(`trace/${id[1].toLowerCase()}`, id[2] ? { span: id[2].toLowerCase() } : {}));
  }
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
  entitle();
  if (!counts) status(data.counts);
});
