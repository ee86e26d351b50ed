/** Numbers and foreign text: the tables of probe-user/src/view/units.rs and sanitize.rs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./support/load.mjs";

const format = await load("src/format.ts");

test("time keeps three digits and never prints 1000 of a unit", () => {
  const cases = [
    [0, "0 ns"],
    [78, "78 ns"],
    [999, "999 ns"],
    [1_000, "1.00 µs"],
    [9_994, "9.99 µs"],
    [9_995, "10.0 µs"],
    [99_949, "99.9 µs"],
    [99_950, "100 µs"],
    [456_000, "456 µs"],
    [999_499, "999 µs"],
    [999_500, "1.00 ms"],
    [12_345_678, "12.3 ms"],
    [999_499_999, "999 ms"],
    [999_500_000, "1.00 s"],
    [1_234_999_999, "1.23 s"],
    [1_235_000_000, "1.24 s"],
    [134_710_000_000, "134.71 s"],
    [599_994_999_999, "599.99 s"],
    [599_995_000_000, "10 m 00 s"],
    [723_000_000_000, "12 m 03 s"],
    [3_599_499_999_999, "59 m 59 s"],
    [3_599_500_000_000, "1 h 00 m"],
    [12_000_000_000_000, "3 h 20 m"],
  ];
  for (const [ns, expect] of cases) assert.equal(format.time(ns), expect, String(ns));
});

test("all times of a block are in the unit of its whole", () => {
  const cases = [
    [0, 0, "0 ns"],
    [999, 78, "78 ns"],
    [9_414, 9_414, "9.414 µs"],
    [999_949, 999_949, "999.9 µs"],
    [999_950, 999_950, "1.000 ms"],
    [12_345_678, 12_345_678, "12.35 ms"],
    [538_000_000, 9_410_000, "9.4 ms"],
    [538_000_000, 49_999, "<0.1 ms"],
    [538_000_000, 50_000, "0.1 ms"],
    [1_904_000_000, 1_904_000_000, "1.904 s"],
    [1_904_000_000, 284_123_456, "0.284 s"],
    [1_904_000_000, 499_999, "<0.001 s"],
    [1_904_000_000, 0, "0.000 s"],
    [134_710_000_000, 128_905_000_000, "128.91 s"],
    [12_000_000_000_000, 12_000_000_000_000, "12,000.00 s"],
  ];
  for (const [whole, ns, expect] of cases) {
    assert.equal(format.timeIn(format.unitOf(whole), ns), expect, `${ns} of ${whole}`);
  }
});

test("shares, percents, instants, counts, bytes and means", () => {
  const cases = [
    [format.percent(957, 1000), "96 %"],
    [format.percent(4, 1000), "0.4 %"],
    [format.percent(997, 1000), "99.7 %"],
    [format.percent(1000, 1000), "100 %"],
    [format.percent(0, 1000), "0 %"],
    [format.percent(1, 1_000_000), "<0.1 %"],
    [format.percent(1, 0), ""],
    [format.share(957, 1000), "95.7 %"],
    [format.share(9_996, 10_000), "100.0 %"],
    [format.share(1, 1_000_000), "<0.1 %"],
    [format.share(5, 10_000), "0.1 %"],
    [format.share(0, 1000), "0.0 %"],
    [format.share(3, 2), "150.0 %"],
    [format.share(1, 0), ""],
    [format.instant(0), "0.000 ms"],
    [format.instant(1_999), "0.001 ms"],
    [format.instant(1_204_331_000), "1,204.331 ms"],
    [format.seconds(4_999_999), "0.00"],
    [format.seconds(5_000_000), "0.01"],
    [format.seconds(134_709_999_999), "134.71"],
    [format.seconds(12_345_600_000_000), "12,345.60"],
    [format.count(0), "0"],
    [format.count(999), "999"],
    [format.count(1_000), "1,000"],
    [format.count(1_204_331), "1,204,331"],
    [format.counted(1, "process", "processes"), "1 process"],
    [format.counted(1_000, "thread", "threads"), "1,000 threads"],
    [format.bytes(512), "512 B"],
    [format.bytes(1024), "1.0 KiB"],
    [format.bytes(35_861_299), "34.2 MiB"],
    [format.bytes(2 ** 30), "1.0 GiB"],
    [format.mean(1.849), "1.8"],
    [format.mean(1204), "1,204.0"],
    [format.exact(1_204_331_078), "1,204,331,078 ns"],
    [format.word("run-queue"), "run queue"],
    [format.word("constructor"), "constructor"],
  ];
  for (const [got, expect] of cases) assert.equal(got, expect);
});

test("what a reader could be misled by becomes visible", () => {
  const cases = [
    ["git index-pack", "git index-pack"],
    ["kworker/0:1-\\x", "kworker/0:1-\\x"],
    ["a\u{1b}[31mred", "a\\x1b[31mred"],
    ["\u{1b}]0;title\u{7}", "\\x1b]0;title\\x07"],
    ["one\ntwo\r\tthree\0", "one\\ntwo\\r\\tthree\\x00"],
    ["del\u{7f} csi\u{9b}1m nel\u{85}", "del\\x7f csi\\x9b1m nel\\x85"],
    ["\u{202e}gpj.exe", "\\u{202e}gpj.exe"],
    ["\u{2066}a\u{2069}\u{61c}\u{200f}", "\\u{2066}a\\u{2069}\\u{61c}\\u{200f}"],
    ["a\u{200b}b\u{feff}\u{2028}\u{ad}", "a\\u{200b}b\\u{feff}\\u{2028}\\xad"],
    ["tag\u{e0041}", "tag\\u{e0041}"],
    ["lossy \u{fffd}", "lossy \u{fffd}"],
    ["日本 ünïcödé", "日本 ünïcödé"],
    ["e\u{301}\u{323} ok", "e\u{301}\u{323} ok"],
    ["e\u{301}\u{301}\u{301}", "e\u{301}\u{301}\\u{301}"],
    ["\u{301}first", "\\u{301}first"],
    ["\u{1b}\u{301}", "\\x1b\u{301}"],
  ];
  for (const [input, expect] of cases) {
    assert.equal(format.clean(input), expect);
    assert.equal(format.clean(expect), expect, "idempotent");
  }
});

test("a name that is too long keeps both ends", () => {
  assert.equal(format.fitMiddle("do_wait", 7), "do_wait");
  assert.equal(format.fitMiddle("do_wait", 6), "do_…it");
  assert.equal(format.fitMiddle("x".repeat(4096), 40).length, 40);
});

test("a user frame is called as view/frames.rs calls it", async () => {
  const { frameName } = await load("src/ui/names.ts");
  const call = (module, build_id, inFunction) =>
    frameName({ user_frames: [{ module, build_id, offset: 0x1234, function: inFunction }] }, 0);
  const [libc, id] = ["/usr/lib/libc.so.6", "0123456789abcdef"];
  const cases = [
    [libc, id, "read", "read"],
    [libc, id, null, "[libc.so.6+0x1234]"],
    ["/", id, null, "[/+0x1234]"],
    [libc, null, null, "[libc.so.6 at 0x1234]"],
    [null, id, null, "[build id 01234567+0x1234]"],
    [null, null, null, "[0x1234]"],
    ["a\u001b[31m", id, null, "[a\\x1b[31m+0x1234]"],
    [null, id, "a\u001b[31m", "a\\x1b[31m"],
  ];
  for (const [module, build_id, inFunction, expect] of cases) assert.equal(call(module, build_id, inFunction), expect);
  assert.equal(frameName({}, 0), "[unknown]");
});
