//! Filters in words: which waits are counted, and which are left out.

use super::units;
use crate::document::WaitFilter;

/// `waits in futex, gil of 1.00 ms or more`.
pub fn counted(filter: &WaitFilter) -> String {
    let kinds: Vec<&str> = filter.kinds.iter().map(|kind| kind.as_str()).collect();
    let kinds = match kinds.as_slice() {
        [] => "waits".to_owned(),
        kinds => format!("waits in {}", kinds.join(", ")),
    };
    let length = match (filter.min_ns, filter.max_ns) {
        (None, None) => String::new(),
        (Some(min), None) => format!(" of {} or more", units::time(min)),
        (None, Some(max)) => format!(" of {} or less", units::time(max)),
        (Some(min), Some(max)) => format!(" of {} to {}", units::time(min), units::time(max)),
    };
    format!("{kinds}{length}")
}

/// `other kinds, < 1.00 ms`.
pub fn left_out(filter: &WaitFilter) -> String {
    let kinds = (!filter.kinds.is_empty()).then(|| "other kinds".to_owned());
    let short = filter.min_ns.map(|ns| format!("< {}", units::time(ns)));
    let long = filter.max_ns.map(|ns| format!("> {}", units::time(ns)));
    let parts: Vec<String> = [kinds, short, long].into_iter().flatten().collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::WaitKind;

    #[test]
    fn filters_in_words() {
        let check = |kinds: &[WaitKind], min_ns, max_ns, expect: (&str, &str)| {
            let filter = WaitFilter {
                kinds: kinds.to_vec(),
                min_ns,
                max_ns,
            };
            assert_eq!((&*counted(&filter), &*left_out(&filter)), expect);
        };
        let (ms, s) = (Some(1_000_000), Some(1_000_000_000));
        check(&[], ms, None, ("waits of 1.00 ms or more", "< 1.00 ms"));
        check(&[], None, s, ("waits of 1.00 s or less", "> 1.00 s"));
        check(
            &[WaitKind::Futex, WaitKind::Gil],
            ms,
            s,
            (
                "waits in futex, gil of 1.00 ms to 1.00 s",
                "other kinds, < 1.00 ms, > 1.00 s",
            ),
        );
    }
}
