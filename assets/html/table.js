// The table of functions. Only the rows in sight are in the document: there may be 50,000.

const TABLE_ROW = 24;

const COLUMNS = [
  { id: "self", name: "Self", isNumber: true },
  { id: "total", name: "Total", isNumber: true },
  { id: "name", name: "Function" },
  { id: "module", name: "Module" },
  { id: "place", name: "Location" },
];

/** Makes the rows of the table: what each function weighs, and where it is. */
function functionRows(tree, profile) {
  const { self, total } = weighFunctions(tree);
  const lines = hottestLineOfEach(tree, profile);
  const rows = [];
  for (let func = 0; func < tree.symbols.functions; func++) {
    if (!(total[func] > 0)) continue;
    rows.push({
      func,
      self: self[func],
      total: total[func],
      name: tree.symbols.name(func),
      module: baseName(tree.symbols.module(func)),
      place: lines[func] < 0 ? "" : baseName(lineText(profile, lines[func])),
    });
  }
  return rows;
}

/** The line of each function that is the leaf most often, or else calls most; -1 for none. */
function hottestLineOfEach(tree, profile) {
  const { entries } = tree;
  const weights = new Float64Array(profile.lines.count);
  for (let entry = 0; entry < entries.count; entry++) {
    // What it does itself outweighs whatever it calls.
    if (entries.line[entry] >= 0) weights[entries.line[entry]] += entries.self[entry] + entries.total[entry] * 1e-6;
  }
  const hottest = new Int32Array(tree.symbols.functions).fill(-1);
  for (let line = 0; line < profile.lines.count; line++) {
    const func = profile.lines.function[line];
    if (profile.lines.file[line] === 0 || weights[line] === 0) continue;
    if (hottest[func] < 0 || weights[line] > weights[hottest[func]]) hottest[func] = line;
  }
  return hottest;
}

/** Sorts rows by a column; what is equal there by weight. */
function sortRows(rows, { column, isDescending }) {
  const sign = isDescending ? -1 : 1;
  const isNumber = COLUMNS.find(({ id }) => id === column).isNumber;
  const compare = isNumber ? (a, b) => a[column] - b[column] : (a, b) => compareText(a[column].toLowerCase(), b[column].toLowerCase());
  return rows.sort((a, b) => sign * compare(a, b) || b.self - a.self || b.total - a.total || a.func - b.func);
}

/** The rows of which name, module or location matches; all of them without an expression. */
function filterRows(rows, expression) {
  if (!expression) return rows;
  return rows.filter((row) => [row.name, row.module, row.place].some((text) => expression.test(text)));
}

class Table {
  constructor(elements, app) {
    Object.assign(this, elements, { app });
    this.order = { column: "self", isDescending: true };
    this.all = [];
    this.rows = [];
    this.chosen = -1;
    this.here = 0;
    this.makeHead();
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("click", (event) => this.click(event));
    this.filter.addEventListener("input", () => this.arrange());
    new ResizeObserver(() => this.draw()).observe(this.scroller);
  }

  makeHead() {
    this.head.replaceChildren(
      ...COLUMNS.map((column) => {
        const cell = document.createElement("th");
        cell.scope = "col";
        cell.dataset.column = column.id;
        if (column.isNumber) cell.className = "number";
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = column.name;
        button.addEventListener("click", () => this.sortBy(column));
        cell.append(button);
        return cell;
      }),
    );
  }

  sortBy({ id, isNumber }) {
    const isSame = this.order.column === id;
    this.order = { column: id, isDescending: isSame ? !this.order.isDescending : Boolean(isNumber) };
    this.arrange();
  }

  show(rows, whole, unit) {
    Object.assign(this, { all: rows, whole, unit });
    this.arrange();
  }

  arrange() {
    this.rows = sortRows([...filterRows(this.all, compileFilter(this.filter.value))], this.order);
    for (const cell of this.head.children) {
      const isOrder = cell.dataset.column === this.order.column;
      if (isOrder) cell.setAttribute("aria-sort", this.order.isDescending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    this.here = Math.max(0, this.rows.findIndex((row) => row.func === this.chosen));
    this.grid.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.count.textContent =
      this.rows.length === this.all.length ? formatCount(this.all.length) : `${formatCount(this.rows.length)} of ${formatCount(this.all.length)}`;
    this.draw();
  }

  /** Shows which function is chosen, and its row where it is not in sight. */
  choose(func) {
    this.chosen = func;
    const index = this.rows.findIndex((row) => row.func === func);
    if (index >= 0) {
      this.here = index;
      this.scrollTo(index);
    }
    this.draw();
  }

  scrollTo(index) {
    const top = index * TABLE_ROW;
    const room = this.scroller.clientHeight - 28 - TABLE_ROW;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top > this.scroller.scrollTop + room) this.scroller.scrollTop = top - room;
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / TABLE_ROW) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.target !== this.scroller || this.rows.length === 0) return;
    if (event.key in steps) {
      this.here = Math.max(0, Math.min(this.rows.length - 1, this.here + steps[event.key]));
      this.scrollTo(this.here);
      this.draw();
      const row = this.rows[this.here];
      this.app.say(`${row.name}, self ${formatShare(row.self, this.whole)}, total ${formatShare(row.total, this.whole)}`);
    } else if (event.key === "Enter" || event.key === " ") {
      this.app.functionChosen(this.rows[this.here].func);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  click(event) {
    const row = event.target.closest("tr[data-index]");
    if (row) this.app.functionChosen(this.rows[Number(row.dataset.index)].func);
  }

  draw() {
    if (this.isPending) return;
    this.isPending = true;
    requestAnimationFrame(() => {
      this.isPending = false;
      this.fill();
    });
  }

  fill() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / TABLE_ROW) - 4);
    const last = Math.min(this.rows.length, first + Math.ceil(this.scroller.clientHeight / TABLE_ROW) + 10);
    const start = Math.min(first, last);
    const rows = this.rows.slice(start, last).map((row, index) => this.makeRow(row, start + index));
    this.body.replaceChildren(makeGap(start), ...rows, makeGap(this.rows.length - last));
  }

  makeRow(row, index) {
    const element = document.createElement("tr");
    element.id = `row-${index}`;
    element.dataset.index = index;
    element.setAttribute("aria-rowindex", String(index + 2));
    element.setAttribute("aria-selected", String(row.func === this.chosen));
    if (index === this.here) {
      element.className = "here";
      this.scroller.setAttribute("aria-activedescendant", element.id);
    }
    element.append(
      this.makeNumber("self", row.self),
      this.makeNumber("total", row.total),
      makeCell(row.name + SUFFIX[this.app.kindOf(row.func)], ""),
      makeCell(row.module, "faint"),
      makeCell(row.place, "faint"),
    );
    return element;
  }

  makeNumber(column, weight) {
    const cell = document.createElement("td");
    cell.className = `number ${column}`;
    cell.title = formatWeight(weight, this.unit);
    const bar = document.createElement("i");
    bar.style.width = `${this.whole > 0 ? (weight / this.whole) * 100 : 0}%`;
    const text = document.createElement("span");
    text.textContent = formatShare(weight, this.whole);
    cell.append(bar, text);
    return cell;
  }
}

function makeCell(text, className) {
  const cell = document.createElement("td");
  cell.textContent = cell.title = text;
  cell.className = className;
  return cell;
}

function makeGap(rows) {
  const row = document.createElement("tr");
  row.setAttribute("aria-hidden", "true");
  const cell = document.createElement("td");
  cell.className = "gap";
  cell.colSpan = COLUMNS.length;
  cell.style.height = `${rows * TABLE_ROW}px`;
  row.append(cell);
  return row;
}
