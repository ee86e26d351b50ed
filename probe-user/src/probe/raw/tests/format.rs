//! Format files, whole and broken.

use proptest::prelude::*;

use crate::probe::raw::format::find;

const WAKING: &str = include_str!("../../../../../tests/data/formats/6.18/sched_waking");

#[test]
fn fields_are_found_by_name() {
    let place = |text, name| find(text, name).map(|field| (field.offset, field.size));
    assert_eq!(place(WAKING, "pid"), Some((24, 4)));
    assert_eq!(place(WAKING, "comm"), Some((8, 16)));
    assert_eq!(place(WAKING, "common_pid"), Some((4, 4)));
    assert_eq!(place(WAKING, "missing"), None);
    let kinds = "format:\n\
                 \tfield:__data_loc char[] filename;\toffset:8;\tsize:4;\tsigned:0;\n\
                 \tfield:void * lock_addr;\toffset:16;\tsize:8;\tsigned:0;\n";
    assert_eq!(place(kinds, "filename"), Some((8, 4)));
    assert_eq!(place(kinds, "lock_addr"), Some((16, 8)));
}

/// One line of a format, and whether the field `x` may be believed.
fn check(line: &str, believed: bool) {
    let text = format!("name: e\nID: 1\nformat:\n{line}\nprint fmt: \"\"\n");
    assert_eq!(find(&text, "x").is_some(), believed, "{line}");
}

#[test]
fn only_the_exact_form_is_believed() {
    check("\tfield:int x;\toffset:8;\tsize:4;\tsigned:1;", true);
    check("\tfield:int x[2];\toffset:8;\tsize:8;\tsigned:1;", true);
    for broken in [
        "",
        "\tfield:int x;",
        "\tfield:int x;\toffset:8;\tsize:4;",
        "\tfield:int x;\toffset:8;\tsize:4;\tsigned:2;",
        "\tfield:int x;\toffset:8;\tsize:4;\tsigned:1",
        "\tfield:int x;\toffset:8;\tsize:4;\tsigned:1;\tmore:1;",
        "field:int x;\toffset:8;\tsize:4;\tsigned:1;",
        "\tfield:int x;\toffset:-8;\tsize:4;\tsigned:1;",
        "\tfield:int x;\toffset:+8;\tsize:4;\tsigned:1;",
        "\tfield:int x;\toffset:;\tsize:4;\tsigned:1;",
        "\tfield:int x;\toffset:8 ;\tsize:4;\tsigned:1;",
        "\tfield:int x;\tsize:4;\toffset:8;\tsigned:1;",
        "\tfield:int x;\toffset:4294967295;\tsize:4;\tsigned:1;",
        "\tfield:int x;\toffset:99999999999;\tsize:4;\tsigned:1;",
        "\tfield:int x;\toffset:8190;\tsize:4;\tsigned:1;",
        "\tfield:x;\toffset:8;\tsize:4;\tsigned:1;",
        "\tfield:int x y;\toffset:8;\tsize:4;\tsigned:1;",
        "\tfield:int x!;\toffset:8;\tsize:4;\tsigned:1;",
    ] {
        check(broken, false);
    }
}

#[test]
fn one_broken_line_discredits_the_file() {
    let broken = WAKING.replace("\tfield:int prio;\toffset:28;", "\tfield:int prio;");
    assert_ne!(broken, WAKING);
    assert_eq!(find(&broken, "pid"), None);
    // Without the heading, the lines may be anything.
    assert_eq!(find(&WAKING.replace("format:", "formats:"), "pid"), None);
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*", name in ".*") {
        let _nothing = find(&text, &name);
    }

    /// A real file with a stretch of it replaced: what is still found lies
    /// inside an event.
    #[test]
    fn no_damage_panics(at in 0..WAKING.len(), len in 0..40_usize, with in "[ -~\t\n]{0,20}") {
        let end = (at + len).min(WAKING.len());
        let damaged = [&WAKING[..at], &with, &WAKING[end..]].concat();
        if let Some(field) = find(&damaged, "pid") {
            prop_assert!(field.offset + field.size <= 8192);
        }
    }
}
