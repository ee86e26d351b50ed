//! What expressions mean, and what is said of wrong ones.

use super::{read, with};
use crate::claim::{
    expression::{DEEPEST, LONGEST},
    interval::Interval,
    truth::Truth,
};

/// What it comes to where every metric is 8.
fn truth(expression: &str) -> Truth {
    let file = read(&with(expression)).unwrap_or_else(|errors| panic!("{expression}: {errors:?}"));
    let values = vec![Interval::point(8.0); file.metrics.len()];
    file.claims[0].holds.truth(&values)
}

#[test]
fn arithmetic_binds_as_usual() {
    for right in [
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "-2 * -3 == 6",
        "- 2 - -3 == 1",
        "8 / 2 / 2 == 2",
        "8 - 2 - 2 == 4",
        "1 < 2 and 2 < 3 or 1 > 2",
        "1 > 2 and 1 > 2 or 1 < 2",
        "not 1 > 2 and 1 < 2",
        "not (1 < 2 and 1 > 2)",
        "not not 1 < 2",
        "1 != 2",
        "pool.threads == 8",
        "pool . threads==8",
        "run:pool.threads == 8 and run:wall == 8ns",
        "1s == 1000ms and 1ms == 1000us and 1us == 1_000ns and 1min == 60s and 1us == 1µs",
        "0.1s == 100ms and 1.5e3us == 1500 us and 1e-3s == 1ms",
        "1KiB == 1024B and 1MiB == 1024KiB and 1GiB == 1024MiB and 0.5KiB == 512B",
        "50% == 500 % / 10 and 50% + 50% == 100%",
        "5/s * 2s == 10 and 10 / 2s == 5/s and 10 / 5/s == 2s",
        "tree.wait / tree.lifetime >= 100% and tree.wait / tree.lifetime >= 1",
        "pool.threads / tree.threads == 1 and 50% < pool.threads / tree.threads",
        "tree.wait / 2 == 4ns and 50% * tree.wait == 4ns and tree.wait == wall",
        "2 * tree.wait == 16ns and pool.threads * wall == 64ns",
        "pool.syscalls_seen(epoll_wait) == 8",
        "pool.wait(child-exit) - 1ns == 7ns",
        "9007199254740991 + 1 > 9007199254740990",
    ] {
        assert_eq!(truth(right), Truth::True, "{right}");
    }
    for wrong in ["1 > 2", "not 1 < 2", "1 < 2 and 1 > 2", "pool.threads < 8"] {
        assert_eq!(truth(wrong), Truth::False, "{wrong}");
    }
}

/// The message, the part of the expression that it is about, and the help.
fn error(expression: &str) -> (String, String, String) {
    let text = with(expression);
    let Err(errors) = read(&text) else {
        panic!("{expression} is taken");
    };
    assert_eq!(errors.len(), 1, "{expression}: {errors:?}");
    let error = &errors[0];
    let part = text[error.span.clone()].to_owned();
    (
        error.message.clone(),
        part,
        error.help.clone().unwrap_or_default(),
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn wrong_expressions_are_one_error_at_its_place() {
    for (expression, message, part, help) in [
        (
            "pool.share(epoll) > 5ms",
            "a share is compared with a time",
            "5ms",
            "write it as in `50%`",
        ),
        (
            "pool.share(epoll) >= 0.5",
            "compared with a plain number",
            "0.5",
            "write `50%`",
        ),
        (
            "60 < pool.share(epoll)",
            "a plain number is compared with a share",
            "60",
            "write `60%`",
        ),
        (
            "pool.wait > 0",
            "a time is compared with a plain number",
            "0",
            "write `0ms`",
        ),
        (
            "pool.wait > 5%",
            "a time is compared with a share",
            "5%",
            "as in `5ms`",
        ),
        (
            "wall > pool.threads",
            "a time is compared with a count",
            "pool.threads",
            "",
        ),
        (
            "pool.rss_peak > 5",
            "a size in bytes is compared",
            "5",
            "as in `5MiB`",
        ),
        (
            "pool.switches_per_s > 5",
            "a rate (times a second) is",
            "5",
            "write `5/s`",
        ),
        (
            "pool.wait + 5 > 1s",
            "a time is added to a plain number",
            "5",
            "as in `5ms`",
        ),
        (
            "wall - pool.share(epoll) > 1s",
            "a time is reduced by a share",
            "pool.share(epoll)",
            "",
        ),
        (
            "wall * wall > 1s",
            "no unit for a time * a time",
            "wall * wall",
            "",
        ),
        (
            "1 / pool.rss_peak > 1",
            "no unit for a plain number / a size",
            "1 / pool.rss_peak",
            "",
        ),
        (
            "pool.shar(epoll) > 5%",
            "there is no metric `shar`",
            "shar",
            "did you mean `share`?",
        ),
        (
            "pool.zzzzz > 5%",
            "there is no metric `zzzzz`",
            "zzzzz",
            "--list-metrics",
        ),
        (
            "pol.wait > 5s",
            "there is no selection `pol`",
            "pol",
            "did you mean `pool`?",
        ),
        (
            "zz.wait > 5s",
            "there is no selection `zz`",
            "zz",
            "`tree`, `root`, `children`, `pool`",
        ),
        (
            "pool.share(epol) > 5%",
            "does not know \"epol\"",
            "epol",
            "did you mean `epoll`?",
        ),
        ("pool.share > 5%", "share takes one word", "share", ""),
        (
            "pool.threads(x) > 5",
            "threads takes no argument",
            "threads",
            "",
        ),
        (
            "pool.wall > 5s",
            "`wall` is of the whole run",
            "pool",
            "write `wall` alone",
        ),
        (
            "wait > 5s",
            "`wait` is of a selection",
            "wait",
            "as in `tree.wait`",
        ),
        (
            "pool > 5s",
            "there is no metric `pool`",
            "pool",
            "as in `pool.lifetime`",
        ),
        ("x:wall > 5s", "there is no run `x`", "x", "x=FILE"),
        (
            "wall > 5m",
            "there is no unit `m`",
            "m",
            "did you mean `min`?",
        ),
        (
            "pool.rss_peak > 5 MB",
            "there is no unit `MB`",
            "MB",
            "did you mean `MiB`?",
        ),
        (
            "wall > 5 S",
            "there is no unit `S`",
            "S",
            "did you mean `s`?",
        ),
        (
            "wall > 5 parsecs",
            "there is no unit `parsecs`",
            "parsecs",
            "units are `ns`",
        ),
        ("1e999 > 1", "too large", "1e999", ""),
        ("1 < 2 < 3", "cannot be chained", "<", "`1 < 2 and 2 < …`"),
        (
            "1 < 2 && 2 < 3",
            "`&&` means nothing here",
            "&&",
            "write `and`",
        ),
        ("wall = 5s", "`=` means nothing here", "=", "write `==`"),
        ("wall ≥ 5s", "`≥` means nothing here", "≥", "write `>=`"),
        ("wall > 5s ; x", "`;` means nothing here", ";", ""),
        (
            "wall > \u{202e}",
            "`\\u{202e}` means nothing here",
            "\u{202e}",
            "",
        ),
        ("wall", "this is a number", "wall", "as in `wall > 5ms`"),
        (
            "wall and 1 < 2",
            "this is a number",
            "wall",
            "as in `wall > 5ms`",
        ),
        ("(1 < 2) > 3", "this is true or false", "(1 < 2)", ""),
        ("-(1 < 2) > 3", "this is true or false", "(1 < 2)", ""),
        ("", "the expression is empty", "", ""),
        ("wall >", "ends too early", "", ""),
        ("(wall > 5s", "ends too early", "", ""),
        ("wall > 5s)", "was never opened", ")", ""),
        ("wall > 5s wall", "`wall` is not expected here", "wall", ""),
        ("pool.share(epoll > 5%", "`>` is not expected here", ">", ""),
        ("pool.share() > 5%", "`)` is not expected here", ")", ""),
        ("pool. > 5", "`>` is not expected here", ">", ""),
        (
            "pool.share(\"x) > 5",
            "a quote is not closed",
            "\"x) > 5",
            "",
        ),
        ("a:b:c > 5", "`:` is not expected here", ":", ""),
    ] {
        let (found, place, helped) = error(expression);
        assert!(found.contains(message), "{expression}: {found}");
        assert_eq!(place, part, "{expression}");
        assert!(helped.contains(help), "{expression}: {helped}");
    }
}

#[test]
fn all_wrong_names_of_an_expression_are_found() {
    let text = with("pol.wait > 5s and pool.wait(xx) > 1s or pool.wait > 5");
    assert_eq!(read(&text).map(|_| ()).unwrap_err().len(), 3);
}

#[test]
fn what_is_too_long_or_too_deep_is_one_error() {
    let nested = |n: usize| format!("{}1{} < 2", "(".repeat(n), ")".repeat(n));
    assert_eq!(truth(&nested(DEEPEST)), Truth::True);
    let chain = |n: usize| format!("{}1 > 0", "1+".repeat(n));
    assert_eq!(truth(&chain(190)), Truth::True);
    let many = vec!["1 < 2"; 99].join(" and ");
    assert_eq!(truth(&many), Truth::True);
    for (wrong, message) in [
        (nested(DEEPEST + 1), "deep"),
        (nested(10_000), "too long"),
        ("(".repeat(200), "deep"),
        ("(".repeat(LONGEST), "4097 words and signs"),
        (format!("{}1 < 2", "not ".repeat(DEEPEST + 1)), "deep"),
        (format!("{}1 < 2", "- ".repeat(DEEPEST + 1)), "deep"),
        (chain(50_000), "too long: 100005 bytes"),
    ] {
        let (found, _, _) = error(&wrong);
        assert!(found.contains(message), "{found}");
    }
}
