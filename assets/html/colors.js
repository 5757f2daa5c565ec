// Colours and hatchings by kind. A kind is told by its hatching and suffix too, so that
// nothing depends on seeing colours.

const KINDS = [
  { kind: Kind.USER, name: "program", hue: [28, 42], light: [92, 72], dark: [62, 31] },
  { kind: Kind.LIBRARY, name: "library", hue: [204, 222], light: [72, 79], dark: [46, 38] },
  { kind: Kind.INLINED, name: "inlined", hue: [48, 56], light: [82, 80], dark: [58, 27] },
  { kind: Kind.JIT, name: "JIT", hue: [134, 154], light: [44, 74], dark: [42, 28] },
  { kind: Kind.KERNEL, name: "kernel", hue: [346, 360], light: [74, 82], dark: [44, 40] },
  { kind: Kind.REASON, name: "stopped short", hue: [260, 262], light: [6, 80], dark: [6, 34] },
  { kind: Kind.GROUP, name: "group", hue: [218, 224], light: [16, 87], dark: [14, 25] },
];

const THEMES = {
  light: {
    frames: "light",
    ink: "#1a1a20",
    faint: "#6a6a76",
    gap: "#ffffff",
    hatch: "rgba(30, 20, 60, 0.17)",
    match: ["hsl(296 85% 83%)", "hsl(296 80% 40%)"],
    ring: "#0b57d0",
    crumbs: "#d9d9df",
    lane: "#7d9fd6",
    laneKernel: "#d9607f",
    range: "rgba(11, 87, 208, 0.13)",
    outside: "rgba(255, 255, 255, 0.68)",
    grid: "#e4e4ea",
  },
  dark: {
    frames: "dark",
    ink: "#f5f5f8",
    faint: "#9c9cab",
    gap: "#16161b",
    hatch: "rgba(0, 0, 0, 0.30)",
    match: ["hsl(296 52% 38%)", "hsl(296 90% 78%)"],
    ring: "#8ab4ff",
    crumbs: "#3a3a44",
    lane: "#5b83c4",
    laneKernel: "#d0587a",
    range: "rgba(138, 180, 255, 0.16)",
    outside: "rgba(22, 22, 27, 0.66)",
    grid: "#2c2c35",
  },
};

/** A frame's colour: the hue says the kind, and which hue of it the name. */
function frameColor(theme, kind, name) {
  const { hue, [theme.frames]: tone } = KINDS[kind];
  const part = hashName(name);
  const h = hue[0] + (hue[1] - hue[0]) * part;
  // Neighbours of one kind differ in lightness too, by a little.
  const lightness = tone[1] + (hashName(`${name}.`) - 0.5) * 5;
  return `hsl(${h.toFixed(0)} ${tone[0]}% ${lightness.toFixed(1)}%)`;
}

/** A number from 0 to 1 that is always the same for a name. */
function hashName(name) {
  let hash = 2166136261;
  for (let i = 0; i < name.length && i < 200; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  hash ^= hash >>> 15;
  return ((Math.imul(hash, 0x2c1b3c6d) >>> 8) & 0xffff) / 0xffff;
}

/** Lines across a tile of 8 by 8, for each kind; none for programs. */
const HATCHING = {
  [Kind.LIBRARY]: [],
  [Kind.INLINED]: [[0, 8, 8, 0]],
  [Kind.JIT]: [[2, 0, 2, 8]],
  [Kind.KERNEL]: [[0, 0, 8, 8]],
  [Kind.REASON]: [[0, 0, 8, 8], [0, 8, 8, 0]],
};

/** Makes the patterns of a theme, as fine as the screen is. */
function makePatterns(context, theme, ratio) {
  const patterns = [];
  for (const [kind, lines] of Object.entries(HATCHING)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = Math.round(8 * ratio);
    const on = tile.getContext("2d");
    on.scale(tile.width / 8, tile.height / 8);
    on.strokeStyle = on.fillStyle = theme.hatch;
    on.lineCap = "square";
    for (const [x0, y0, x1, y1] of lines) {
      on.beginPath();
      on.moveTo(x0, y0);
      on.lineTo(x1, y1);
      on.stroke();
    }
    if (lines.length === 0) on.fillRect(3, 3, 1.6, 1.6);
    const pattern = context.createPattern(tile, "repeat");
    pattern.setTransform(new DOMMatrix().scale(8 / tile.width));
    patterns[kind] = pattern;
  }
  return patterns;
}
