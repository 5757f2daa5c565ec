// Keys, buttons and choices: what each of them has the page do.

function listenToControls(app) {
  const arrow = (event) => app.arrow(event);
  listenToKeys({
    ArrowUp: arrow,
    ArrowDown: arrow,
    ArrowLeft: arrow,
    ArrowRight: arrow,
    Enter: () => app.enter(),
    Backspace: () => app.back(),
    Escape: () => app.back(),
    0: () => app.reset(),
    "/": () => byId("search").select(),
    n: () => app.search.step(1),
    N: () => app.search.step(-1),
    s: () => app.toggleSandwich(app.func),
    m: () => app.func >= 0 && app.functionChosen(app.func),
    i: () => app.turn(),
    g: () => app.graphs().at(-1).scroller.focus(),
    f: () => byId("filter").select(),
    l: () => byId("lane-scroller").focus(),
    t: () => app.turnTheme(),
    "?": () => byId("keys").showModal(),
  });
  listenToButtons(app);
  listenToChoices(app);
  listenToFilter(app.table);
  listenToSplitter(byId("splitter"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    // Who chose here knows better than the system.
    if (!app.isThemeChosen) app.setTheme(event.matches ? "dark" : "light");
  });
}

function listenToButtons(app) {
  byId("theme").addEventListener("click", () => app.turnTheme());
  byId("help").addEventListener("click", () => byId("keys").showModal());
  byId("direction").addEventListener("click", () => app.turn());
  byId("whole").addEventListener("click", () => app.timeline.setRange(null));
}

function listenToChoices(app) {
  byId("lanes").addEventListener("change", () => app.relane());
  byId("group").addEventListener("change", () => app.regroup());
  byId("event").addEventListener("change", () => {
    app.event = Number(byId("event").value);
    app.regroup();
    app.relane();
  });
  byId("order").addEventListener("change", () => {
    arrange(app.tree, byId("order").value);
    app.graph.update();
    app.refresh();
  });
}

function listenToFilter(table) {
  byId("filter").addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      byId("filter").value = "";
      table.arrange();
    } else if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    byId("table").focus();
    event.preventDefault();
  });
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
