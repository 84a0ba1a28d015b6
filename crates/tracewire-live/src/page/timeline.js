// @ts-check
// The overview above a waterfall, the ticks below it, and which part of the trace is shown.

/** The smallest part that is shown: 180 ms of a trace that has spans of 1970 and of today. */
const CLOSEST = 1e-10;

/** @param {() => void} changed What to do when another part is shown. */
function timeline(changed) {
  /** The shown part of the trace, of a whole of 1. */
  const range = { from: 0, to: 1 };
  let duration = 0;
  const unzoom = make("button", { type: "button", hidden: true, onclick: () => zoom(0, 1) }, "whole trace");
  const canvas = /** @type {HTMLCanvasElement} */ (make("canvas", { "aria-hidden": "true" }));
  const windowed = make("div", { class: "window", hidden: true });
  const overview = make("div", { class: "overview" }, canvas, windowed);
  const ticks = make("div", { class: "ticks" });
  const axis = make("div", { class: "axis" }, make("span", {}, "Name"), ticks);

  function drawTicks() {
    const marks = [];
    for (let n = 0; n < 5; n++) {
      const mark = make("span", {}, n || range.from ? time(Math.round((range.from + ((range.to - range.from) * n) / 5) * duration)) : "0");
      mark.style.left = `${n * 20}%`;
      marks.push(mark);
    }
    ticks.replaceChildren(...marks);
    unzoom.hidden = range.from === 0 && range.to === 1;
    windowed.hidden = unzoom.hidden;
    windowed.style.left = `${range.from * 100}%`;
    windowed.style.width = `${(range.to - range.from) * 100}%`;
  }

  /** Draws all spans small. @param {any} data @param {ReturnType<typeof tree>} shape */
  function draw(data, shape) {
    duration = data.duration;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(overview.clientWidth * ratio));
    const height = Math.round(46 * ratio);
    canvas.width = width;
    canvas.height = height;
    const paper = canvas.getContext("2d");
    if (!paper) return;
    const style = getComputedStyle(document.documentElement);
    const plain = style.getPropertyValue("--quiet");
    const bad = style.getPropertyValue("--error");
    const lines = Math.max(1, Math.min(shape.size, Math.floor(height / 2)));
    const thick = Math.max(1, Math.floor(height / lines) - 1);
    for (let n = 0; n < shape.size; n++) {
      const span = shape.order[n];
      const x = (data.spans.start[span] / Math.max(1, duration)) * width;
      const w = Math.max(1, (data.spans.duration[span] / Math.max(1, duration)) * width);
      paper.fillStyle = data.spans.error[span] ? bad : plain;
      paper.globalAlpha = shape.size > lines ? 0.35 : 0.8;
      paper.fillRect(x, Math.floor((n * lines) / shape.size) * (height / lines), w, Math.min(thick, 6 * ratio));
    }
    drawTicks();
  }

  /** Shows the part from `start` to `end`, of a whole of 1. @param {number} start @param {number} end */
  function zoom(start, end) {
    range.from = Math.max(0, Math.min(start, 1));
    range.to = Math.min(1, Math.max(end, range.from + CLOSEST));
    if (range.to - range.from < CLOSEST) range.from = Math.max(0, range.to - CLOSEST);
    drawTicks();
    changed();
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
    if (dragged < 0) return;
    const here = share(event);
    const [a, b] = [Math.min(dragged, here), Math.max(dragged, here)];
    dragged = -1;
    if (b - a > 0.005) zoom(a, b);
    else zoom(0, 1);
  });
  overview.addEventListener("pointercancel", () => { dragged = -1; drawTicks(); });

  return { range, overview, axis, unzoom, draw, zoom };
}
