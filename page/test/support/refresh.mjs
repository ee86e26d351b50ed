// Puts the modules as they are now into pages that waitscope made with older ones, so that a
// change is seen without building waitscope: node test/support/refresh.mjs PAGE.html…
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const asset = new URL("../../../probe-user/src/view/page/asset/", import.meta.url);
const read = (name) => readFileSync(new URL(name, asset), "utf8").trimEnd();

/** The page with the present script and styles, and a policy that allows just these. */
export function refresh(html) {
  const script = read("page.js");
  const style = read("page.css");
  const hash = (text) => `sha256-${createHash("sha256").update(text).digest("base64")}`;
  const between = (text, from, to, inside) => {
    const start = text.indexOf(from) + from.length;
    return text.slice(0, start) + inside + text.slice(text.indexOf(to, start));
  };
  const lastScript = html.lastIndexOf("<script>");
  const end = html.lastIndexOf("</script>");
  let page = html.slice(0, lastScript + 8) + script + html.slice(end);
  page = between(page, "<style>", "</style>", style);
  page = between(page, "script-src '", "'", hash(script));
  return between(page, "style-src '", "'", hash(style));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  for (const path of process.argv.slice(2)) writeFileSync(path, refresh(readFileSync(path, "utf8")));
}
