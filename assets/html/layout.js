// Where the frames of a tree are in a picture: no drawing here.

/** Narrower frames are not drawn one by one. */
const LEAST_WIDTH = 0.7;

/**
 * Lays out what a zoomed node has below it, and its callers above it as wide as it is.
 * Returns a level for each depth, each with its boxes from left to right. Frames next to
 * each other that are too narrow are one box of node -1 with the heaviest of them.
 */
function layOut(tree, zoom, width) {
  const levels = [];
  for (const node of [0, ...pathTo(tree, zoom)]) {
    levels.push([{ node, x: 0, width, heaviest: node, isAbove: node !== zoom }]);
  }
  if (!(tree.total[zoom] > 0)) return levels;
  const scale = width / tree.total[zoom];
  const origin = tree.left[zoom];
  let open = [zoom];
  while (open.length > 0) {
    const { boxes, nodes } = layOutLevel(tree, open, origin, scale);
    if (boxes.length > 0) levels.push(boxes);
    open = nodes;
  }
  return levels;
}

function layOutLevel(tree, parents, origin, scale) {
  const boxes = [];
  const nodes = [];
  let crumbs = null;
  const end = () => {
    if (crumbs && crumbs.width >= LEAST_WIDTH / 2) boxes.push(crumbs);
    crumbs = null;
  };
  for (const parent of parents) {
    for (let i = tree.start[parent]; i < tree.start[parent + 1]; i++) {
      const node = tree.children[i];
      if (!(tree.total[node] > 0)) continue;
      const x = (tree.left[node] - origin) * scale;
      const width = tree.total[node] * scale;
      if (width >= LEAST_WIDTH) {
        end();
        boxes.push({ node, x, width, heaviest: node, isAbove: false });
        nodes.push(node);
        continue;
      }
      if (crumbs && x - (crumbs.x + crumbs.width) > LEAST_WIDTH) end();
      if (!crumbs) crumbs = { node: -1, x, width: 0, heaviest: node, isAbove: false };
      crumbs.width = x + width - crumbs.x;
      if (tree.total[node] > tree.total[crumbs.heaviest]) crumbs.heaviest = node;
    }
  }
  end();
  return { boxes, nodes };
}

/** The box at a place of a level, or nothing. */
function boxAt(levels, depth, x) {
  const boxes = levels[depth];
  if (!boxes) return null;
  let low = 0;
  let high = boxes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (boxes[middle].x + boxes[middle].width <= x) low = middle + 1;
    else high = middle;
  }
  const box = boxes[low];
  return box && box.x <= x ? box : null;
}

/** Where a node is: its depth and box, or nothing when it is not in the picture. */
function boxOf(levels, tree, node) {
  const depth = pathTo(tree, node).length;
  const box = (levels[depth] ?? []).find((box) => box.node === node);
  return box ? { depth, box } : null;
}

/** The node that an arrow key leads to; the same where there is none. */
function neighbour(levels, tree, node, direction) {
  if (direction === "caller") return tree.parent[node];
  const place = boxOf(levels, tree, node);
  if (!place) return 0;
  const { depth, box } = place;
  if (direction === "callee") {
    const inside = (levels[depth + 1] ?? []).filter((other) => tree.parent[other.node] === node);
    const widest = inside.reduce((best, other) => (!best || other.width > best.width ? other : best), null);
    // On the way down from a caller of what is zoomed there is one way only.
    return widest ? widest.node : node;
  }
  const boxes = levels[depth].filter((other) => other.node >= 0);
  const step = direction === "left" ? -1 : 1;
  return boxes[boxes.indexOf(box) + step]?.node ?? node;
}
