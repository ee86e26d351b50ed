//! Claim files, right and wrong. What is wrong has a place.

use super::read;
use crate::claim::{
    diagnostic::Diagnostic,
    file::{self, Given, LARGEST},
    selection::{Process, Threads},
};

const WHOLE: &str = r#"
schema = "waitscope.claims/1"

[who.pool]
process = "root"
threads = "others"
name    = "Thread*"

[run.threads]
command = ["gitsync", "--mode", "threads"]
[run.asyncio]
command = ["gitsync", "--mode", "asyncio"]
fds = true

[[claim]]
id      = "A1"
says    = "threads that run a subprocess park in epoll"
source  = "a review"
seen    = "threads:pool.wait > 0s"
holds   = "threads:pool.share(epoll) >= 50%"
refuted = "threads:pool.share(epoll) < 5%"
show    = ["threads:pool.share(child-exit)", "asyncio:wall / threads:wall"]

[[claim]]
id = "A2"
says = "one is faster"
holds = "asyncio:wall < threads:wall"
"#;

#[test]
fn a_whole_file_is_read() {
    let file = file::read(WHOLE, Given::None)
        .map_err(|e| format!("{e:?}"))
        .unwrap();
    assert_eq!(file.names.runs, ["threads", "asyncio"]);
    assert_eq!(file.names.selections, ["tree", "root", "children", "pool"]);
    assert_eq!(file.selections[3].process, Process::Root);
    assert_eq!(file.selections[3].threads, Threads::Others);
    assert_eq!(file.selections[3].name.as_deref(), Some("Thread*"));
    assert_eq!(file.runs[0].command, ["gitsync", "--mode", "threads"]);
    assert!(!file.runs[0].fds && file.runs[1].fds);
    let ids: Vec<&str> = file.claims.iter().map(|claim| claim.id.as_str()).collect();
    assert_eq!(ids, ["A1", "A2"]);
    assert_eq!(file.claims[0].source.as_deref(), Some("a review"));
    assert_eq!(file.claims[0].show.len(), 2);
    let metrics: Vec<&str> = file.metrics.iter().map(|used| used.text.as_str()).collect();
    assert_eq!(metrics.len(), 5, "each is measured once: {metrics:?}");
}

#[test]
fn runs_are_those_that_are_declared_or_given() {
    let given = ["more", "asyncio"].map(str::to_owned);
    for (given, expect) in [
        (Given::Named(&given), &["threads", "asyncio", "more"][..]),
        (Given::One, &["threads", "asyncio", "run"]),
        (Given::None, &["threads", "asyncio"]),
    ] {
        let file = file::read(WHOLE, given).unwrap();
        assert_eq!(file.names.runs, expect);
    }
    let undeclared = WHOLE.replace("[run.asyncio]", "[run.other]");
    let errors = file::read(&undeclared, Given::None)
        .map(|_| ())
        .unwrap_err();
    assert_eq!(errors.len(), 1, "each once: {errors:?}");
    assert!(errors[0].message.contains("no run `asyncio`"), "{errors:?}");
    let one = super::with("wall > 0s");
    assert!(file::read(&one, Given::One).is_ok());
    let errors = file::read(&one, Given::None).map(|_| ()).unwrap_err();
    assert!(
        errors[0].message.contains("no run to be checked on"),
        "{errors:?}"
    );
    let own = one.replace("[who", "[run.mine]\ncommand = [\"true\"]\n[who");
    for given in [Given::One, Given::None] {
        let file = file::read(&own, given)
            .map_err(|e| format!("{e:?}"))
            .unwrap();
        assert_eq!(file.names.runs, ["mine"], "the only one is meant");
    }
}

/// The messages, each with the part of the file that it is about.
fn errors(text: &str) -> Vec<(String, String)> {
    let Err(errors) = read(text) else {
        panic!("taken: {text}");
    };
    let part = |error: &Diagnostic| text.get(error.span.clone()).unwrap_or("?").to_owned();
    errors
        .iter()
        .map(|error| (error.message.clone(), part(error)))
        .collect()
}

const HEAD: &str = "schema = \"waitscope.claims/1\"\n";

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn wrong_files_are_an_error_at_its_place() {
    let claim = "[[claim]]\nid = \"A\"\nsays = \"so\"\nholds = \"wall > 0s\"\n";
    let cases: [(&str, String, &str, &str); 27] = [
        ("empty", String::new(), "this file is empty", ""),
        ("blank", "\r\n \n".to_owned(), "this file is empty", ""),
        ("no TOML", "what is this".to_owned(), "this is not TOML", ""),
        ("no schema", claim.to_owned(), "names its schema", ""),
        ("no claim", HEAD.to_owned(), "there is no claim", ""),
        (
            "schema",
            "schema = \"waitscope.claims/2\"".into(),
            "does not know the schema waitscope.claims/2",
            "\"waitscope.claims/2\"",
        ),
        (
            "schema kind",
            format!("schema = 1\n{claim}"),
            "`schema` is a number, and a text",
            "1",
        ),
        (
            "key",
            format!("{HEAD}clam = 1\n{claim}"),
            "a claim file has no `clam`",
            "clam",
        ),
        (
            "claim key",
            format!("{HEAD}{claim}hold = 1\n"),
            "a claim has no `hold`",
            "hold",
        ),
        (
            "twice",
            format!("{HEAD}{claim}id = \"B\"\n"),
            "this is not TOML: duplicate key",
            "id",
        ),
        (
            "same id",
            format!("{HEAD}{claim}{claim}"),
            "a claim \"A\" already",
            "\"A\"",
        ),
        (
            "bad id",
            format!("{HEAD}{}", claim.replace("\"A\"", "\"a b\"")),
            "this is no id",
            "\"a b\"",
        ),
        (
            "missing",
            format!("{HEAD}[[claim]]\nid = \"A\"\nsays = \"so\"\n"),
            "a claim needs `holds`",
            "[[claim]]",
        ),
        (
            "no text",
            format!("{HEAD}{}", claim.replace("\"so\"", "[]")),
            "`says` is a list",
            "[]",
        ),
        (
            "one claim",
            format!("{HEAD}[claim]\nid = \"A\"\n"),
            "`claim` is a table",
            "[claim]",
        ),
        (
            "show",
            format!("{HEAD}{claim}show = \"wall\"\n"),
            "`show` is a text",
            "\"wall\"",
        ),
        (
            "show truth",
            format!("{HEAD}{claim}show = [\"wall > 1s\"]\n"),
            "true or false",
            "wall > 1s",
        ),
        (
            "seen",
            format!("{HEAD}{claim}seen = \"wall\"\n"),
            "this is a number",
            "wall",
        ),
        (
            "who",
            format!("{HEAD}[who.a-b]\n{claim}"),
            "no expression can name this",
            "a-b",
        ),
        (
            "who again",
            format!("{HEAD}[who.tree]\n{claim}"),
            "every file has `tree`",
            "tree",
        ),
        (
            "who key",
            format!("{HEAD}[who.p]\nproces = \"root\"\n{claim}"),
            "has no `proces`",
            "proces",
        ),
        (
            "who threads",
            format!("{HEAD}[who.p]\nthreads = \"leaders\"\n{claim}"),
            "is not \"leaders\"",
            "\"leaders\"",
        ),
        (
            "who kind",
            format!("{HEAD}who = 3\n{claim}"),
            "`who` is a number",
            "3",
        ),
        (
            "no script",
            format!("{HEAD}[run.x]\ncommand = [\"sh\", \"{{script}}\"]\n{claim}"),
            "this file has no script",
            "\"{script}\"",
        ),
        (
            "run empty",
            format!("{HEAD}[run.x]\ncommand = []\n{claim}"),
            "this command is empty",
            "x",
        ),
        (
            "run kind",
            format!("{HEAD}[run.x]\nfds = 1\n{claim}"),
            "`fds` is a number",
            "1",
        ),
        (
            "escape",
            format!("{HEAD}{}", claim.replace("wall", "w\\u0061l")),
            "no metric `wal`",
            "\"w\\u0061l > 0s\"",
        ),
    ];
    for (name, text, message, part) in cases {
        let found = errors(&text);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].0.contains(message), "{name}: {found:?}");
        assert!(part.is_empty() || found[0].1 == part, "{name}: {found:?}");
    }
}

#[test]
fn all_errors_of_a_file_are_found_in_their_order() {
    let text = WHOLE.replace("epoll", "epol").replace("says ", "say ");
    let found = file::read(&text, Given::None).map(|_| ()).unwrap_err();
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(found.is_sorted_by_key(|error| error.span.start));
}

#[test]
fn line_ends_of_windows_and_a_mark_change_nothing() {
    let text = format!("\u{feff}{}", WHOLE.replace('\n', "\r\n"));
    let text = file::text(text.as_bytes()).unwrap();
    assert!(file::read(text, Given::None).is_ok());
    let wrong = text.replace("share(epoll) >=", "share(epol) >=");
    let found = file::read(&wrong, Given::None).map(|_| ()).unwrap_err();
    assert_eq!(&wrong[found[0].span.clone()], "epol");
}

#[test]
fn places_are_exact_in_every_kind_of_string() {
    for (begin, end, exact) in [
        ("\"", "\"", true),
        ("'", "'", true),
        ("\"\"\"", "\"\"\"", true),
        ("'''\n", "'''", true),
        ("'''\r\n", "'''", true),
        ("\"\"\"\\\n  ", "\"\"\"", false),
    ] {
        let head = format!("{HEAD}[[claim]]\nid = \"A\"\nsays = \"é\"\nholds = ");
        let text = format!("{head}{begin}wall > 5m{end}\n");
        let found = errors(&text);
        let whole = &text[head.len()..text.len() - 1];
        assert_eq!(found[0].1, if exact { "m" } else { whole });
    }
}

#[test]
fn bytes_that_are_no_text_have_a_place() {
    let error = file::text(b"schema = \"\xff\xfe\"").unwrap_err();
    assert_eq!(error.1.message, "this is not UTF-8");
    assert_eq!(error.1.span.start, 10);
    let error = file::text(&vec![b' '; LARGEST + 1]).unwrap_err();
    assert!(error.1.message.contains("larger"));
}

#[test]
fn a_thousand_claims_are_read_at_once() {
    let claims = (0..1_000).map(|n| {
        format!("[[claim]]\nid = \"C{n}\"\nsays = \"so\"\nholds = \"tree.wait > {n}ns\"\n")
    });
    let text = format!("{HEAD}{}", claims.collect::<String>());
    let file = read(&text).map_err(|e| format!("{e:?}")).unwrap();
    assert_eq!((file.claims.len(), file.metrics.len()), (1_000, 1));
}
