// What trees are asked: weights of functions, callers and callees, lines, matches.

/** What every function weighs itself, and with what it calls. */
function weighFunctions(tree) {
  const self = new Float64Array(tree.symbols.functions);
  const total = new Float64Array(tree.symbols.functions);
  for (let node = 1; node < tree.count; node++) {
    const func = tree.function[node];
    if (func >= tree.symbols.functions) continue;
    self[func] += tree.self[node];
    if (tree.outermost[node]) total[func] += tree.total[node];
  }
  return { self, total };
}

/**
 * The trees above and below a function, where it is called first: who calls it, whom it
 * calls. It is the root of both.
 */
function sandwich(tree, func) {
  const callers = new Growing(func);
  const callees = new Growing(func);
  const ends = new Map();
  const selfs = new Map();
  const addTo = (map, node, weight) => map.set(node, (map.get(node) ?? 0) + weight);
  for (let node = 1; node < tree.count; node++) {
    if (tree.function[node] !== func || !tree.outermost[node] || tree.total[node] === 0) continue;
    let end = 0;
    for (let up = tree.parent[node]; up !== 0; up = tree.parent[up]) end = callers.child(end, tree.function[up]);
    addTo(ends, end, tree.total[node]);
    graft(tree, node, callees, (to, weight) => addTo(selfs, to, weight));
  }
  return { callers: { ...weighed(callers, tree, ends), above: "callee" }, callees: weighed(callees, tree, selfs) };
}

function graft(tree, from, growing, add) {
  const pending = [[from, 0]];
  while (pending.length > 0) {
    const [node, to] = pending.pop();
    add(to, tree.self[node]);
    for (let i = tree.start[node]; i < tree.start[node + 1]; i++) {
      const child = tree.children[i];
      if (tree.total[child] > 0) pending.push([child, growing.child(to, tree.function[child])]);
    }
  }
}

function weighed(growing, { symbols, order, total }, weights) {
  const tree = { ...growing.finish(symbols), whole: total[0] };
  for (const [node, weight] of weights) tree.self[node] = weight;
  sumUp(tree);
  arrange(tree, order);
  return tree;
}

/** Who calls a function and whom it calls, heaviest first; recursion counts once. */
function neighboursOf(tree, func) {
  const callers = new Map();
  const callees = new Map();
  const add = (map, key, weight) => map.set(key, (map.get(key) ?? 0) + weight);
  for (let node = 1; node < tree.count; node++) {
    if (tree.function[node] !== func || !tree.outermost[node] || !(tree.total[node] > 0)) continue;
    add(callers, tree.function[tree.parent[node]], tree.total[node]);
    for (let i = tree.start[node]; i < tree.start[node + 1]; i++) {
      const child = tree.children[i];
      if (tree.total[child] > 0) add(callees, tree.function[child], tree.total[child]);
    }
  }
  const sorted = (map) => [...map].map(([func, weight]) => ({ func, weight })).sort((a, b) => b.weight - a.weight);
  return { callers: sorted(callers), callees: sorted(callees) };
}

/** The lines of a function, or of one node, by what they weigh, heaviest first. */
function hottestLines(tree, profile, wanted) {
  const { entries } = tree;
  const lines = new Map();
  for (let entry = 0; entry < entries.count; entry++) {
    const line = entries.line[entry];
    if (line < 0 || entries.total[entry] === 0 || !wanted(entries.node[entry])) continue;
    if (profile.lines.file[line] === 0) continue;
    const sum = lines.get(line) ?? { line, self: 0, total: 0 };
    sum.self += entries.self[entry];
    // Of a recursive function's calls the outermost have the others in them.
    if (tree.outermost[entries.node[entry]]) sum.total += entries.total[entry];
    lines.set(line, sum);
  }
  return [...lines.values()].sort((a, b) => b.self - a.self || b.total - a.total);
}

function linesOfFunction(tree, profile, func) {
  return hottestLines(tree, profile, (node) => tree.function[node] === func);
}

/** What a line is called. */
function lineText(profile, line) {
  const file = profile.strings[profile.lines.file[line]];
  const number = profile.lines.line[line];
  return number ? `${file}:${number}` : file;
}

/** The line that most of a node's weight went through, or nothing. */
function lineOfNode(tree, profile, node) {
  if (!tree.entries) return "";
  const lines = hottestLines(tree, profile, (other) => other === node);
  lines.sort((a, b) => b.total + b.self - a.total - a.self);
  if (lines.length === 0) return "";
  const more = lines.length > 1 ? ` and ${lines.length - 1} more` : "";
  return lineText(profile, lines[0].line) + more;
}

/** The nodes from the root to a node, the root not among them. */
function pathTo(tree, node) {
  const path = [];
  for (; node !== 0; node = tree.parent[node]) path.push(node);
  return path.reverse();
}

/** Finds a node of another tree by the names on the way to it; the last that is there. */
function follow(from, node, to) {
  let at = 0;
  for (const step of pathTo(from, node)) {
    const name = from.symbols.name(from.function[step]);
    let found = 0;
    for (let i = to.start[at]; i < to.start[at + 1] && !found; i++) {
      const child = to.children[i];
      if (to.symbols.name(to.function[child]) === name) found = child;
    }
    if (found) at = found;
    else if (from.function[step] < from.symbols.functions) return at;
    // A group that is not there any more is passed over.
  }
  return at;
}

/** Looks for functions; says which match, in which nodes, and what those weigh together. */
function searchTree(tree, expression) {
  const functions = new Uint8Array(tree.symbols.count + 1);
  for (let func = 0; func < tree.symbols.count; func++) {
    const name = tree.symbols.name(func) + SUFFIX[tree.symbols.kind(func)];
    if (expression.test(name)) functions[func] = 1;
  }
  const inside = new Uint8Array(tree.count);
  const nodes = [];
  let weight = 0;
  for (let node = 1; node < tree.count; node++) {
    const above = inside[tree.parent[node]];
    const matches = functions[tree.function[node]];
    inside[node] = above | matches;
    if (matches && tree.total[node] > 0) {
      nodes.push(node);
      if (!above) weight += tree.total[node];
    }
  }
  return { functions, nodes: nodes.sort((a, b) => tree.left[a] - tree.left[b] || a - b), weight };
}
