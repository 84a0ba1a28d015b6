// @ts-check
"use strict";
// The address of the page, and small helpers.

const VIEWS = ["traces", "routes", "running", "telemetry", "metrics"];
const BELOW = /\/(?:trace\/[0-9a-fA-F]{8,32}|routes|running|telemetry|metrics)\/?$/;
/** Where the page is mounted, without a slash at the end. */
const mount = ("below" in document.documentElement.dataset ? location.pathname.replace(BELOW, "") : location.pathname).replace(/\/+$/, "");

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

/** @type {[string, number, number][]} */
const UNITS = [["d", 864e11, 864e11], ["h", 36e11, 72e11], ["min", 6e10, 12e10], ["s", 1e9, 1e9], ["ms", 1e6, 1e6], ["µs", 1e3, 1e3]];

/** A number of nanoseconds with three digits. @param {number | null | undefined} nanos */
function time(nanos) {
  if (nanos === null || nanos === undefined) return "–";
  for (const [unit, size, least] of UNITS) {
    if (nanos >= least) {
      const value = nanos / size;
      return `${value >= 100 ? count(Math.round(value)) : Number(value.toPrecision(3))} ${unit}`;
    }
  }
  return `${nanos} ns`;
}

/** A measured value in its unit, as UCUM writes that. JSON has `null` for NaN. @param {number | null} value @param {string} unit */
function quantity(value, unit) {
  if (value === null) return "–";
  if (unit === "s") return time(Math.round(value * 1e9));
  if (unit === "ms") return time(Math.round(value * 1e6));
  if (unit === "By" && value >= 1048576) return `${mib(value)} MiB`;
  return `${Number(value.toPrecision(4)).toLocaleString("en")} ${unit.replace(/\{.*?\}/g, "")}`.trim();
}

/** @param {number} seconds */
function age(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

const two = (/** @type {number} */ n) => String(n).padStart(2, "0");

/** The date of microseconds since the epoch. @param {number} micros */
function day(micros) {
  const date = new Date(micros / 1000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The time of day of microseconds since the epoch. @param {number} micros */
function clock(micros) {
  const date = new Date(micros / 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** The time of day, after the date if that is another one than today's. @param {number} micros */
const moment = (micros) => `${day(micros) === day(Date.now() * 1000) ? "" : `${day(micros)} `}${clock(micros)}`;

/**
 * One of 8 colors for each service: the same in every trace, unless another service of the trace has it.
 * @param {string[]} names
 */
function huesOf(names) {
  let taken = 0;
  return names.map((name) => {
    let sum = 7;
    for (let n = 0; n < name.length; n++) sum = (sum * 31 + name.charCodeAt(n)) >>> 0;
    let hue = ((sum ^ (sum >>> 7)) >>> 0) % 8;
    if (taken === 255) return hue;
    // Those far from each other come one after the other.
    while (taken & (1 << hue)) hue = (hue + 3) % 8;
    taken |= 1 << hue;
    return hue;
  });
}

const count = (/** @type {number} */ n) => n.toLocaleString("en");
const several = (/** @type {number} */ n, /** @type {string} */ what) => `${count(n)} ${what}${n === 1 ? "" : "s"}`;
const mib = (/** @type {number} */ bytes) => (bytes / 1048576).toFixed(1);
const BUCKETS = ["≤1 ms", "1–3 ms", "3–10 ms", "10–30 ms", "30–100 ms", "100–300 ms", "0.3–1 s", "1–3 s", "3–10 s", ">10 s"];
/** The bucket of a number of nanoseconds. @param {number} nanos */
const bucketOf = (nanos) => [1, 3, 10, 30, 100, 300, 1e3, 3e3, 1e4].filter((most) => nanos > most * 1e6).length;
const SCALE = ["≤1ms", "3", "10", "30", "100", "300", "1s", "3s", "10s", ">"];
const KINDS = ["", "", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

let announcedAt = 0;
let announcing = 0;
/** Announces a text to screen readers. At most every 5 seconds, and then the latest. @param {string} text */
function announce(text) {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    announcedAt = Date.now();
    byId("announce").textContent = text;
  }, Math.max(0, announcedAt + 5000 - Date.now()));
}

let isPressed = false;
window.addEventListener("pointerdown", () => { isPressed = true; }, true);
for (const name of ["pointerup", "pointercancel", "pointermove"]) {
  // After the click that follows. A button that is let go outside of the window is seen by the next move.
  window.addEventListener(name, (event) => {
    if (isPressed && !/** @type {PointerEvent} */ (event).buttons) setTimeout(() => { isPressed = false; }, 0);
  }, true);
}
/** Whether the reader is about to click or to copy, which a new drawing would undo. */
function isBusy() {
  const chosen = getSelection();
  return isPressed || Boolean(chosen && !chosen.isCollapsed && main.contains(chosen.anchorNode));
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
    /** @type {any} */
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
