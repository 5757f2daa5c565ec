// The flame graph: a tree in a canvas that scrolls, with one frame selected.

const ROW = 20;
const FONT = "12px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

class Graph {
  /** Draws in a scrolling element; `app` is told what is selected, zoomed and pointed at. */
  constructor(scroller, app) {
    this.scroller = scroller;
    this.app = app;
    this.canvas = scroller.querySelector("canvas");
    this.spacer = scroller.querySelector(".spacer");
    this.context = this.canvas.getContext("2d");
    this.isIcicle = true;
    this.levels = [];
    this.history = [];
    this.zoom = this.selected = 0;
    this.hovered = null;
    this.match = null;
    this.marked = -1;
    this.tree = null;
    this.listen();
  }

  listen() {
    const redraw = () => this.draw();
    this.scroller.addEventListener("scroll", redraw, { passive: true });
    this.scroller.addEventListener("focus", redraw);
    this.scroller.addEventListener("blur", redraw);
    this.canvas.addEventListener("pointermove", (event) => this.hover(event));
    this.canvas.addEventListener("pointerleave", () => this.hover(null));
    this.canvas.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.resize()).observe(this.scroller);
  }

  setTheme(theme) {
    this.theme = theme;
    this.colors = [];
    this.patterns = null;
    this.draw();
  }

  /** Shows another tree, and the same place in it as far as it is there. */
  setTree(tree) {
    const before = this.tree;
    this.tree = tree;
    this.colors = [];
    this.history = [];
    this.zoom = before ? follow(before, this.zoom, tree) : 0;
    this.selected = before ? follow(before, this.selected, tree) : 0;
    this.update();
    if (!before) this.scrollToRoot();
  }

  /** Shows the tree as it is now, after it was weighed or arranged anew. */
  update() {
    if (!this.tree) return;
    while (this.zoom !== 0 && !(this.tree.total[this.zoom] > 0)) this.zoom = this.tree.parent[this.zoom];
    while (this.selected !== 0 && !(this.tree.total[this.selected] > 0)) this.selected = this.tree.parent[this.selected];
    this.hovered = null;
    this.layOut();
    this.app.zoomed(this);
  }

  layOut() {
    if (!this.tree || !this.width) return;
    // With the root below, what is in sight stays where it is as seen from there.
    const gap = this.bottomGap();
    this.levels = layOut(this.tree, this.zoom, this.width);
    this.spacer.style.height = `${Math.max(0, this.levels.length * ROW + 2)}px`;
    if (!this.isIcicle) this.scroller.scrollTop += this.bottomGap() - gap;
    this.draw();
  }

  resize() {
    const { clientWidth, clientHeight } = this.scroller;
    if (clientWidth === 0) return;
    this.width = clientWidth;
    this.height = clientHeight;
    const ratio = window.devicePixelRatio || 1;
    this.ratio = ratio;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.canvas.style.width = `${clientWidth}px`;
    this.canvas.style.height = `${clientHeight}px`;
    this.patterns = null;
    const isFirst = this.levels.length === 0;
    this.layOut();
    if (isFirst) this.scrollToRoot();
  }

  bottomGap() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
  }

  scrollToRoot() {
    this.scroller.scrollTop = this.isIcicle ? 0 : this.scroller.scrollHeight;
  }

  setIcicle(isIcicle) {
    this.isIcicle = isIcicle;
    this.scrollToRoot();
    this.draw();
  }

  setMatch(match) {
    this.match = match;
    this.draw();
  }

  /** Marks every frame of a function; -1 for none. */
  mark(func) {
    this.marked = func;
    this.draw();
  }

  // Where things are. Content is as high as it needs to be, or as the element.

  contentHeight() {
    return Math.max(this.levels.length * ROW + 2, this.height);
  }

  top(depth) {
    return this.isIcicle ? 1 + depth * ROW : this.contentHeight() - 1 - (depth + 1) * ROW;
  }

  depthAt(y) {
    return Math.floor((this.isIcicle ? y - 1 : this.contentHeight() - 1 - y) / ROW);
  }

  find(event) {
    if (!this.tree) return null;
    const bounds = this.canvas.getBoundingClientRect();
    const y = event.clientY - bounds.top + this.scroller.scrollTop;
    return boxAt(this.levels, this.depthAt(y), event.clientX - bounds.left);
  }

  // What people do.

  hover(event) {
    const box = event ? this.find(event) : null;
    if (box !== this.hovered) {
      this.hovered = box;
      this.draw();
    }
    this.canvas.style.cursor = box ? "pointer" : "default";
    this.app.hovered(this, box, event);
  }

  click(event) {
    const box = this.find(event);
    if (!box) return;
    this.select(box.heaviest);
    this.zoomTo(box.node < 0 ? this.tree.parent[box.heaviest] : box.node);
  }

  select(node, isQuiet = false) {
    this.selected = node;
    this.scrollTo(node);
    this.draw();
    if (!isQuiet) this.app.selected(this, node);
  }

  zoomTo(node) {
    if (node === this.zoom) return;
    this.history.push(this.zoom);
    this.setZoom(node);
  }

  /** Goes back to what was zoomed before; says whether there was anything. */
  back() {
    if (this.history.length === 0 && this.zoom === 0) return false;
    this.setZoom(this.history.pop() ?? 0);
    return true;
  }

  reset() {
    this.history = [];
    this.setZoom(0);
    this.select(0, true);
    this.scrollToRoot();
  }

  setZoom(node) {
    this.zoom = this.tree.total[node] > 0 ? node : 0;
    this.layOut();
    this.scrollTo(this.zoom);
    this.app.zoomed(this);
  }

  move(direction) {
    const before = this.selected;
    this.select(neighbour(this.levels, this.tree, before, direction));
    // A caller above what is zoomed is shown as wide as that: going there is zooming out.
    return this.selected !== before;
  }

  /** Shows a node wherever it is, zooming out as far as it takes. */
  reveal(node) {
    if (!boxOf(this.levels, this.tree, node)) {
      let to = this.zoom;
      const path = new Set(pathTo(this.tree, node));
      while (to !== 0 && !path.has(to)) to = this.tree.parent[to];
      this.setZoom(to);
      // Too narrow to see even there: zoom in to where it can be seen.
      for (const step of path) if (!boxOf(this.levels, this.tree, node) && step !== node) this.setZoom(step);
    }
    this.select(node);
  }

  scrollTo(node) {
    const margin = ROW * 2;
    const top = this.top(pathTo(this.tree, node).length);
    const { scrollTop } = this.scroller;
    if (top < scrollTop + margin) this.scroller.scrollTop = top - margin;
    else if (top + ROW + margin > scrollTop + this.height) this.scroller.scrollTop = top + ROW + margin - this.height;
  }

  // Drawing.

  /** Draws at the next frame, however often it is asked for. */
  draw() {
    if (this.isPending) return;
    this.isPending = true;
    requestAnimationFrame(() => {
      this.isPending = false;
      if (this.tree && this.width && this.theme) this.paint();
    });
  }

  paint() {
    const { context, ratio } = this;
    this.patterns ??= makePatterns(context, this.theme, ratio);
    const { scrollTop } = this.scroller;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.translate(0, -scrollTop);
    context.font = FONT;
    context.textBaseline = "middle";
    this.character ??= context.measureText("0123456789").width / 10;
    const ends = [this.depthAt(scrollTop), this.depthAt(scrollTop + this.height)].sort((a, b) => a - b);
    for (let depth = Math.max(0, ends[0]); depth <= ends[1] && depth < this.levels.length; depth++) {
      const top = this.top(depth);
      for (const box of this.levels[depth]) this.paintBox(box, top);
    }
    this.paintRing(this.selected, this.theme.ring, document.activeElement === this.scroller ? 3 : 1.5);
  }

  paintBox(box, top) {
    const { context, theme, tree } = this;
    const func = tree.function[box.heaviest];
    // A gap between frames, where they are wide enough to spare it.
    const width = box.width > 3 ? box.width - 1 : box.width;
    const matches = this.match && this.match.functions[func];
    const isMarked = func >= 0 && func === this.marked && box.node >= 0;
    const isFaint = (this.match && !matches) || (this.marked >= 0 && !isMarked && !matches);
    context.globalAlpha = isFaint ? 0.4 : box.isAbove ? 0.72 : 1;
    context.fillStyle = box.node < 0 ? theme.crumbs : matches ? theme.match[0] : this.color(func);
    context.fillRect(box.x, top, width, ROW - 1);
    const pattern = this.patterns[tree.symbols.kind(func)];
    if (pattern && width > 6 && box.node >= 0) {
      context.fillStyle = pattern;
      context.fillRect(box.x, top, width, ROW - 1);
    }
    // A name can be read on the faintest frame.
    context.globalAlpha = isFaint ? 0.75 : 1;
    if (width > 20) this.paintName(box, func, top, width);
    context.globalAlpha = 1;
    if (matches || isMarked) {
      context.fillStyle = matches ? theme.match[1] : theme.ring;
      context.fillRect(box.x, top + ROW - 4, width, 3);
    }
    if (box === this.hovered) this.strokeBox(box, top, theme.ink, 1.5);
  }

  paintName(box, func, top, width) {
    const room = Math.floor((width - 7) / this.character);
    const suffix = SUFFIX[this.tree.symbols.kind(func)];
    const name = this.tree.symbols.name(func);
    let text = fitName(name, room - suffix.length);
    if (text && text.length + suffix.length <= room) text += suffix;
    if (!text) return;
    this.context.fillStyle = this.theme.ink;
    // Letters of other scripts are wider than what was reckoned with.
    this.context.fillText(text, box.x + 4, top + ROW / 2, width - 6);
  }

  paintRing(node, color, width) {
    const place = boxOf(this.levels, this.tree, node);
    if (place) this.strokeBox(place.box, this.top(place.depth), color, width);
  }

  strokeBox(box, top, color, line) {
    const { context } = this;
    context.strokeStyle = color;
    context.lineWidth = line;
    const width = Math.max(box.width - 1, 2);
    context.strokeRect(box.x + line / 2, top + line / 2, Math.max(width - line, 1), ROW - 1 - line);
  }

  color(func) {
    return (this.colors[func + 1] ??= frameColor(
      this.theme,
      this.tree.symbols.kind(func),
      this.tree.symbols.name(func),
    ));
  }
}
