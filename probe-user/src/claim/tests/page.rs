//! What docs/claim-files.md and docs/claims-howto.md show is read as they say.

use crate::claim::{
    expression::{DEEPEST, LONGEST, MOST_TOKENS},
    file::{self, Given, LARGEST, SCHEMA},
};

const PAGE: &str = include_str!("../../../../docs/claim-files.md");
const HOWTO: &str = include_str!("../../../../docs/claims-howto.md");

#[test]
fn examples_of_the_pages_are_read() {
    let blocks = |page: &'static str| page.split("```toml\n").skip(1);
    assert_eq!((blocks(PAGE).count(), blocks(HOWTO).count()), (3, 1));
    for block in blocks(PAGE).chain(blocks(HOWTO)) {
        let text = block.split("```").next().unwrap();
        let given = match text.contains("[run.") {
            true => Given::None,
            false => Given::One,
        };
        assert_eq!(file::read(text, given).map(|_| ()), Ok(()), "{text}");
    }
}

#[test]
fn expressions_of_the_page_mean_something_but_where_it_says_that_they_do_not() {
    let cases = [
        ("pool.wait > 0s", true),
        ("pool.wait > 0", false),
        ("pool.share(epoll) >= 50%", true),
        ("pool.share(epoll) >= 0.5", false),
        ("pool.wait / pool.lifetime > 50%", true),
        ("tree.waits(futex) / wall > 10/s", true),
        ("wall * wall > 0s", false),
        ("pool.blame(network, \"127.*\") > 5%", true),
    ];
    for (expression, is_right) in cases {
        let shown = expression.trim_end_matches(" > 5%");
        let is_shown = PAGE.contains(shown) || !is_right;
        assert!(is_shown, "{expression}");
        assert_eq!(
            super::read(&super::with(expression)).is_ok(),
            is_right,
            "{expression}"
        );
    }
}

#[test]
fn limits_of_the_page_are_those_of_the_language() {
    let page = PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
    let limits = format!(
        "at most {LONGEST} bytes and {MOST_TOKENS} words and signs, nested at most {DEEPEST} deep; a \
         file at most {} MiB",
        LARGEST >> 20
    );
    assert!(page.contains(&limits), "{limits}");
    assert!(page.contains(SCHEMA));
}
