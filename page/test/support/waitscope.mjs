/** Pages as waitscope makes them: of stored recordings, of ones that are damaged, and of runs that are made here (as root). */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refresh } from "./refresh.mjs";

const root = new URL("../../../", import.meta.url).pathname;
const binary = process.env.WAITSCOPE_BIN ?? join(root, "target/debug/waitscope");
const recordings = join(root, "tests/recordings");

/** The names of the stored recordings. */
export const STORED = readdirSync(recordings)
  .filter((name) => name.endsWith(".wsc"))
  .map((name) => name.slice(0, -4));

/** A folder that goes with the tests. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), "waitscope-pages-"));
  return { path, file: (name) => join(path, name), remove: () => rmSync(path, { recursive: true }) };
}

export const stored = (name) => join(recordings, `${name}.wsc`);

/** What waitscope prints to stdout. */
export function waitscope(...options) {
  return execFileSync(binary, options, { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "pipe"] });
}

/** The page of a recording, with the modules as they are now. */
export function report(recording, page, ...options) {
  waitscope("report", recording, "-o", page, ...options);
  writeFileSync(page, refresh(readFileSync(page, "utf8")));
  return page;
}

/** With tracefs, which the raw tier needs, for this one program. */
const TRACED = ["-m", "sh", "-c", 'mount -t tracefs none /sys/kernel/tracing && exec "$@"', "sh"];

/** Records a run; it must work, whatever the command does. */
export function record(recording, options, ...command) {
  const quiet = [binary, "run", "--as-root", "--record", recording, "-o", `${recording}.txt`];
  const run = spawnSync("unshare", [...TRACED, ...quiet, ...options, "--", ...command], { encoding: "utf8", timeout: 120_000 });
  if (run.error || /^waitscope: /m.test(run.stderr)) throw new Error(`${command.join(" ")}: ${run.error ?? run.stderr}`);
  return recording;
}
