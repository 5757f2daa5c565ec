// Tests what needs no browser: node assets/html/test.js [PAGE WEIGHT]
// With a page, that it is read as it was written: all of its samples weigh WEIGHT.

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");

const FILES = ["data", "text", "tree", "queries", "layout", "bins", "colors", "table"];
const NAMES = `Kind, inflate, decode, ColumnReader, rowsBetween, formatCount, formatDuration, formatWeight, formatShare,
  formatTime, fitName, compileSearch, compileFilter, groupRows, buildTree, weigh, arrange, place, sandwich, searchTree,
  follow, linesOfFunction, lineText, lineOfNode, layOut, boxAt, boxOf, neighbour, binRows, timeSpan, niceStep, KINDS,
  THEMES, frameColor, functionRows, sortRows, filterRows, neighboursOf`;
const source = FILES.map((name) => fs.readFileSync(path.join(__dirname, `${name}.js`), "utf8")).join("");
const page = new Function(`"use strict"; ${source}; return { ${NAMES} };`)();

/** Makes a profile of folded stacks: `[time, thread, weight, "root;...;leaf"]`. */
function makeProfile(samples, { kinds = {}, threads = [{ pid: 1, tid: 1, comm: "a", process: "a" }] } = {}) {
  const names = [];
  const stacks = [{ parent: 0, line: 0 }];
  const find = (list, is, make) => {
    const at = list.findIndex(is);
    return at >= 0 ? at : list.push(make()) - 1;
  };
  const rows = samples.map(([time, thread, weight, folded]) => {
    let stack = 0;
    for (const name of folded.split(";").filter(Boolean)) {
      const line = find(names, (other) => other === name, () => name);
      const parent = stack;
      stack = find(stacks, (other, at) => at > 0 && other.parent === parent && other.line === line, () => ({ parent, line }));
    }
    return { time, thread, weight, stack };
  });
  const column = (list, key) => list.map((item) => item[key]);
  return {
    strings: ["", ...names, "file.c"],
    threads,
    together: 0,
    functions: {
      count: names.length,
      name: names.map((_, at) => at + 1),
      module: names.map(() => 0),
      kind: names.map((name) => kinds[name] ?? 0),
      note: names.map(() => 0),
    },
    lines: { count: names.length, function: names.map((_, at) => at), file: names.map(() => names.length + 1), line: names.map((_, at) => 10 + at) },
    stacks: { count: stacks.length, parent: column(stacks, "parent"), line: column(stacks, "line") },
    rows: {
      count: rows.length,
      time: Float64Array.from(column(rows, "time")),
      stack: column(rows, "stack"),
      thread: column(rows, "thread"),
      cpu: rows.map((_, at) => at % 2),
      event: rows.map(() => 0),
      weight: column(rows, "weight"),
    },
  };
}

function makeTree(profile, by = "none", options = {}) {
  return page.buildTree(profile, { groups: page.groupRows(profile, by), ...options });
}

/** A tree as folded lines of what its nodes weigh themselves. */
function folded(tree) {
  const lines = [];
  for (let node = 0; node < tree.count; node++) {
    if (!tree.self[node]) continue;
    const names = [];
    for (let at = node; at !== 0; at = tree.parent[at]) names.unshift(tree.symbols.name(tree.function[at]));
    lines.push(`${names.join(";")} ${tree.self[node]}`);
  }
  return lines.sort();
}

function findNode(tree, ...names) {
  let node = 0;
  for (const name of names) {
    const children = [...tree.children.slice(tree.start[node], tree.start[node + 1])];
    node = children.find((child) => tree.symbols.name(tree.function[child]) === name);
    assert.ok(node, `${name} is there`);
  }
  return node;
}

const SAMPLES = [
  [0, 0, 1, "main;parse"],
  [10, 0, 2, "main;parse;read"],
  [20, 0, 4, "main;work"],
  [30, 1, 8, "main;work;work"],
  [40, 1, 16, ""],
];
const THREADS = [
  { pid: 1, tid: 1, comm: "one", process: "one" },
  { pid: 2, tid: 2, comm: "two", process: "two" },
];

test("numbers of any length are read", () => {
  const bytes = Uint8Array.from([0, 127, 128, 1, 255, 255, 255, 255, 255, 255, 255, 15]);
  const reader = new page.ColumnReader(bytes, 0);
  assert.deepEqual([...reader.read(4, Float64Array)], [0, 127, 128, Number.MAX_SAFE_INTEGER]);
  assert.throws(() => new page.ColumnReader(Uint8Array.from([128]), 0).number(), /cut short/);
});

test("trees have the weight of all samples, by every grouping", () => {
  const profile = makeProfile(SAMPLES, { threads: THREADS });
  assert.deepEqual(folded(makeTree(profile)), [" 16", "main;parse 1", "main;parse;read 2", "main;work 4", "main;work;work 8"]);
  assert.deepEqual(folded(makeTree(profile, "process")), [
    "one 1;main;parse 1",
    "one 1;main;parse;read 2",
    "one 1;main;work 4",
    "two 2 16",
    "two 2;main;work;work 8",
  ]);
  for (const by of ["none", "comm", "process", "thread", "cpu"]) assert.equal(makeTree(profile, by).total[0], 31);
});

test("a range and a lane choose samples, and shares follow", () => {
  const profile = makeProfile(SAMPLES, { threads: THREADS });
  const tree = makeTree(profile);
  const [from, to] = page.rowsBetween(profile.rows, 10, 30);
  assert.deepEqual([from, to], [1, 4]);
  page.weigh(tree, profile, { from, to });
  assert.deepEqual(folded(tree), ["main;parse;read 2", "main;work 4", "main;work;work 8"]);
  const groups = page.groupRows(profile, "thread");
  page.weigh(tree, profile, { from, to, lane: { groups, wanted: new Set([1]) } });
  assert.deepEqual(folded(tree), ["main;work;work 8"]);
});

test("frames of a hidden kind leave their weight to their callers", () => {
  const profile = makeProfile([[0, 0, 1, "main;inlined;leaf"], [1, 0, 2, "main;inlined"]], { kinds: { inlined: page.Kind.INLINED } });
  const tree = makeTree(profile, "none", { hidden: new Set([page.Kind.INLINED]) });
  assert.deepEqual(folded(tree), ["main 2", "main;leaf 1"]);
  assert.equal(tree.total[0], 3);
});

test("recursion counts once in a function's total", () => {
  const profile = makeProfile([[0, 0, 3, "f;g;f;g;f"]]);
  const rows = page.functionRows(makeTree(profile), profile);
  assert.deepEqual(rows.map(({ name, self, total }) => [name, self, total]), [["f", 3, 3], ["g", 0, 3]]);
});

test("rows are sorted by each column and filtered", () => {
  const profile = makeProfile(SAMPLES);
  const rows = page.functionRows(makeTree(profile), profile);
  const names = (column, isDescending) => page.sortRows([...rows], { column, isDescending }).map((row) => row.name);
  assert.deepEqual(names("self", true), ["work", "read", "parse", "main"]);
  assert.deepEqual(names("total", true), ["main", "work", "parse", "read"]);
  assert.deepEqual(names("name", false), ["main", "parse", "read", "work"]);
  assert.deepEqual(page.filterRows(rows, page.compileFilter("^wo")).map((row) => row.name), ["work"]);
  assert.deepEqual(page.filterRows(rows, page.compileFilter("wo(")), []);
});

test("a sandwich has a function's callers above and callees below", () => {
  const profile = makeProfile([[0, 0, 1, "a;f;x"], [1, 0, 2, "b;f;y"], [2, 0, 4, "b;f;f;x"], [3, 0, 8, "b"]]);
  const tree = makeTree(profile);
  const func = tree.function[findNode(tree, "a", "f")];
  const { callers, callees } = page.sandwich(tree, func);
  assert.deepEqual(folded(callers), ["a 1", "b 6"]);
  assert.deepEqual(folded(callees), ["f;x 4", "x 1", "y 2"]);
  assert.deepEqual([callers.total[0], callees.total[0], callees.whole], [7, 7, 15]);
  const names = (flows) => flows.map(({ func, weight }) => [tree.symbols.name(func), weight]);
  const neighbours = page.neighboursOf(tree, func);
  assert.deepEqual(names(neighbours.callers), [["b", 6], ["a", 1]]);
  assert.deepEqual(names(neighbours.callees), [["f", 4], ["y", 2], ["x", 1]]);
});

test("what a search finds counts once", () => {
  const profile = makeProfile(SAMPLES);
  const found = page.searchTree(makeTree(profile), page.compileSearch("WORK|read".toLowerCase()));
  assert.equal(found.weight, 14);
  assert.equal(found.nodes.length, 3);
});

test("a search minds capital letters where it has some", () => {
  assert.ok(page.compileSearch("abc").test("xABCx"));
  assert.ok(!page.compileSearch("Abc").test("abc"));
  assert.throws(() => page.compileSearch("a("));
  assert.equal(page.compileSearch(""), null);
});

test("lines are by what they weigh", () => {
  const profile = makeProfile(SAMPLES);
  const tree = makeTree(profile);
  const node = findNode(tree, "main", "work");
  const lines = page.linesOfFunction(tree, profile, tree.function[node]);
  assert.deepEqual(lines.map(({ line, self, total }) => [page.lineText(profile, line), self, total]), [["file.c:13", 12, 12]]);
  assert.equal(page.lineOfNode(tree, profile, node), "file.c:13");
});

test("boxes fill their parents, heaviest first, and narrow ones are one", () => {
  const samples = [[0, 0, 50, "a"], [1, 0, 150, "b;c"]];
  for (let i = 0; i < 100; i++) samples.push([2 + i, 0, 0.01, `tiny${i}`]);
  const tree = makeTree(makeProfile(samples));
  const levels = page.layOut(tree, 0, 201);
  const names = levels.map((boxes) => boxes.map((box) => (box.node < 0 ? "-" : tree.symbols.name(tree.function[box.node]))));
  assert.deepEqual(names, [["all"], ["b", "a", "-"], ["c"]]);
  const widths = levels[1].map((box) => Math.round(box.width));
  assert.deepEqual(widths, [150, 50, 1]);
  assert.equal(page.boxAt(levels, 1, 160), levels[1][1]);
  assert.equal(page.boxAt(levels, 2, 160), null);
  assert.equal(page.boxAt(levels, 9, 1), null);
});

test("what is zoomed is as wide as the picture, and its callers are", () => {
  const tree = makeTree(makeProfile(SAMPLES));
  const node = findNode(tree, "main", "work");
  const levels = page.layOut(tree, node, 100);
  assert.deepEqual(levels.map((boxes) => Math.round(boxes[0].width)), [100, 100, 100, 67]);
  assert.deepEqual(levels.map((boxes) => boxes[0].isAbove), [true, true, false, false]);
});

test("arrows lead to callers, callees and neighbours", () => {
  const tree = makeTree(makeProfile(SAMPLES));
  const levels = page.layOut(tree, 0, 1000);
  const main = findNode(tree, "main");
  const [work, parse] = [findNode(tree, "main", "work"), findNode(tree, "main", "parse")];
  const go = (node, direction) => page.neighbour(levels, tree, node, direction);
  assert.equal(go(0, "callee"), main);
  assert.equal(go(main, "callee"), work);
  assert.equal(go(work, "right"), parse);
  assert.equal(go(parse, "right"), parse);
  assert.equal(go(parse, "left"), work);
  assert.equal(go(work, "caller"), main);
  assert.equal(go(0, "caller"), 0);
});

test("a place is found again in another tree", () => {
  const profile = makeProfile(SAMPLES, { threads: THREADS });
  const [flat, grouped] = [makeTree(profile), makeTree(profile, "thread")];
  const node = findNode(grouped, "one 1", "main", "work");
  assert.equal(page.follow(grouped, node, flat), findNode(flat, "main", "work"));
});

test("a tree of 100,000 nodes is laid out in a moment", () => {
  const samples = [];
  for (let i = 0; i < 40000; i++) samples.push([i, 0, 1 + (i % 5), `r;a${i % 7};b${i % 97};c${i % 997};d${i % 9973};e${i}`]);
  const profile = makeProfileFast(samples);
  const tree = makeTree(profile);
  assert.ok(tree.count >= 100000, `${tree.count}`);
  const before = performance.now();
  page.layOut(tree, 0, 1400);
  assert.ok(performance.now() - before < 200);
});

/** Like makeProfile, for many samples. */
function makeProfileFast(samples) {
  const functions = new Map();
  const stacks = new Map();
  const profile = makeProfile([]);
  profile.stacks = { parent: [0], line: [0], count: 0 };
  const intern = (map, key, make) => map.get(key) ?? (map.set(key, make()), map.get(key));
  const stackOf = samples.map(([, , , text]) => {
    let stack = 0;
    for (const name of text.split(";")) {
      const func = intern(functions, name, () => functions.size);
      const parent = stack;
      stack = intern(stacks, `${parent} ${func}`, () => {
        profile.stacks.line.push(func);
        return profile.stacks.parent.push(parent) - 1;
      });
    }
    return stack;
  });
  const names = [...functions.keys()];
  const zeros = names.map(() => 0);
  profile.strings = ["", ...names];
  profile.functions = { count: names.length, name: names.map((_, at) => at + 1), module: zeros, kind: zeros, note: zeros };
  profile.lines = { count: names.length, function: names.map((_, at) => at), file: zeros, line: zeros };
  profile.stacks.count = profile.stacks.parent.length;
  const none = samples.map(() => 0);
  const column = (at) => samples.map((sample) => sample[at]);
  profile.rows = { count: samples.length, time: column(0), stack: stackOf, thread: none, cpu: none, event: none, weight: column(2) };
  return profile;
}

test("bins have the weight of all samples, in lanes by weight", () => {
  const profile = makeProfile(SAMPLES, { threads: THREADS, kinds: { read: page.Kind.KERNEL } });
  const groups = page.groupRows(profile, "thread");
  const span = page.timeSpan(profile);
  const { lanes } = page.binRows(profile, groups, 0, span, 10, 100);
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  assert.deepEqual(lanes.map((lane) => [lane.label, sum(lane.all), sum(lane.kernel)]), [["two 2", 24, 0], ["one 1", 7, 2]]);
  const { lanes: few } = page.binRows(profile, groups, 0, span, 10, 1);
  assert.deepEqual(few.map((lane) => [lane.label, sum(lane.all)]), [["2 others", 31]]);
});

test("an empty profile is no trouble", () => {
  const profile = makeProfile([]);
  const tree = makeTree(profile, "comm");
  assert.equal(tree.total[0], 0);
  assert.equal(page.layOut(tree, 0, 100).length, 1);
  assert.deepEqual(page.functionRows(tree, profile), []);
  assert.deepEqual(page.binRows(profile, page.groupRows(profile, "cpu"), 0, page.timeSpan(profile), 10, 5).lanes, []);
});

test("figures are honest", () => {
  assert.equal(page.formatShare(1, 1), "100%");
  assert.equal(page.formatShare(999999, 1000000), "99.99%");
  assert.equal(page.formatShare(1, 3), "33.3%");
  assert.equal(page.formatShare(1, 1e9), "<0.01%");
  assert.equal(page.formatShare(0, 0), "0%");
  assert.equal(page.formatWeight(1, "samples"), "1 sample");
  assert.equal(page.formatWeight(1234, "samples"), "1,234 samples");
  assert.equal(page.formatWeight(1.5e9, "ns"), "1.50 s");
  assert.equal(page.formatDuration(2500), "2.50 µs");
  assert.equal(page.formatTime(1500000, 500000), "1.5 s");
  assert.deepEqual([0.7, 3, 40].map((span) => page.niceStep(span, 4)), [0.2, 1, 10]);
});

test("names are cut to what tells them apart", () => {
  const name = "std::vector<int, std::allocator<int>>::push_back(int const&)";
  assert.equal(page.fitName(name, 100), name);
  assert.equal(page.fitName(name, 24), "std::vector::push_back");
  assert.equal(page.fitName(name, 10), "push_back");
  assert.equal(page.fitName(name, 5), "push…");
  assert.equal(page.fitName(name, 1), "");
  assert.equal(page.fitName("<T as core::fmt::Display>::fmt", 5), "fmt");
  assert.equal(page.fitName("a::with::<b::c>", 6), "with");
  assert.equal(page.fitName("v8::(anonymous namespace)::Invoke(int)", 12), "v8::Invoke");
  assert.equal(page.fitName("operator<<(std::ostream&)", 12), "operator<<(…");
});

test("names can be read on every frame", () => {
  for (const theme of Object.values(page.THEMES)) {
    for (const { kind, name } of page.KINDS) {
      for (const text of ["", "a", "main", "b::c", "do_syscall_64", "x".repeat(50)]) {
        const color = page.frameColor(theme, kind, text);
        assert.ok(contrast(color, theme.ink) >= 4.5, `${name}: ${color} in ${theme.frames}`);
      }
    }
    assert.ok(contrast(theme.match[0], theme.ink) >= 4.5);
  }
});

/** The contrast of an hsl() and a hexadecimal colour, as WCAG 2 reckons it. */
function contrast(hsl, hex) {
  const [h, s, l] = hsl.match(/[\d.]+/g).map(Number);
  const part = (n) => {
    const k = (n + h / 30) % 12;
    return l / 100 - (s / 100) * Math.min(l / 100, 1 - l / 100) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ink = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  const [high, low] = [light([part(0), part(8), part(4)]), light(ink)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

const [file, weight] = process.argv.slice(2);
if (file) {
  test("a page is read as it was written", async () => {
    const [, data] = fs.readFileSync(file, "utf8").match(/<script type="application\/octet-stream" id="data">([^<]*)</);
    const profile = page.decode(await page.inflate(data));
    const tree = makeTree(profile, profile.group);
    assert.equal(tree.total[0], Number(weight));
    assert.equal(profile.rows.weight.reduce((a, b) => a + b, 0), Number(weight));
    assert.ok(profile.rows.time.every((time, at) => at === 0 || time >= profile.rows.time[at - 1]));
    assert.ok(page.functionRows(tree, profile).every((row) => row.name));
  });

  test("a page's policy lets its own script and style be used", () => {
    const text = fs.readFileSync(file, "utf8");
    const hashOf = (expression) => crypto.createHash("sha256").update(text.match(expression)[1]).digest("base64");
    const [, policy] = text.match(/http-equiv="Content-Security-Policy" content="([^"]*)"/);
    assert.ok(policy.includes(`script-src 'sha256-${hashOf(/<script type="module">([^]*?)<\/script>/)}'`));
    assert.ok(policy.includes(`style-src 'sha256-${hashOf(/<style>([^]*?)<\/style>/)}'`));
  });
}
