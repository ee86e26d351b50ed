// Perfetto's trace processor, asked questions: `node query.mjs FOLDER TRACE < QUERIES`. FOLDER
// has its `trace_processor.wasm` and the `engine_bundle.js` that runs it in a browser's worker.
// QUERIES is a JSON list of SQL; the answer is a JSON list of lists of rows.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// Numbers and fields of perfetto's protos/perfetto/trace_processor/trace_processor.proto.
const APPEND = 1, FINALIZE = 2, QUERY = 3;
const CHUNK = 16 << 20;

const varint = (number) => {
  const bytes = [];
  let left = BigInt(number);
  do {
    const low = Number(left & 0x7fn);
    left >>= 7n;
    bytes.push(left ? low | 0x80 : low);
  } while (left);
  return Buffer.from(bytes);
};
const delimited = (field, bytes) =>
  Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);

/** The number that begins at a place, and where it ends. */
function varintAt(bytes, at) {
  let number = 0n, shift = 0n, byte;
  do {
    byte = bytes[at++];
    number |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
  } while (byte & 0x80);
  return [number, at];
}

function* fields(bytes) {
  let at = 0;
  const next = () => {
    const [number, end] = varintAt(bytes, at);
    at = end;
    return number;
  };
  while (at < bytes.length) {
    const key = Number(next());
    const kind = key & 7;
    let value;
    if (kind === 0) value = next();
    else if (kind === 2) {
      const length = Number(next());
      value = bytes.subarray(at, at + length);
      at += length;
    } else {
      const length = kind === 1 ? 8 : 4;
      value = bytes.subarray(at, at + length);
      at += length;
    }
    yield [key >> 3, value];
  }
}

function* varints(bytes) {
  for (let at = 0, number; at < bytes.length;) {
    [number, at] = varintAt(bytes, at);
    yield number;
  }
}

/** The engine, as the worker of a page has it; resolves to a function of a request. */
function engine(folder) {
  const bundle = readFileSync(join(folder, 'engine_bundle.js'), 'utf8');
  const file = (url) => readFileSync(join(folder, String(url).split('/').pop()));
  // It is written for a browser's worker, and asks for its file as that does.
  const self = { location: { href: 'file:///' } };
  class XMLHttpRequest {
    open(_method, url) {
      this.url = url;
    }
    send() {
      const bytes = file(this.url);
      this.status = 200;
      this.response = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
      this.onload?.();
    }
  }
  const console = { log() {}, warn() {}, error: globalThis.console.error };
  const names = ['self', 'WorkerGlobalScope', 'process', 'XMLHttpRequest', 'console'];
  const run = new Function(...names, 'location', bundle);
  run.call(globalThis, self, class {}, undefined, XMLHttpRequest, console, self.location);
  // It is made at once, and takes requests when what it has promised itself is done.
  const ready = new Promise((resolve) => setTimeout(resolve));
  const replies = [];
  const port = { postMessage: (bytes) => replies.push(Buffer.from(bytes)) };
  self.onmessage({ data: port });
  return async (message) => {
    await ready;
    port.onmessage({ data: new Uint8Array(delimited(1, message)) });
    return replies.splice(0);
  };
}

let sequence = 0;

const request = (method, args = Buffer.alloc(0)) =>
  Buffer.concat([varint(8), varint(sequence++), varint(16), varint(method), args]);

function* answers(replies) {
  for (const reply of replies) {
    for (const [field, message] of fields(reply)) {
      if (field !== 1) continue;
      for (const [what, value] of fields(message)) {
        if (what === 5) throw new Error(value.toString());
        yield [what, value];
      }
    }
  }
}

/** Rows of a query: lists of strings, numbers as text, null. */
function rows(replies) {
  const list = [];
  let columns = 0;
  for (const [what, result] of answers(replies)) {
    if (what !== 203) continue;
    for (const [field, value] of fields(result)) {
      if (field === 1) columns++;
      if (field === 2) throw new Error(value.toString());
      if (field !== 3) continue;
      const batch = { 1: [], 2: [], 3: [], 5: '' };
      for (const [cell, bytes] of fields(value)) {
        if (cell === 1) batch[1].push(...varints(bytes));
        if (cell === 2) batch[2].push(...varints(bytes));
        if (cell === 3) {
          for (let at = 0; at < bytes.length; at += 8) batch[3].push(bytes.readDoubleLE(at));
        }
        if (cell === 5) batch[5] = bytes.toString();
      }
      const strings = batch[5].split('\0');
      for (const kind of batch[1]) {
        const cell =
          kind === 1n ? null
          : kind === 2n ? String(BigInt.asIntN(64, batch[2].shift()))
          : kind === 3n ? String(batch[3].shift())
          : kind === 4n ? strings.shift()
          : undefined;
        list.push(cell);
      }
    }
  }
  const table = [];
  for (let at = 0; at < list.length; at += columns) table.push(list.slice(at, at + columns));
  return table;
}

const [folder, trace] = process.argv.slice(2);
const ask = engine(folder);
const bytes = readFileSync(trace);
for (let at = 0; at === 0 || at < bytes.length; at += CHUNK) {
  const chunk = bytes.subarray(at, at + CHUNK);
  for (const [what, value] of answers(await ask(request(APPEND, delimited(101, chunk))))) {
    if (what !== 201) continue;
    for (const [field, text] of fields(value)) {
      if (field === 2) throw new Error(text.toString());
    }
  }
}
await ask(request(FINALIZE));
const results = [];
for (const sql of JSON.parse(readFileSync(0, 'utf8'))) {
  try {
    results.push(rows(await ask(request(QUERY, delimited(103, delimited(1, Buffer.from(sql)))))));
  } catch (error) {
    throw new Error(`${error.message}\n${sql}`);
  }
}
process.stdout.write(JSON.stringify(results) + '\n');
process.exit(0);
