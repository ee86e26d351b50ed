/** A module of the page for tests in Node: bundled in memory, so that Node needs to know nothing of TypeScript. */
import { build } from "esbuild";

/** What `path`, from the page's directory, exports. */
export async function load(path) {
  const entry = new URL(`../../${path}`, import.meta.url).pathname;
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  const code = Buffer.from(outputFiles[0].contents).toString("base64");
  return import(`data:text/javascript;base64,${code}`);
}
