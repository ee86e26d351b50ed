/** A page's report and trace, read in Node as the page reads them in a browser. */
import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { load } from "./load.mjs";

/** The bytes of a data block; null where there is none. */
export function block(html, id) {
  const found = html.match(new RegExp(`<script[^>]*\\bid="?${id}"?[^>]*>([^<]*)</script>`));
  return found && inflateRawSync(Buffer.from(found[1].trim(), "base64"));
}

/** A page's run. */
export async function readPage(path) {
  const { decodeTrace } = await load("src/data/trace.ts");
  const html = readFileSync(path, "utf8");
  const report = JSON.parse(block(html, "report"));
  const trace = block(html, "trace");
  return { report, trace: trace && decodeTrace(new Uint8Array(trace), report) };
}
