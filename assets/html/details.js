// What is known of one function: in a tooltip, in the line below the graph, beside it.

const FLOWS = 12;

function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** What a frame is, beside its name, in a few words. */
function describePlace(tree, profile, func, line) {
  const { symbols } = tree;
  const kind = symbols.kind(func);
  const words = [kind === Kind.GROUP ? "" : KINDS[kind].name, symbols.module(func), line];
  if (symbols.note(func)) words.push(`no name: ${symbols.note(func)}`);
  return words.filter(Boolean);
}

/** What a node weighs, in words. */
function describeWeight(tree, node, unit) {
  const total = tree.total[node];
  const { whole } = tree;
  const above = tree.parent[node];
  const words = [`total ${formatWeight(total, unit)}, ${formatShare(total, whole)} of all`];
  if (node !== 0 && tree.function[above] >= 0) words[0] += `, ${formatShare(total, tree.total[above])} of its ${tree.above}`;
  // Among callers it is not what they do themselves, but where stacks begin.
  if (tree.above === "caller") words.push(`self ${formatWeight(tree.self[node], unit)}, ${formatShare(tree.self[node], whole)}`);
  return words;
}

function nodeName(tree, node) {
  const func = tree.function[node];
  return tree.symbols.name(func) + SUFFIX[tree.symbols.kind(func)];
}

/** Fills the tooltip, all of it as text. */
function fillTooltip(tooltip, graph, box, profile, unit) {
  const { tree } = graph;
  const { heaviest } = box;
  if (box.node < 0) {
    tooltip.replaceChildren(
      element("p", "function", "frames too narrow to draw"),
      element("p", "", `the widest: ${nodeName(tree, heaviest)}`),
      element("p", "faint", "a click zooms in"),
    );
    return;
  }
  const line = lineOfNode(tree, profile, heaviest);
  const place = describePlace(tree, profile, tree.function[heaviest], line);
  tooltip.replaceChildren(
    element("p", "function", nodeName(tree, heaviest)),
    ...place.map((text) => element("p", "faint", text)),
    ...describeWeight(tree, heaviest, unit).map((text) => element("p", "", text)),
  );
}

/** Puts the tooltip beside the pointer, inside the window. */
function placeTooltip(tooltip, event) {
  const { offsetWidth: width, offsetHeight: height } = tooltip;
  const x = event.clientX + 14 + width > innerWidth ? event.clientX - width - 10 : event.clientX + 14;
  const y = event.clientY + 18 + height > innerHeight ? event.clientY - height - 10 : event.clientY + 18;
  tooltip.style.transform = `translate(${Math.max(4, x)}px, ${Math.max(4, y)}px)`;
}

/** Fills the panel of a function: what it weighs, its neighbours, its lines. */
function fillDetails(panel, tree, profile, func, row, app) {
  if (func < 0 || !row) {
    panel.replaceChildren(element("p", "faint", "Choose a function, in the table or the graph, for its callers, callees and lines."));
    return;
  }
  const whole = tree.total[0];
  const unit = app.unit;
  const { callers, callees } = neighboursOf(tree, func);
  const lines = linesOfFunction(tree, profile, func);
  const button = element("button", "", app.isSandwich(func) ? "Back to the whole graph" : "Sandwich: all its callers and callees");
  button.type = "button";
  button.title = "s";
  button.addEventListener("click", () => app.toggleSandwich(func));
  const place = describePlace(tree, profile, func, lines.length > 0 ? lineText(profile, lines[0].line) : "");
  panel.replaceChildren(
    element("p", "function", row.name + SUFFIX[tree.symbols.kind(func)]),
    element("p", "place", place.join(" · ")),
    element(
      "div",
      "sums",
      element("span", "", `self ${formatWeight(row.self, unit)}, ${formatShare(row.self, whole)}`),
      element("span", "", `total ${formatWeight(row.total, unit)}, ${formatShare(row.total, whole)}`),
      button,
    ),
    element(
      "div",
      "columns",
      listFlows("Called by", callers, row.total, tree, app),
      listFlows("Calls", callees, row.total, tree, app),
      ...(lines.length > 0 ? [listLines(lines, row, profile)] : []),
    ),
  );
}

function listFlows(title, flows, whole, tree, app) {
  const list = element("ul", "");
  for (const { func, weight } of flows.slice(0, FLOWS)) {
    const isFunction = func >= 0 && func < tree.symbols.functions;
    const name = tree.symbols.name(func) + SUFFIX[tree.symbols.kind(func)];
    const flow = makeFlow(isFunction ? "button" : "div", name, weight, whole);
    if (isFunction) flow.addEventListener("click", () => app.functionChosen(func));
    list.append(element("li", "", flow));
  }
  if (flows.length === 0) list.append(element("li", "faint", "nothing"));
  if (flows.length > FLOWS) list.append(element("li", "faint", `and ${formatCount(flows.length - FLOWS)} more`));
  return element("div", "", element("h3", "", title), list);
}

/** The lines by what they weigh themselves; of a function that only calls, by that. */
function listLines(lines, row, profile) {
  const isSelf = row.self > 0;
  const whole = isSelf ? row.self : row.total;
  const key = isSelf ? "self" : "total";
  const sorted = lines.filter((line) => line[key] > 0).sort((a, b) => b[key] - a[key]);
  const list = element("ul", "");
  for (const line of sorted.slice(0, FLOWS)) {
    const text = lineText(profile, line.line);
    const flow = makeFlow("div", baseName(text), line[key], whole);
    flow.title = text;
    if (isSelf) flow.classList.add("self");
    list.append(element("li", "", flow));
  }
  return element("div", "", element("h3", "", isSelf ? "Lines, self" : "Lines, total"), list);
}

function makeFlow(tag, name, weight, whole) {
  const flow = element(tag, "flow");
  if (tag === "button") flow.type = "button";
  flow.title = name;
  const bar = element("i", "");
  bar.style.width = `${whole > 0 ? Math.min(100, (weight / whole) * 100) : 0}%`;
  flow.append(bar, element("b", "", formatShare(weight, whole)), element("span", "", name));
  return flow;
}
