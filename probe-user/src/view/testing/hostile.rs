//! Text as other processes may choose it, one corpus for every view: what ends a script or a
//! tag, moves a cursor, reorders, ends a row, a frame or a cell, is no UTF-8, or is long.

use proptest::prelude::*;

/// What goes wrong where text is not escaped.
pub(crate) const HOSTILE: &[&str] = &[
    "</script><img src=x onerror=y>",
    "\u{1b}[2J\u{1b}]0;title\u{7}",
    "\u{202e}txt.exe\u{2066}",
    "a;b c 12",
    "a\r\nb\tc\0d",
    "`|`*_[x](javascript:y)|",
    "\"',=`\\x1b$(reboot)",
    "../../../etc/passwd",
    "=cmd|' /C calc'!A0",
    // What is left of bytes that are no UTF-8.
    "\u{fffd}\u{fffd}",
    "e\u{301}\u{301}\u{301}\u{301}",
    "",
];

/// Some of them, one 4 KiB long, and any other.
pub(crate) fn hostile_texts() -> impl Strategy<Value = Vec<String>> {
    let known = proptest::sample::select(HOSTILE).prop_map(str::to_owned);
    let long = proptest::sample::select(HOSTILE).prop_map(|text| {
        let times = 4096 / text.len().max(1);
        text.repeat(times)
    });
    prop::collection::vec(prop_oneof![6 => known, 1 => long, 3 => "\\PC*"], 1..20)
}
