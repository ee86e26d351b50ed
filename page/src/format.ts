/** Numbers and foreign text as waitscope's tables write them. Time is ns and memory bytes everywhere else. */

const US = 1e3;
const MS = 1e6;
const S = 1e9;
/** From here on (ten minutes, after rounding) minutes say more than seconds. */
const MINUTES_FROM = 600 * S - S / 200;

/** `78 ns`, `456 µs`, `12.3 ms`, `1.23 s`, `12 m 03 s`, `3 h 20 m`. */
export function time(ns: number): string {
  // The bounds lie where rounding would print 1000 of the smaller unit.
  if (ns < US) return `${Math.round(ns)} ns`;
  if (ns < 999_500) return `${threeDigits(ns, US)} µs`;
  if (ns < 999_500_000) return `${threeDigits(ns, MS)} ms`;
  if (ns < MINUTES_FROM) return `${seconds(ns)} s`;
  return longTime(ns);
}

/** `ns` in `unit` with three significant digits: 1.23, 12.3, 123. */
function threeDigits(ns: number, unit: number): string {
  const thousandths = Math.floor((ns * 1000) / unit);
  // 9.995 units print as 10.0, 99.95 as 100.
  const decimals = thousandths < 9_995 ? 2 : thousandths < 99_950 ? 1 : 0;
  return fixed(Math.floor((ns * 10 ** decimals + unit / 2) / unit), decimals);
}

function longTime(ns: number): string {
  const s = Math.floor(ns / S + 0.5);
  if (s < 3600) return `${Math.floor(s / 60)} m ${pad(s % 60, 2)} s`;
  const minutes = Math.floor((s + 30) / 60);
  return `${count(Math.floor(minutes / 60))} h ${pad(minutes % 60, 2)} m`;
}

/** An integer of so many decimals as a number with them. */
function fixed(scaled: number, decimals: number): string {
  const scale = 10 ** decimals;
  const whole = count(Math.floor(scaled / scale));
  return decimals === 0 ? whole : `${whole}.${pad(scaled % scale, decimals)}`;
}

function pad(n: number, digits: number): string {
  return String(n).padStart(digits, "0");
}

/** The unit of all times of one block, so that they compare: that of its whole, of which four digits are shown. */
export interface Unit {
  name: string;
  ns: number;
  decimals: number;
}

/** For times that are parts of `wholeNs`. */
export function unitOf(wholeNs: number): Unit {
  if (wholeNs < US) return { name: "ns", ns: 1, decimals: 0 };
  const [name, ns] = wholeNs < 999_950 ? ["µs", US] : wholeNs < 999_950_000 ? ["ms", MS] : ["s", S];
  const thousandths = Math.floor(wholeNs / (ns / 1000));
  if (thousandths < 10_000) return { name, ns, decimals: 3 };
  return { name, ns, decimals: thousandths < 100_000 || ns === S ? 2 : 1 };
}

/** `0.284 s`; `<0.001 s` for what is there but rounds to nothing. */
export function timeIn(unit: Unit, ns: number): string {
  return `${numberIn(unit, ns)} ${unit.name}`;
}

/** `timeIn` without the unit. */
export function numberIn(unit: Unit, ns: number): string {
  const step = unit.ns / 10 ** unit.decimals;
  const scaled = Math.floor(ns / step + 0.5);
  return scaled === 0 && ns > 0 ? `<${fixed(1, unit.decimals)}` : fixed(scaled, unit.decimals);
}

/** An instant, so that instants of one run compare: `1,204.331 ms`. */
export function instant(ns: number): string {
  const us = Math.floor(ns / US);
  return `${count(Math.floor(us / 1000))}.${pad(us % 1000, 3)} ms`;
}

/** All digits: `1,204,331,078 ns`. */
export function exact(ns: number): string {
  return `${count(Math.round(ns))} ns`;
}

/** Seconds with two decimals and no unit: `134.71`, `12,345.60`. */
export function seconds(ns: number): string {
  return fixed(Math.floor(ns / (S / 100) + 0.5), 2);
}

/** With thousands separators: `1,204,331`. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A count and its noun: `1 thread`, `96 processes`. */
export function counted(n: number, one: string, many: string): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** `512 B`, `4.0 KiB`, `34.2 MiB`, `1.5 GiB`. */
export function bytes(n: number): string {
  const units: [string, number][] = [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]];
  for (const [unit, size] of units) {
    const tenths = Math.floor((n * 10) / size + 0.5);
    if (tenths >= 10) return `${fixed(tenths, 1)} ${unit}`;
  }
  return `${n} B`;
}

/** `95.7 %`; `<0.1 %` for what is there but rounds to nothing; nothing when there is no whole to have a share of. */
export function share(part: number, whole: number): string {
  if (whole <= 0) return "";
  const tenths = Math.floor((part * 1000) / whole + 0.5);
  return tenths === 0 && part > 0 ? "<0.1 %" : `${fixed(tenths, 1)} %`;
}

/** `88 %`, for a sentence; tenths only where a whole number would say none or all. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return "";
  const rounded = Math.floor((part * 100) / whole + 0.5);
  if (rounded === 0 || rounded === 100) return share(part, whole).replace(".0 ", " ");
  return `${count(rounded)} %`;
}

/** `1.8`, `1,204.0`: how many on average. */
export function mean(n: number): string {
  return fixed(Math.floor(n * 10 + 0.5), 1);
}

/** A state or cause as people say it: `run queue`, `not finished`. */
export function word(name: string): string {
  const words: Record<string, string> = {
    "on-cpu": "on cpu",
    runqueue: "run queue",
    "run-queue": "run queue",
    "cpu-quota": "CPU quota",
    open: "not finished",
  };
  return Object.hasOwn(words, name) ? words[name] : name;
}

/** Marks on one base character beyond which they climb into other lines. */
const MARKS = 2;
const MARK = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff\ud7b0-\ud7fb]/u;
const HOSTILE = new RegExp(
  "[\\p{Cc}\\p{Cs}\\u{ad}\\u{34f}\\u{61c}\\u{115f}\\u{1160}\\u{17b4}\\u{17b5}\\u{180b}-\\u{180f}" +
    "\\u{200b}-\\u{200f}\\u{2028}-\\u{202e}\\u{2060}-\\u{206f}\\u{3164}\\u{fe00}-\\u{fe0f}" +
    "\\u{feff}\\u{ffa0}\\u{fff0}-\\u{fffb}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]",
  "u",
);

/** Text of other processes without what moves, reorders or hides: that becomes a visible escape. Idempotent. */
export function clean(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  let out = "";
  // A mark without a base would sit on our own text: none is granted.
  let marks = MARKS;
  for (const c of text) {
    const mark = MARK.test(c);
    marks = mark ? marks + 1 : 0;
    if (HOSTILE.test(c) || (mark && marks > MARKS)) {
      out += escape(c);
      marks = 0;
    } else out += c;
  }
  return out;
}

function escape(c: string): string {
  const named: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const code = c.codePointAt(0)!;
  return named[c] ?? (code < 0x100 ? `\\x${pad16(code)}` : `\\u{${code.toString(16)}}`);
}

function pad16(code: number): string {
  return code.toString(16).padStart(2, "0");
}

/** Clean text cut in its middle to so many characters: of a name both ends matter. */
export function fitMiddle(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const all = [...text];
  if (all.length <= characters) return text;
  const head = Math.ceil((characters - 1) / 2);
  const tail = all.slice(all.length - (characters - 1 - head));
  // A mark belongs to the character before it.
  while (tail.length > 0 && MARK.test(tail[0])) tail.shift();
  return `${all.slice(0, head).join("")}…${tail.join("")}`;
}
