// @ts-check
// The tree of a trace, and its critical path.

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
  const circles = new Uint8Array(size);
  for (let n = size - 1; n >= 0; n--) {
    const span = byStart[n];
    const above = parent[span];
    if (above >= 0 && above !== span) {
      nextSibling[span] = firstChild[above];
      firstChild[above] = span;
    } else {
      roots.push(span);
      circles[span] = above === span ? 1 : 0;
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
  // What is left is below itself, or below such a span. One of each circle becomes a root.
  const walked = new Uint8Array(size);
  for (const span of byStart) {
    if (placed[span]) continue;
    let above = span;
    for (; !walked[above]; above = parent[above]) walked[above] = 1;
    circles[above] = 1;
    place_(above);
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
