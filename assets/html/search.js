// The search: what matches is highlighted in the graphs, and gone through one by one.

class Search {
  constructor(elements, app) {
    Object.assign(this, elements, { app });
    this.places = [];
    this.at = -1;
    this.listen();
  }

  listen() {
    let timer;
    this.input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.run(true), 120);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        clearTimeout(timer);
        if (this.at < 0) this.run();
        this.step(event.shiftKey ? -1 : 1);
        // From there n and N go on.
        if (this.places.length > 0) this.app.active.scroller.focus({ preventScroll: true });
      } else if (event.key === "Escape") {
        this.clear();
        this.app.graphs()[0].scroller.focus();
      } else return;
      event.preventDefault();
    });
    this.before.addEventListener("click", () => this.step(-1));
    this.after.addEventListener("click", () => this.step(1));
  }

  clear() {
    this.input.value = "";
    this.run();
  }

  /** Looks for what is typed in the graphs that are shown; says so when it was typed just now. */
  run(isNew = false) {
    const { app, input, output } = this;
    const { expression, isBroken } = this.compile();
    const matches = expression && searchTree(app.tree, expression);
    for (const graph of [app.graph, app.callers, app.callees]) graph.setMatch(matches);
    const found = (graph) => searchTree(graph.tree, expression).nodes.map((node) => ({ graph, node }));
    this.places = matches ? app.graphs().flatMap(found) : [];
    this.at = -1;
    this.before.disabled = this.after.disabled = this.places.length === 0;
    input.setAttribute("aria-invalid", String(isBroken));
    const count = formatCount(this.places.length);
    const share = matches ? formatShare(matches.weight, app.tree.total[0]) : "";
    output.textContent = isBroken ? "no such pattern" : matches ? `${count}: ${share}` : "";
    output.title = matches ? `${count} frames match, together ${share} of all` : "";
    if (isNew && matches) app.say(output.title);
  }

  compile() {
    try {
      return { expression: compileSearch(this.input.value), isBroken: false };
    } catch {
      return { expression: null, isBroken: true };
    }
  }

  /** Goes to another match, round and round. */
  step(by) {
    const { length } = this.places;
    if (length === 0) return;
    this.at = this.at < 0 ? (by > 0 ? 0 : length - 1) : (this.at + by + length) % length;
    const { graph, node } = this.places[this.at];
    graph.reveal(node);
    this.output.textContent = `${this.at + 1} of ${formatCount(length)}`;
  }
}
