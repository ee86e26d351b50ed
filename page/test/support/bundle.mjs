/** The page's script and styles as they are now. */
import { build } from "esbuild";

const common = { bundle: true, minify: true, charset: "utf8", write: false, logLevel: "warning", target: "chrome110" };
const root = new URL("../../", import.meta.url).pathname;

export async function bundle() {
  const text = async (options) => (await build({ ...common, absWorkingDir: root, ...options })).outputFiles[0].text.trimEnd();
  return {
    script: await text({ entryPoints: ["src/main.ts"], format: "iife" }),
    style: await text({ entryPoints: ["src/style/page.css"] }),
  };
}
