// The timeline's figures: what rows weigh in parts of the time, by lane.

/** The first and last moment of all rows. */
function timeSpan(profile) {
  const { time, count } = profile.rows;
  if (count === 0) return { first: 0, last: 1 };
  // A row stands for the time after it where several were put together.
  const last = time[count - 1] + Math.max(1, profile.together);
  return { first: time[0], last };
}

/**
 * Says in how many parts to show a span: no narrower than can be seen, than what a row
 * stands for, and than what has a few rows each, or else the picture is a comb.
 */
function binCount(profile, span, width) {
  const { together, rows } = profile;
  const parts = together > 0 ? Math.floor((span.last - span.first) / together) : Infinity;
  return Math.max(30, Math.min(1500, parts, Math.floor(width / 2), Math.floor(rows.count / 4)));
}

/**
 * Sums rows up in so many parts of a span; the kernel's share apart. Lanes are in order
 * of weight, or CPUs by number, and those that are too many are one, the last.
 */
function binRows(profile, groups, event, span, count, most) {
  const { rows, stacks, lines, functions } = profile;
  const weights = new Float64Array(groups.labels.length);
  for (let row = 0; row < rows.count; row++) {
    if (rows.event[row] === event) weights[groups.ofRow[row]] += rows.weight[row];
  }
  const lanes = makeLanes(groups, weights, count, most);
  const laneOf = new Array(groups.labels.length);
  for (const lane of lanes) for (const group of lane.groups) laneOf[group] = lane;
  const scale = count / (span.last - span.first);
  for (let row = 0; row < rows.count; row++) {
    if (rows.event[row] !== event) continue;
    const lane = laneOf[groups.ofRow[row]];
    // Of what weighs nothing there is no lane.
    if (!lane) continue;
    const bin = Math.min(count - 1, Math.floor((rows.time[row] - span.first) * scale));
    const stack = rows.stack[row];
    const isKernel = stack > 0 && functions.kind[lines.function[stacks.line[stack]]] === Kind.KERNEL;
    lane.all[bin] += rows.weight[row];
    if (isKernel) lane.kernel[bin] += rows.weight[row];
  }
  return { lanes, highest: highest(lanes) };
}

function makeLanes(groups, weights, count, most) {
  const order = [...weights.keys()].filter((group) => weights[group] > 0);
  const byNumber = (a, b) => groups.labels[a].localeCompare(groups.labels[b], "en", { numeric: true });
  order.sort((a, b) => weights[b] - weights[a] || a - b);
  const lane = (label, members) => ({
    label,
    groups: members,
    weight: members.reduce((sum, group) => sum + weights[group], 0),
    all: new Float64Array(count),
    kernel: new Float64Array(count),
  });
  const own = order.length > most ? order.slice(0, most - 1) : order;
  // CPUs are looked for by number, if there is a lane for each.
  if (groups.by === "cpu" && own.length === order.length) own.sort(byNumber);
  const lanes = own.map((group) => lane(groups.labels[group], [group]));
  const others = order.slice(own.length);
  if (others.length > 0) lanes.push(lane(`${others.length} others`, others));
  return lanes;
}

function highest(lanes) {
  let most = 0;
  for (const lane of lanes) for (const weight of lane.all) most = Math.max(most, weight);
  return most;
}

/** A step between marks of a scale that people can count in: 1, 2 or 5 of some power. */
function niceStep(span, marks) {
  const rough = span / Math.max(1, marks);
  const power = 10 ** Math.floor(Math.log10(rough));
  for (const factor of [1, 2, 5]) if (factor * power >= rough) return factor * power;
  return 10 * power;
}
