// The timeline: what was sampled when, a lane for each process, thread or CPU.

const LANE = 26;
const AXIS = 18;
const MOST_LANES = 100;

class Timeline {
  /** Draws in its elements; `app` is told which range and lane are chosen. */
  constructor(elements, app) {
    this.scroller = elements.scroller;
    this.canvas = elements.canvas;
    this.axis = elements.axis;
    this.labels = elements.labels;
    this.app = app;
    this.range = null;
    this.lane = null;
    this.cursor = null;
    this.listen();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    canvas.addEventListener("pointerup", () => this.release());
    canvas.addEventListener("pointercancel", () => this.release());
    canvas.addEventListener("pointerleave", () => this.app.pointedAt(null));
    canvas.addEventListener("dblclick", () => this.setRange(null));
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.resize()).observe(this.canvas.parentElement);
  }

  setTheme(theme) {
    this.theme = theme;
    this.draw();
  }

  /** Shows other rows, or the same by other groups. */
  show(profile, groups, event) {
    const isOther = this.groups !== groups;
    Object.assign(this, { profile, groups, event });
    this.span = timeSpan(profile);
    if (isOther) this.lane = null;
    this.count();
  }

  count() {
    if (!this.profile || !this.width) return;
    const count = binCount(this.profile, this.span, this.width);
    this.bins = binRows(this.profile, this.groups, this.event, this.span, count, MOST_LANES);
    this.height = this.bins.lanes.length * LANE;
    this.label();
    this.draw();
  }

  resize() {
    const width = this.canvas.parentElement.clientWidth;
    if (width === 0 || width === this.width) return;
    this.width = width;
    this.count();
  }

  label() {
    this.labels.hidden = this.groups.by === "none";
    this.labels.replaceChildren(
      ...this.bins.lanes.map((lane) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = lane.label || "all";
        button.title = `${lane.label || "all"}: show only this`;
        button.setAttribute("aria-pressed", String(this.lane === lane.label));
        button.addEventListener("click", () => this.choose(lane, button));
        return button;
      }),
    );
  }

  choose(lane, button) {
    const isChosen = this.lane !== lane.label;
    for (const other of this.labels.children) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", String(isChosen));
    this.lane = isChosen ? lane.label : null;
    this.draw();
    this.app.laneChosen(isChosen ? { groups: this.groups, wanted: new Set(lane.groups), label: lane.label } : null);
  }

  // Time and place.

  timeAt(event) {
    const bounds = this.canvas.getBoundingClientRect();
    const part = Math.max(0, Math.min(1, (event.clientX - bounds.left) / this.width));
    return this.span.first + part * (this.span.last - this.span.first);
  }

  x(time) {
    return ((time - this.span.first) / (this.span.last - this.span.first)) * this.width;
  }

  press(event) {
    if (event.button !== 0 || !this.bins) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.anchor = this.timeAt(event);
    this.pressed = event.clientX;
  }

  drag(event) {
    if (!this.bins) return;
    const time = this.timeAt(event);
    this.app.pointedAt({ time, event });
    // A hand is not still when it clicks.
    if (this.anchor === undefined || (!this.isDragging && Math.abs(event.clientX - this.pressed) < 4)) return;
    this.isDragging = true;
    this.setRange({ from: Math.min(this.anchor, time), to: Math.max(this.anchor, time) });
  }

  release() {
    this.anchor = undefined;
    this.isDragging = false;
  }

  /** Moves a cursor by arrows, and the range's end with it while Shift is held. */
  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
    const length = this.span.last - this.span.first;
    const before = this.cursor ?? this.span.first;
    let to = before + ((steps[event.key] ?? 0) * length) / 100;
    if (event.key === "Home") to = this.span.first;
    else if (event.key === "End") to = this.span.last;
    else if (event.key === "Escape" && this.range) return this.take(event, () => this.setRange(null));
    else if (!(event.key in steps)) return;
    to = Math.max(this.span.first, Math.min(this.span.last, to));
    this.take(event, () => {
      this.cursor = to;
      if (!event.shiftKey) this.keyAnchor = to;
      else this.setRange({ from: Math.min(this.keyAnchor ?? before, to), to: Math.max(this.keyAnchor ?? before, to) });
      this.draw();
      if (!event.shiftKey) this.app.say(`${formatTime(to, length / 100)}`);
    });
  }

  take(event, action) {
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  setRange(range) {
    this.range = range && range.to > range.from ? range : null;
    this.draw();
    this.app.rangeChosen(this.range);
  }

  // Drawing.

  draw() {
    if (this.isPending) return;
    this.isPending = true;
    requestAnimationFrame(() => {
      this.isPending = false;
      if (this.bins && this.theme) this.paint();
    });
  }

  prepare(canvas, height) {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(this.width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${this.width}px`;
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  paint() {
    const context = this.prepare(this.canvas, this.height);
    this.paintGrid(context);
    this.bins.lanes.forEach((lane, index) => this.paintLane(context, lane, index * LANE));
    this.paintRange(context);
    this.paintAxis(this.prepare(this.axis, AXIS));
  }

  marks() {
    const length = this.span.last - this.span.first;
    const step = niceStep(length, this.width / 90);
    const marks = [];
    for (let time = Math.ceil(this.span.first / step) * step; time <= this.span.last; time += step) marks.push(time);
    return { marks, step };
  }

  paintGrid(context) {
    context.fillStyle = this.theme.grid;
    for (const time of this.marks().marks) context.fillRect(Math.round(this.x(time)), 0, 1, this.height);
  }

  paintAxis(context) {
    const { marks, step } = this.marks();
    context.fillStyle = this.theme.faint;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const time of marks) {
      const text = formatTime(time, step);
      const width = context.measureText(text).width;
      const x = Math.max(0, Math.min(this.width - width, this.x(time) - width / 2));
      context.fillText(text, x, AXIS / 2);
    }
  }

  paintLane(context, lane, top) {
    const { theme, bins } = this;
    const count = lane.all.length;
    const width = this.width / count;
    const scale = (LANE - 4) / bins.highest;
    const isFaint = this.lane !== null && this.lane !== lane.label;
    context.globalAlpha = isFaint ? 0.3 : 1;
    const bottom = top + LANE - 1;
    for (let bin = 0; bin < count; bin++) {
      if (lane.all[bin] === 0) continue;
      // However little there was, it can be seen.
      const height = Math.max(1, lane.all[bin] * scale);
      const kernel = lane.kernel[bin] * scale;
      const x = bin * width;
      context.fillStyle = theme.lane;
      context.fillRect(x, bottom - height, Math.max(1, width), height);
      if (kernel > 0) {
        context.fillStyle = theme.laneKernel;
        context.fillRect(x, bottom - kernel, Math.max(1, width), kernel);
      }
    }
    context.globalAlpha = 1;
    context.fillStyle = theme.grid;
    context.fillRect(0, bottom, this.width, 1);
  }

  paintRange(context) {
    if (this.range) {
      const from = this.x(this.range.from);
      const to = this.x(this.range.to);
      context.fillStyle = this.theme.outside;
      context.fillRect(0, 0, from, this.height);
      context.fillRect(to, 0, this.width - to, this.height);
      context.fillStyle = this.theme.range;
      context.fillRect(from, 0, to - from, this.height);
      context.fillStyle = this.theme.ring;
      context.fillRect(from - 1, 0, 2, this.height);
      context.fillRect(to - 1, 0, 2, this.height);
    }
    if (this.cursor !== null) {
      context.fillStyle = this.theme.ink;
      context.fillRect(this.x(this.cursor) - 0.5, 0, 1, this.height);
    }
  }
}
