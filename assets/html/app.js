// The page: what is chosen, and who is told when it changes.

const byId = (id) => document.getElementById(id);

class App {
  constructor(profile) {
    this.profile = profile;
    this.event = mostCommonEvent(profile);
    this.hidden = new Set();
    this.range = null;
    this.lane = null;
    this.func = -1;
    this.sandwichFunction = -1;
    this.search = new Search({ input: byId("search"), output: byId("found"), before: byId("before"), after: byId("after") }, this);
    this.graph = new Graph(byId("graph"), this);
    this.callers = new Graph(byId("callers"), this);
    this.callees = new Graph(byId("callees"), this);
    this.callers.isIcicle = false;
    this.active = this.graph;
    this.timeline = new Timeline(
      { scroller: byId("lane-scroller"), canvas: byId("lane-canvas"), axis: byId("axis"), labels: byId("lane-labels") },
      this,
    );
    this.table = new Table(
      { scroller: byId("table"), grid: document.querySelector("#table table"), head: byId("columns"), body: byId("functions"), filter: byId("filter"), count: byId("rows") },
      this,
    );
    fillHeader(profile);
    fillFooter(profile);
    fillKeys(byId("key-list"));
    listenToControls(this);
    this.setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    this.regroup();
    this.relane();
  }

  get unit() {
    return this.profile.header.events[this.event]?.unit ?? "samples";
  }

  // What is shown.

  /** Builds the tree anew: by other groups, of another event, or with other kinds hidden. */
  regroup() {
    const groups = groupRows(this.profile, byId("group").value);
    this.tree = buildTree(this.profile, { groups, event: this.event, hidden: this.hidden });
    if (this.range || this.lane) this.weighAnew();
    if (byId("order").value === "name") arrange(this.tree, "name");
    place(this.tree);
    this.graph.setTree(this.tree);
    this.refresh();
  }

  relane() {
    const groups = groupRows(this.profile, byId("lanes").value);
    this.timeline.show(this.profile, groups, this.event);
    if (this.lane) this.laneChosen(null);
  }

  weighAnew() {
    const { rows } = this.profile;
    const [from, to] = this.range ? rowsBetween(rows, this.range.from, this.range.to) : [0, rows.count];
    weigh(this.tree, this.profile, { from, to, lane: this.lane });
    place(this.tree);
  }

  /** Shows the rows that are chosen now, at the next frame. */
  reweigh() {
    if (this.isWeighing) return;
    this.isWeighing = true;
    requestAnimationFrame(() => {
      this.isWeighing = false;
      this.weighAnew();
      this.graph.update();
      this.refresh();
    });
  }

  /** Brings everything beside the graph up to the tree. */
  refresh() {
    this.rows = functionRows(this.tree, this.profile);
    this.table.show(this.rows, this.tree.total[0], this.unit);
    if (this.sandwichFunction >= 0) this.showSandwich(this.sandwichFunction);
    this.search.run();
    this.showFunction(this.func);
    this.showStatus();
  }

  // The parts tell what was done to them.

  hovered(graph, box, event) {
    const tooltip = byId("tooltip");
    // A finger has no place beside it, and what it touches is in the line below.
    tooltip.hidden = !box || event.pointerType === "touch";
    if (tooltip.hidden) return;
    if (this.tipped !== box) fillTooltip(tooltip, graph, box, this.profile, this.unit);
    this.tipped = box;
    placeTooltip(tooltip, event);
  }

  selected(graph, node) {
    this.active = graph;
    const func = graph.tree.function[node];
    this.showFunction(func < graph.tree.symbols.functions ? func : -1);
    this.table.choose(this.func);
    this.showStatus();
    const words = [nodeName(graph.tree, node), ...describeWeight(graph.tree, node, this.unit)];
    this.say(`${words.join(", ")}, level ${pathTo(graph.tree, node).length}`);
  }

  zoomed(graph) {
    if (graph !== this.graph && this.sandwichFunction < 0) return;
    this.active = graph;
    const { tree } = graph;
    const steps = [0, ...pathTo(tree, graph.zoom)].map((node) => {
      const button = element("button", "", nodeName(tree, node));
      button.type = "button";
      button.title = nodeName(tree, node);
      if (node === graph.zoom) button.setAttribute("aria-current", "location");
      button.addEventListener("click", () => graph.zoomTo(node));
      return button;
    });
    const crumbs = byId("crumbs");
    crumbs.replaceChildren(...steps);
    crumbs.scrollLeft = crumbs.scrollWidth;
  }

  rangeChosen(range) {
    this.range = range;
    byId("whole").hidden = !range;
    byId("range").textContent = range
      ? `${formatTime(range.from)} – ${formatTime(range.to)} (${formatDuration((range.to - range.from) * 1000)})`
      : "Drag to choose a range";
    this.reweigh();
  }

  laneChosen(lane) {
    this.lane = lane;
    this.reweigh();
  }

  pointedAt(place) {
    const tooltip = byId("tooltip");
    tooltip.hidden = !place || place.event.pointerType === "touch";
    this.tipped = null;
    if (tooltip.hidden) return;
    tooltip.replaceChildren(element("p", "", formatTime(place.time)));
    placeTooltip(tooltip, place.event);
  }

  /** Marks all frames of a function that was chosen in the table or a list; again, none. */
  functionChosen(func) {
    const isAgain = this.graph.marked === func;
    this.mark(isAgain ? -1 : func);
    this.showFunction(func);
    this.table.choose(func);
    if (this.sandwichFunction >= 0) this.showSandwich(func);
    this.say(`${this.tree.symbols.name(func)}, ${isAgain ? "not marked any more" : "its frames are marked"}`);
  }

  /** Marks a function in the whole graph; the sandwich is about one already. */
  mark(func) {
    this.graph.mark(func);
  }

  kindOf(func) {
    return this.tree.symbols.kind(func);
  }

  showFunction(func) {
    this.func = func;
    const row = this.rows.find((row) => row.func === func);
    fillDetails(byId("details"), this.tree, this.profile, func, row, this);
  }

  showStatus() {
    const { tree, selected } = this.active;
    const status = byId("status");
    if (!tree) return;
    if (this.tree.total[0] === 0) {
      status.textContent = "No samples here";
      return;
    }
    status.textContent = [nodeName(tree, selected), ...describeWeight(tree, selected, this.unit)].join(" · ");
    status.title = status.textContent;
  }

  say(text) {
    byId("live").textContent = text;
  }

  // The sandwich: two graphs in the place of one.

  isSandwich(func) {
    return this.sandwichFunction >= 0 && this.sandwichFunction === func;
  }

  toggleSandwich(func) {
    if (func < 0) return false;
    if (this.isSandwich(func)) this.closeSandwich();
    else {
      this.showSandwich(func);
      byId("callees").focus({ preventScroll: true });
    }
    this.showFunction(func);
    return true;
  }

  showSandwich(func) {
    this.sandwichFunction = func;
    byId("graph").hidden = true;
    byId("sandwich").hidden = false;
    const { callers, callees } = sandwich(this.tree, func);
    this.callers.setTree(callers);
    this.callees.setTree(callees);
    this.callers.scrollToRoot();
    this.active = this.callees;
    this.search.run();
    this.showStatus();
  }

  closeSandwich() {
    this.sandwichFunction = -1;
    byId("graph").hidden = false;
    byId("sandwich").hidden = true;
    this.active = this.graph;
    this.zoomed(this.graph);
    this.search.run();
    this.showStatus();
    byId("graph").focus({ preventScroll: true });
  }

  /** The graphs that are shown. */
  graphs() {
    return this.sandwichFunction >= 0 ? [this.callers, this.callees] : [this.graph];
  }

  // What people press.

  back() {
    if (this.active.back()) return this.showStatus();
    if (this.sandwichFunction >= 0) return this.closeSandwich();
    if (this.graph.marked >= 0) return this.mark(-1);
    this.search.clear();
  }

  reset() {
    if (this.sandwichFunction >= 0) this.closeSandwich();
    this.mark(-1);
    this.graph.reset();
    if (this.range) this.timeline.setRange(null);
    this.showStatus();
  }

  turn() {
    const isIcicle = !this.graph.isIcicle;
    this.graph.setIcicle(isIcicle);
    byId("direction").setAttribute("aria-pressed", String(!isIcicle));
  }

  setTheme(name) {
    this.theme = THEMES[name];
    document.documentElement.dataset.theme = name;
    for (const part of [this.graph, this.callers, this.callees, this.timeline]) part.setTheme(this.theme);
    fillLegend(this.profile, this.theme, this.hidden, (kind, button) => this.toggleKind(kind, button));
  }

  toggleKind(kind, button) {
    if (!this.hidden.delete(kind)) this.hidden.add(kind);
    button.setAttribute("aria-pressed", String(!this.hidden.has(kind)));
    this.regroup();
  }

  turnTheme() {
    this.isThemeChosen = true;
    this.setTheme(this.theme === THEMES.dark ? "light" : "dark");
  }

  /** The graph that keys are for: the one with the focus, or the first where nothing has it. */
  focused() {
    const { activeElement } = document;
    const graph = this.graphs().find((graph) => graph.scroller === activeElement);
    if (graph || activeElement !== document.body) return graph;
    this.graphs()[0].scroller.focus({ preventScroll: true });
    return this.graphs()[0];
  }

  /** Moves among frames, where a graph has the focus. */
  arrow(event) {
    const graph = this.focused();
    if (!graph) return false;
    const [up, down] = graph.isIcicle ? ["caller", "callee"] : ["callee", "caller"];
    graph.move({ ArrowUp: up, ArrowDown: down, ArrowLeft: "left", ArrowRight: "right" }[event.key]);
    return true;
  }

  enter() {
    const graph = this.focused();
    if (!graph) return false;
    graph.zoomTo(graph.selected);
    this.showStatus();
    return true;
  }
}

function mostCommonEvent(profile) {
  const counts = new Map();
  for (const event of profile.rows.event) counts.set(event, (counts.get(event) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}
