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
    "'; DROP TABLE threads; --",
    "@team #7 ![z](w) &lt; *d* __z__",
    "one\ntwo\r\n| three",
    // What is left of bytes that are no UTF-8.
    "\u{fffd}\u{fffd}",
    "e\u{301}\u{301}\u{301}\u{301}",
    "",
];

/// Characters that do most to a terminal, or take no, two or another number of columns.
const ODD: &[char] = &[
    '\x1b',
    '[',
    ']',
    '0',
    'm',
    '\n',
    '\r',
    '\t',
    '\0',
    '\x07',
    '\x7f',
    '\u{9b}',
    '\u{85}',
    '\u{1f}',
    '\u{202e}',
    '\u{2066}',
    '\u{200b}',
    '\u{200d}',
    '\u{301}',
    '\u{2028}',
    ' ',
    '\u{3000}',
    '日',
    '👩',
    '\u{1f3fd}',
    '\u{fe0f}',
    'ل',
    'ا',
    'x',
    '<',
    '\\',
    '|',
    '`',
    ';',
];

/// One of these, one of 4 KiB, odd characters, or any text.
pub(crate) fn hostile_text() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(HOSTILE);
    let long = known.clone().prop_map(|text| {
        let times = 4096 / text.len().max(1);
        text.repeat(times)
    });
    let odd = prop::collection::vec(proptest::sample::select(ODD), 0..200);
    prop_oneof![
        6 => known.prop_map(str::to_owned),
        1 => long,
        2 => odd.prop_map(String::from_iter),
        2 => any::<String>(),
    ]
}

/// Some of them.
pub(crate) fn hostile_texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(hostile_text(), 1..20)
}
