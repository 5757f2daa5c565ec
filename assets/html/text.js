// Words and numbers for people, and what people search for.

const SUFFIX = ["", "", " [i]", " [j]", " [k]", "", ""];

function formatCount(number) {
  return Math.round(number).toLocaleString("en-US");
}

/** A duration with three digits, from nanoseconds. */
function formatDuration(ns) {
  if (ns === 0) return "0 s";
  for (const [size, unit] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
    if (ns >= size) return `${toDigits(ns / size)} ${unit}`;
  }
  return `${Math.round(ns)} ns`;
}

function toDigits(number) {
  if (number >= 1000) return formatCount(number);
  return number.toFixed(number >= 100 ? 0 : number >= 10 ? 1 : 2);
}

function formatWeight(weight, unit) {
  if (unit === "ns") return formatDuration(weight);
  return `${formatCount(weight)} ${weight === 1 ? "sample" : "samples"}`;
}

/** Like formatWeight, for columns that say the unit in their head. */
function formatShortWeight(weight, unit) {
  return unit === "ns" ? formatDuration(weight) : formatCount(weight);
}

/** A share as a percentage: 100 only for all, 0 only for none. */
function formatShare(part, whole) {
  if (!(whole > 0) || part === 0) return "0%";
  const percent = (part / whole) * 100;
  if (percent >= 100) return "100%";
  if (percent < 0.01) return "<0.01%";
  const digits = percent < 1 || percent > 99.9 ? 2 : 1;
  const scale = 10 ** digits;
  return `${(Math.floor(percent * scale) / scale).toFixed(digits)}%`;
}

/** A moment, from microseconds, as fine as a step between moments needs. */
function formatTime(us, step = 1000) {
  const digits = Math.max(0, Math.min(6, Math.ceil(6 - Math.log10(Math.max(step, 1)))));
  return `${(us / 1e6).toFixed(digits)} s`;
}

function baseName(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Cuts a name down to what fits: first what it takes and returns, then its path. */
function fitName(name, characters) {
  if (name.length <= characters) return name;
  if (characters < 2) return "";
  const bare = withoutArguments(name);
  if (bare.length <= characters) return bare;
  // In what is not balanced, as operator<, nobody knows where a path ends.
  const rest = /[<(]/.test(bare) ? bare : bare.slice(bare.lastIndexOf(":") + 1);
  if (rest.length <= characters) return rest;
  return characters < 3 ? "" : `${rest.slice(0, characters - 1)}…`;
}

/** Drops `<...>` and `(...)` where they are balanced; a name of nothing else stays. */
function withoutArguments(name) {
  let depth = 0;
  let bare = "";
  for (const c of name) {
    if (c === "<" || c === "(") depth++;
    else if (c === ">" || c === ")") {
      if (--depth < 0) return name;
    } else if (depth === 0) bare += c;
  }
  // Of `<T as Trait>::f`, `f::<T>` and `(anonymous namespace)::f` colons are left over.
  bare = bare.replace(/(::)+/g, "::").replace(/^::|::$/g, "").trim();
  return depth === 0 && bare ? bare : name;
}

/**
 * Makes a regular expression of what was typed, ignoring case unless there is a capital
 * letter; null for nothing.
 */
function compileSearch(text) {
  if (!text) return null;
  return new RegExp(text, /\p{Lu}/u.test(text) ? "u" : "iu");
}

/** Like compileSearch, for a filter: what is no regular expression is looked for as it is. */
function compileFilter(text) {
  try {
    return compileSearch(text);
  } catch {
    return compileSearch(text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&"));
  }
}
