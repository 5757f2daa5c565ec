// Keys: what they do, and the list of them.

const KEYS = [
  ["← → ↑ ↓", "move among frames"],
  ["Enter", "zoom in on the selected frame"],
  ["Backspace Esc", "back to what was shown before"],
  ["0", "show everything again"],
  ["/", "search functions by regular expression"],
  ["n N", "next match, match before"],
  ["s", "sandwich: all callers and callees of the selected function"],
  ["m", "mark every frame of the selected function"],
  ["i", "root above or below"],
  ["g", "go to the graph"],
  ["f", "filter the table"],
  ["l", "go to the timeline: arrows move, with Shift they choose a range"],
  ["t", "light or dark"],
  ["?", "this list"],
];

function fillKeys(list) {
  for (const [keys, meaning] of KEYS) {
    const marks = keys.split(" ").flatMap((key) => [element("kbd", "", key), " "]);
    list.append(element("dt", "", ...marks), element("dd", "", meaning));
  }
}

/** Whether a key is for what has the focus: text, a choice, a list of choices. */
function isTaken(event) {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  if (document.querySelector("dialog[open]")) return true;
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
}

/** Has keys call what they are for: `actions` by key. */
function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    document.getElementById("tooltip").hidden = true;
    if (isTaken(event) || !Object.hasOwn(actions, event.key)) return;
    // A button is pressed by Enter, not what is selected elsewhere zoomed.
    if (event.key === "Enter" && event.target instanceof HTMLButtonElement) return;
    if (actions[event.key](event) !== false) event.preventDefault();
  });
}
