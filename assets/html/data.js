// Reads what src/export/html/document.rs writes.

const Kind = { USER: 0, LIBRARY: 1, INLINED: 2, JIT: 3, KERNEL: 4, REASON: 5, GROUP: 6 };

/** Inflates the content of the data element. */
async function inflate(base64) {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Makes the profile of a document: what its JSON says, and its columns as arrays. */
function decode(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const document = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const reader = new ColumnReader(bytes, 4 + length);
  const { functions, lines, stacks, rows } = document.counts;
  const profile = {
    ...document,
    functions: {
      count: functions,
      name: reader.read(functions),
      module: reader.read(functions),
      kind: reader.read(functions),
      note: reader.read(functions),
    },
    lines: {
      count: lines,
      function: reader.read(lines),
      file: reader.read(lines),
      line: reader.read(lines),
    },
    // Stack 0 is the empty one. A stack comes after the one that it was called from.
    stacks: readStacks(reader, stacks),
    rows: {
      count: rows,
      time: runningSum(reader.read(rows, Float64Array)),
      stack: reader.read(rows),
      thread: reader.read(rows),
      cpu: reader.read(rows),
      event: reader.read(rows),
      weight: reader.read(rows, Float64Array),
    },
  };
  return profile;
}

function readStacks(reader, count) {
  const up = reader.read(count);
  const lines = reader.read(count);
  const parent = new Uint32Array(count + 1);
  const line = new Uint32Array(count + 1);
  for (let i = 0; i < count; i++) {
    parent[i + 1] = i + 1 - up[i];
    line[i + 1] = lines[i];
  }
  return { count: count + 1, parent, line };
}

function runningSum(numbers) {
  for (let i = 1; i < numbers.length; i++) numbers[i] += numbers[i - 1];
  return numbers;
}

/** Reads LEB128. Times and weights pass 32 bits, so nothing here is a bit operation on a sum. */
class ColumnReader {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  read(count, Column = Uint32Array) {
    const column = new Column(count);
    for (let i = 0; i < count; i++) column[i] = this.number();
    return column;
  }

  number() {
    let byte = this.bytes[this.at++];
    if (byte < 0x80) return byte;
    let number = byte & 0x7f;
    let scale = 128;
    do {
      byte = this.bytes[this.at++];
      if (byte === undefined) throw new Error("the data is cut short");
      number += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return number;
  }
}

/** The positions of the rows in a range of time, both ends in it: rows are in order of time. */
function rowsBetween(rows, from, to) {
  return [firstAtLeast(rows.time, from), firstAtLeast(rows.time, to + 1)];
}

function firstAtLeast(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
