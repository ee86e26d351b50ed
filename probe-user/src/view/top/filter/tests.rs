//! Filters and the tasks that pass; what is wrong with those that are none, and where.

use proptest::prelude::*;

use super::Filter;
use crate::document::top::{Because, LastWaker, Task, TaskState};
use crate::vocabulary::{CauseKind, WaitKind, WakeSource};

fn text<T: for<'a> From<&'a str>>(text: &str) -> Option<T> {
    Some(text.into())
}

/// git and nginx wait; cc1plus runs.
fn tasks() -> [Task; 3] {
    let git = Task {
        pid: 4242,
        tid: 4243,
        user: text("www-data"),
        container: text("web-1"),
        comm: "git".to_owned(),
        command: "git pull --rebase".into(),
        state: TaskState::Blocked,
        kind: Some(WaitKind::ChildExit),
        object: text("pipe:[4711]"),
        function: text("do_wait"),
        age_ns: 5_000_000_000,
        idle: Some(false),
        last_waker: Some(LastWaker {
            source: WakeSource::Task,
            comm: text("sh"),
            ..LastWaker::default()
        }),
        because: Some(Because {
            cause: CauseKind::Network,
            detail: text("10.0.0.5:443"),
            hops: 1,
        }),
        ..Task::default()
    };
    let nginx = Task {
        pid: 80,
        tid: 80,
        user: text("root"),
        comm: "nginx".to_owned(),
        command: "nginx: Größe".into(),
        state: TaskState::Blocked,
        kind: Some(WaitKind::SocketRecv),
        age_ns: 20_000_000,
        idle: Some(true),
        ..Task::default()
    };
    let cc1plus = Task {
        pid: 9,
        tid: 9,
        comm: "cc1plus".to_owned(),
        state: TaskState::Running,
        ..Task::default()
    };
    [git, nginx, cc1plus]
}

fn check(filter: &str, expect: &[&str]) {
    let parsed = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
    let tasks = tasks();
    let passing: Vec<&str> = tasks
        .iter()
        .filter(|task| parsed.matches(task))
        .map(|task| task.comm.as_str())
        .collect();
    assert_eq!(passing, expect, "{filter}");
}

const GIT: &[&str] = &["git"];
const NGINX: &[&str] = &["nginx"];
const CC1PLUS: &[&str] = &["cc1plus"];
const ALL: &[&str] = &["git", "nginx", "cc1plus"];
const NONE: &[&str] = &[];

#[test]
fn top_filter_words_are_looked_for_in_every_text() {
    let cases = [
        ("", ALL),
        ("  ", ALL),
        ("GIT", GIT),
        ("rebase", GIT),
        ("pipe:[4711]", GIT),
        ("DO_wait", GIT),
        ("10.0.0.5:443", GIT),
        ("network", GIT),
        ("www-data", GIT),
        ("web", GIT),
        ("größe", NGINX),
        ("socket-recv", NGINX),
        ("http://x", NONE),
        ("\"pull --reb\"", GIT),
        ("\"kind:futex\"", NONE),
        ("\"idle\"", NONE),
        ("1plus", CC1PLUS),
    ];
    for (filter, expect) in cases {
        check(filter, expect);
    }
}

#[test]
fn top_filter_each_field_is_compared_as_what_it_is() {
    let cases = [
        ("pid:80", NGINX),
        ("pid=80", NGINX),
        ("tid!=9", &["git", "nginx"]),
        ("pid<10", CC1PLUS),
        ("pid >= 80", &["git", "nginx"]),
        ("user=www-data", GIT),
        ("user=WWW-DATA", GIT),
        ("user!=root", &["git", "cc1plus"]),
        ("user:data", GIT),
        ("user~www-*", GIT),
        ("user~ww", NONE),
        ("container:web", GIT),
        ("comm=ngin", NONE),
        ("command:\"pull --\"", GIT),
        ("state:run", CC1PLUS),
        ("state=blocked", &["git", "nginx"]),
        ("kind:socket", NGINX),
        ("kind=child-exit", GIT),
        ("kind!=child-exit", &["nginx", "cc1plus"]),
        ("kind~*-recv", NGINX),
        ("object:4711", GIT),
        ("function:wait", GIT),
        ("cause:network", GIT),
        ("cause:443", GIT),
        ("waker=sh", GIT),
        ("waker:task", GIT),
        ("age>=5s", GIT),
        ("age>5s", NONE),
        ("age:5s", GIT),
        ("age<1.5s and age>0", NGINX),
        ("age=20ms", NGINX),
        ("age>20000us", GIT),
        ("age>1d", NONE),
        ("idle", NGINX),
        ("idle:no", GIT),
        ("idle!=no", &["nginx", "cc1plus"]),
        ("idle:unknown", CC1PLUS),
    ];
    for (filter, expect) in cases {
        check(filter, expect);
    }
}

#[test]
fn top_filter_and_binds_more_than_or_and_not_more_than_and() {
    let cases = [
        ("git or nginx", &["git", "nginx"][..]),
        ("git nginx", NONE),
        ("git and nginx", NONE),
        ("git AND 4711 Or nginx", &["git", "nginx"]),
        ("not git", &["nginx", "cc1plus"]),
        ("not not git", GIT),
        ("not git nginx", NGINX),
        ("not (git or nginx)", CC1PLUS),
        ("(git or nginx) age<1s", NGINX),
        ("((git))", GIT),
        ("kind:child age>1s user=www-data and not idle", GIT),
        ("nottingham", NONE),
        ("order", NONE),
    ];
    for (filter, expect) in cases {
        check(filter, expect);
    }
}

#[test]
fn top_filter_errors_name_the_place_and_what_is_wanted() {
    let cases = [
        ("(git", "(", "there is no ) for this"),
        ("git)", ")", "there is no ( for this"),
        ("git or", "", "a word or a condition is missing here"),
        (
            "git and )",
            ")",
            "a word or a condition is missing before this",
        ),
        ("not", "", "a word or a condition is missing here"),
        ("()", ")", "a word or a condition is missing before this"),
        ("\"git", "\"", "there is no second \" for this"),
        ("kind:futx", "futx", "no kind is futx: futex?"),
        ("kind:zzz", "zzz", "no kind is zzz"),
        ("x state=runing", "runing", "no state is runing: running?"),
        ("knd:futex", "knd", "there is no field knd: kind?"),
        (
            "qq=1",
            "qq",
            "there is no field qq: a word with such a sign in it needs quotes",
        ),
        ("pid:x", "x", "a number is wanted here"),
        ("pid>", "", "a word or a condition is missing here"),
        (
            "age>5",
            "5",
            "a time with its unit is wanted here: 500us, 20ms, 5s, 2m, 1h",
        ),
        (
            "age>5y",
            "5y",
            "a time with its unit is wanted here: 500us, 20ms, 5s, 2m, 1h",
        ),
        ("age~5s", "5s", "~ is for texts"),
        ("user<root", "root", "user is a text: use : = != or ~"),
        ("idle:maybe", "maybe", "yes, no or unknown is wanted here"),
        ("idle>yes", "yes", "idle is yes, no or unknown: use : or !="),
    ];
    for (filter, place, message) in cases {
        let error = Filter::parse(filter).unwrap_err();
        assert_eq!(
            (&filter[error.span.clone()], error.message.as_str()),
            (place, message),
            "{filter}"
        );
    }
    let deep = "(".repeat(10_000);
    assert_eq!(
        Filter::parse(&deep).unwrap_err().message,
        "this is nested too deeply"
    );
    let deep = "not ".repeat(10_000);
    assert_eq!(
        Filter::parse(&deep).unwrap_err().message,
        "this is nested too deeply"
    );
}

#[test]
fn top_filter_says_whether_idle_tasks_are_asked_for() {
    for (filter, expect) in [("idle", true), ("git or idle:no", true), ("git", false)] {
        assert_eq!(
            Filter::parse(filter).unwrap().asks_idle(),
            expect,
            "{filter}"
        );
    }
}

proptest! {
    #[test]
    fn top_filter_any_text_is_one_or_has_an_error_in_it(text in "\\PC{0,40}") {
        match Filter::parse(&text) {
            Ok(filter) => { tasks().iter().for_each(|task| { filter.matches(task); }) }
            Err(error) => prop_assert!(text.get(error.span).is_some()),
        }
    }

    #[test]
    fn top_filter_near_ones_too(
        parts in prop::collection::vec(prop::sample::select(vec![
            "git", "(", ")", "not", "or", "and", "\"", "age", "kind", ">", "<=", "~", ":", "=", "5s",
            "futex", "é", "idle", " ", "  ", "*", "pid", "7",
        ]), 0..24)
    ) {
        let text = parts.concat();
        match Filter::parse(&text) {
            // What is in parentheses, and what is not not, is the same.
            Ok(filter) if !filter.is_empty() => {
                let same = Filter::parse(&format!("not (not ({text}))")).unwrap();
                for task in tasks() {
                    prop_assert_eq!(filter.matches(&task), same.matches(&task));
                }
            }
            Ok(_) => prop_assert!(text.trim().is_empty()),
            Err(error) => prop_assert!(text.get(error.span).is_some()),
        }
    }
}
