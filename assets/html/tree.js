// Call trees. A node is a function called from its parent, whichever the lines. Nodes are
// arrays by number; a parent's number is smaller than its children's, so that one loop
// over the numbers passes weights up or positions down. Node 0 is the root.

/**
 * Tells by what rows are put together: for each row the number of its group, and the
 * groups' labels.
 */
function groupRows(profile, by) {
  const { rows, threads } = profile;
  const labels = [];
  const ids = new Map();
  const intern = (key, label) => {
    let id = ids.get(key);
    if (id === undefined) {
      ids.set(key, (id = labels.length));
      labels.push(label);
    }
    return id;
  };
  const ofThread = {
    comm: (thread) => intern(thread.comm, thread.comm),
    process: (thread) => intern(thread.pid, `${thread.process} ${thread.pid}`),
    thread: (thread) => intern(`${thread.tid} ${thread.comm}`, `${thread.comm} ${thread.tid}`),
    none: () => intern("", ""),
  }[by];
  const ofRow = new Uint32Array(rows.count);
  if (ofThread) {
    const groups = threads.map(ofThread);
    for (let row = 0; row < rows.count; row++) ofRow[row] = groups[rows.thread[row]];
  } else {
    const cpu = (number) => intern(number, `CPU ${number}`);
    for (let row = 0; row < rows.count; row++) ofRow[row] = cpu(rows.cpu[row]);
  }
  return { by, labels, ofRow };
}

/** The same numbers with room for as many again. */
function doubled(numbers) {
  const more = new Int32Array(numbers.length * 2);
  more.set(numbers);
  return more;
}

/**
 * A tree that grows. There may be millions of nodes, for which a Map takes seconds: a
 * hash table of node numbers is probed instead, where 0 is free, as the root is nobody's
 * child.
 */
class Growing {
  /** Makes one of a root, with room for about as many nodes. */
  constructor(root, room = 1024) {
    this.count = 1;
    this.function = new Int32Array(room);
    this.parent = new Int32Array(room);
    this.function[0] = root;
    this.table = new Int32Array(2 ** Math.ceil(Math.log2(room * 2)));
  }

  child(parent, func) {
    const place = this.find(parent, func);
    if (this.table[place] !== 0) return this.table[place];
    const id = this.count++;
    if (id === this.function.length) {
      this.function = doubled(this.function);
      this.parent = doubled(this.parent);
    }
    this.function[id] = func;
    this.parent[id] = parent;
    this.table[place] = id;
    if (this.count * 1.5 > this.table.length) this.rehash();
    return id;
  }

  /** The place of a child in the table, or the one where it belongs. */
  find(parent, func) {
    const mask = this.table.length - 1;
    let hash = Math.imul(parent, 0x9e3779b1) ^ Math.imul(func, 0x85ebca6b);
    hash ^= hash >>> 15;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const id = this.table[place];
      if (id === 0 || (this.parent[id] === parent && this.function[id] === func)) return place;
    }
  }

  rehash() {
    this.table = new Int32Array(this.table.length * 2);
    for (let id = 1; id < this.count; id++) this.table[this.find(this.parent[id], this.function[id])] = id;
  }

  finish(symbols) {
    const { count } = this;
    return {
      symbols,
      count,
      function: this.function.slice(0, count),
      parent: this.parent.slice(0, count),
      self: new Float64Array(count),
      total: new Float64Array(count),
      left: new Float64Array(count),
      // What shares are of, and what a node is called from or calls.
      whole: 0,
      above: "caller",
    };
  }
}

/** What a tree is in the profile: the line of a node, called from the line of its caller. */
class Entries {
  constructor(room) {
    this.count = 0;
    for (const name of ["node", "line", "parent"]) this[name] = new Int32Array(room);
  }

  add(node, line, parent) {
    const id = this.count++;
    if (id === this.node.length) for (const name of ["node", "line", "parent"]) this[name] = doubled(this[name]);
    this.node[id] = node;
    this.line[id] = line;
    this.parent[id] = parent;
    return id;
  }

  finish() {
    this.self = new Float64Array(this.count);
    this.total = new Float64Array(this.count);
    return this;
  }
}

/** What nodes are called: the profile's functions, then groups. */
function makeSymbols(profile, labels) {
  const { functions, strings } = profile;
  const string = (column, id) => (id < functions.count ? strings[functions[column][id]] : "");
  return {
    count: functions.count + labels.length,
    functions: functions.count,
    name: (id) => (id < 0 ? "all" : id < functions.count ? string("name", id) : labels[id - functions.count]),
    kind: (id) => (id >= 0 && id < functions.count ? functions.kind[id] : Kind.GROUP),
    module: (id) => (id < 0 ? "" : string("module", id)),
    note: (id) => (id < 0 ? "" : string("note", id)),
  };
}

/**
 * Builds the tree of all rows of an event, weighed. Frames of hidden kinds are left out:
 * their weight is their caller's. Each node's entries are what it is in the profile, for
 * the lines in it.
 */
function buildTree(profile, { groups, event = 0, hidden = new Set() }) {
  const { rows, stacks, lines, functions } = profile;
  const isGrouped = groups.by !== "none";
  const symbols = makeSymbols(profile, isGrouped ? groups.labels : []);
  const growing = new Growing(-1, stacks.count + 1);
  const entries = new Entries(stacks.count + 1);
  const rowEntry = new Int32Array(rows.count).fill(-1);
  // A stack's entry in the group at hand.
  const known = new Int32Array(stacks.count).fill(-1);
  const touched = [];
  const path = [];
  const enter = (stack) => {
    while (known[stack] < 0) {
      path.push(stack);
      stack = stacks.parent[stack];
    }
    let entry = known[stack];
    while (path.length > 0) {
      stack = path.pop();
      const func = lines.function[stacks.line[stack]];
      const under = entries.node[entry];
      const isHidden = hidden.size > 0 && hidden.has(functions.kind[func]);
      entry = isHidden ? entries.add(under, -1, entry) : entries.add(growing.child(under, func), stacks.line[stack], entry);
      known[stack] = entry;
      touched.push(stack);
    }
    return entry;
  };
  eachGroup(groups, (group, members) => {
    for (const stack of touched) known[stack] = -1;
    touched.length = 0;
    known[0] = entries.add(isGrouped ? growing.child(0, functions.count + group) : 0, -1, -1);
    for (const row of members) {
      if (rows.event[row] === event) rowEntry[row] = enter(rows.stack[row]);
    }
  });
  const tree = growing.finish(symbols);
  tree.rowEntry = rowEntry;
  tree.entries = entries.finish();
  weigh(tree, profile, { from: 0, to: rows.count });
  arrange(tree, "weight");
  return tree;
}

/** Calls back with each group and its rows. */
function eachGroup(groups, callback) {
  const starts = new Uint32Array(groups.labels.length + 1);
  for (const group of groups.ofRow) starts[group + 1]++;
  for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
  const next = starts.slice();
  const order = new Uint32Array(groups.ofRow.length);
  for (let row = 0; row < order.length; row++) order[next[groups.ofRow[row]]++] = row;
  for (let group = 0; group < groups.labels.length; group++) {
    callback(group, order.subarray(starts[group], starts[group + 1]));
  }
}

/** Weighs a tree anew, by the rows in a range that are wanted. */
function weigh(tree, profile, { from, to, lane = null }) {
  const { entries, rowEntry } = tree;
  entries.self.fill(0);
  for (let row = from; row < to; row++) {
    if (rowEntry[row] >= 0 && (lane === null || lane.wanted.has(lane.groups.ofRow[row]))) {
      entries.self[rowEntry[row]] += profile.rows.weight[row];
    }
  }
  entries.total.set(entries.self);
  tree.self.fill(0);
  for (let entry = entries.count - 1; entry >= 0; entry--) {
    if (entries.parent[entry] >= 0) entries.total[entries.parent[entry]] += entries.total[entry];
    tree.self[entries.node[entry]] += entries.self[entry];
  }
  sumUp(tree);
  tree.whole = tree.total[0];
}

function sumUp(tree) {
  tree.total.set(tree.self);
  for (let node = tree.count - 1; node > 0; node--) {
    tree.total[tree.parent[node]] += tree.total[node];
  }
}

/** Puts the children of every node in order, the heaviest first or by name. */
function arrange(tree, order) {
  const { parent, function: func, symbols } = tree;
  const start = new Int32Array(tree.count + 1);
  for (let node = 1; node < tree.count; node++) start[parent[node] + 1]++;
  for (let node = 1; node <= tree.count; node++) start[node] += start[node - 1];
  const children = new Int32Array(Math.max(0, tree.count - 1));
  const next = start.slice();
  for (let node = 1; node < tree.count; node++) children[next[parent[node]]++] = node;
  const byName = (a, b) => compareText(symbols.name(func[a]), symbols.name(func[b])) || a - b;
  const byWeight = (a, b) => tree.total[b] - tree.total[a] || byName(a, b);
  const compare = order === "name" ? byName : byWeight;
  for (let node = 0; node < tree.count; node++) {
    if (start[node + 1] - start[node] > 1) children.subarray(start[node], start[node + 1]).sort(compare);
  }
  tree.start = start;
  tree.children = children;
  tree.order = order;
  tree.outermost = findOutermost(tree);
  place(tree);
}

function compareText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Marks the nodes that have no node of the same function above: recursion counts once. */
function findOutermost(tree) {
  const outermost = new Uint8Array(tree.count);
  const depth = new Uint32Array(tree.symbols.count + 1);
  const pending = [0];
  while (pending.length > 0) {
    const item = pending.pop();
    // A node is met on the way down and, as its complement, on the way up.
    const node = item < 0 ? ~item : item;
    const func = tree.function[node] + 1;
    if (item < 0) {
      depth[func]--;
      continue;
    }
    if (depth[func]++ === 0) outermost[node] = 1;
    pending.push(~node);
    for (let i = tree.start[node]; i < tree.start[node + 1]; i++) pending.push(tree.children[i]);
  }
  return outermost;
}

/** Says where each node begins, in weight from the left. */
function place(tree) {
  const { left, total, start, children } = tree;
  for (let node = 0; node < tree.count; node++) {
    let at = left[node];
    for (let i = start[node]; i < start[node + 1]; i++) {
      left[children[i]] = at;
      at += total[children[i]];
    }
  }
}
