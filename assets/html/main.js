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
    this.found = { nodes: [], at: -1 };
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
    this.listen();
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
    this.search(false);
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

  mark(func) {
    for (const graph of [this.graph, this.callers, this.callees]) graph.mark(func);
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
    this.search(false);
  }

  closeSandwich() {
    this.sandwichFunction = -1;
    byId("graph").hidden = false;
    byId("sandwich").hidden = true;
    this.active = this.graph;
    this.zoomed(this.graph);
    this.search(false);
    byId("graph").focus({ preventScroll: true });
  }

  // Search.

  graphs() {
    return this.sandwichFunction >= 0 ? [this.callers, this.callees] : [this.graph];
  }

  search(isNew) {
    const input = byId("search");
    let expression = null;
    input.removeAttribute("aria-invalid");
    try {
      expression = compileSearch(input.value);
    } catch {
      input.setAttribute("aria-invalid", "true");
    }
    const matches = expression && searchTree(this.tree, expression);
    for (const graph of [this.graph, this.callers, this.callees]) graph.setMatch(matches);
    const nodes = matches ? this.graphs().flatMap((graph) => searchTree(graph.tree, expression).nodes.map((node) => ({ graph, node }))) : [];
    this.found = { nodes, at: -1 };
    for (const id of ["before", "after"]) byId(id).disabled = nodes.length === 0;
    const share = matches ? formatShare(matches.weight, this.tree.total[0]) : "";
    byId("found").textContent = input.hasAttribute("aria-invalid") ? "no such pattern" : matches ? `${formatCount(nodes.length)}: ${share}` : "";
    byId("found").title = matches ? `${formatCount(nodes.length)} frames match, together ${share} of all` : "";
    if (isNew && matches) this.say(byId("found").title);
  }

  step(by) {
    const { nodes } = this.found;
    if (nodes.length === 0) return;
    this.found.at = (this.found.at + by + nodes.length + (this.found.at < 0 && by < 0 ? 1 : 0)) % nodes.length;
    const { graph, node } = nodes[this.found.at];
    graph.reveal(node);
    byId("found").textContent = `${this.found.at + 1} of ${formatCount(nodes.length)}`;
  }

  // What people press.

  back() {
    if (this.active.back()) return this.showStatus();
    if (this.sandwichFunction >= 0) return this.closeSandwich();
    if (this.graph.marked >= 0) return this.mark(-1);
    if (byId("search").value) {
      byId("search").value = "";
      this.search(false);
    }
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
    this.setTheme(this.theme === THEMES.dark ? "light" : "dark");
  }

  /** Moves among frames, where a graph has the focus. */
  arrow(event) {
    const graph = [this.graph, this.callers, this.callees].find((graph) => graph.scroller === document.activeElement);
    if (!graph) return false;
    const [up, down] = graph.isIcicle ? ["caller", "callee"] : ["callee", "caller"];
    graph.move({ ArrowUp: up, ArrowDown: down, ArrowLeft: "left", ArrowRight: "right" }[event.key]);
    return true;
  }

  enter() {
    const graph = this.graphs().find((graph) => graph.scroller === document.activeElement);
    if (!graph) return false;
    graph.zoomTo(graph.selected);
    this.showStatus();
    return true;
  }

  listen() {
    const arrow = (event) => this.arrow(event);
    listenToKeys({
      ArrowUp: arrow,
      ArrowDown: arrow,
      ArrowLeft: arrow,
      ArrowRight: arrow,
      Enter: () => this.enter(),
      Backspace: () => this.back(),
      Escape: () => this.back(),
      0: () => this.reset(),
      "/": () => byId("search").select(),
      n: () => this.step(1),
      N: () => this.step(-1),
      s: () => this.toggleSandwich(this.func),
      m: () => this.func >= 0 && this.functionChosen(this.func),
      i: () => this.turn(),
      g: () => this.graphs().at(-1).scroller.focus(),
      f: () => byId("filter").select(),
      l: () => byId("lane-scroller").focus(),
      t: () => this.turnTheme(),
      "?": () => byId("keys").showModal(),
    });
    this.listenToButtons();
    this.listenToSearch();
    listenToSplitter(byId("splitter"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => this.setTheme(event.matches ? "dark" : "light"));
  }

  listenToButtons() {
    byId("theme").addEventListener("click", () => this.turnTheme());
    byId("help").addEventListener("click", () => byId("keys").showModal());
    byId("direction").addEventListener("click", () => this.turn());
    byId("whole").addEventListener("click", () => this.timeline.setRange(null));
    byId("before").addEventListener("click", () => this.step(-1));
    byId("after").addEventListener("click", () => this.step(1));
    byId("lanes").addEventListener("change", () => this.relane());
    byId("group").addEventListener("change", () => this.regroup());
    byId("event").addEventListener("change", () => {
      this.event = Number(byId("event").value);
      this.regroup();
      this.relane();
    });
    byId("order").addEventListener("change", () => {
      arrange(this.tree, byId("order").value);
      this.graph.update();
      this.refresh();
    });
  }

  listenToSearch() {
    const input = byId("search");
    let timer;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.search(true), 120);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        clearTimeout(timer);
        if (this.found.at < 0) this.search(false);
        this.step(event.shiftKey ? -1 : 1);
        // From there n and N go on.
        if (this.found.nodes.length > 0) this.active.scroller.focus({ preventScroll: true });
      } else if (event.key === "Escape") {
        input.value = "";
        this.search(false);
        this.graphs()[0].scroller.focus();
      } else return;
      event.preventDefault();
    });
    byId("filter").addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "ArrowDown") byId("table").focus();
      else if (event.key === "Escape") {
        byId("filter").value = "";
        this.table.arrange();
        byId("table").focus();
      } else return;
      event.preventDefault();
    });
  }
}

function mostCommonEvent(profile) {
  const counts = new Map();
  for (const event of profile.rows.event) counts.set(event, (counts.get(event) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

/** Offers the events that have samples, where there are several, and what suits the threads. */
function prepareChoices(profile) {
  const events = [...new Set(profile.rows.event)].sort((a, b) => a - b);
  byId("event").replaceChildren(
    ...events.map((event) => {
      const option = element("option", "", profile.header.events[event]?.name ?? `event ${event}`);
      option.value = event;
      return option;
    }),
  );
  byId("event").value = mostCommonEvent(profile);
  byId("event-label").hidden = events.length < 2;
  byId("group").value = profile.group;
  const processes = new Set(profile.threads.map((thread) => thread.pid));
  byId("lanes").value = processes.size > 1 ? "process" : profile.threads.length > 1 ? "thread" : "none";
}

function listenToSplitter(splitter) {
  const side = document.querySelector("aside");
  const set = (width) => {
    const most = innerWidth - 320;
    document.documentElement.style.setProperty("--side", `${Math.max(240, Math.min(most, width))}px`);
  };
  splitter.addEventListener("pointerdown", (event) => splitter.setPointerCapture(event.pointerId));
  splitter.addEventListener("pointermove", (event) => {
    if (splitter.hasPointerCapture(event.pointerId)) set(innerWidth - event.clientX);
  });
  splitter.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: 24, ArrowRight: -24 }[event.key];
    if (!step) return;
    set(side.offsetWidth + step);
    event.preventDefault();
  });
}

async function open() {
  const notice = byId("notice");
  try {
    const data = byId("data");
    const profile = decode(await inflate(data.textContent));
    // It is large, and not needed twice.
    data.remove();
    prepareChoices(profile);
    notice.remove();
    document.body.classList.add("ready");
    window.somno = new App(profile);
  } catch (error) {
    notice.className = "notice bad";
    notice.textContent = `This profile could not be opened: ${error.message}`;
    throw error;
  }
}

open();
