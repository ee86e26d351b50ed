// Bundles the page's modules and styles into the two files that waitscope carries.
// `cargo xtask page` calls this; the result is committed, so building waitscope needs no Node.
import { readFileSync } from "node:fs";
import { build } from "esbuild";

const asset = new URL("../probe-user/src/view/page/asset", import.meta.url).pathname;
const out = process.argv[2] ?? asset;
const common = {
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "inline",
  target: ["chrome110", "firefox115", "safari16.4"],
  logLevel: "warning",
};
// What the page is made with has a licence that goes with every copy.
const licence = readFileSync(new URL("node_modules/uplot/LICENSE", import.meta.url), "utf8").trim();
const banner = { js: `/* With uPlot:\n${licence}\n*/` };
await build({ ...common, banner, entryPoints: ["src/main.ts"], outfile: `${out}/page.js`, format: "iife" });
await build({ ...common, entryPoints: ["src/style/page.css"], outfile: `${out}/page.css` });
