//! Herds: what woke many, most of them for nothing, and what would wake fewer.

use super::calls::at_least;
use super::foot::{TEXT, label, more};
use super::page::{Page, Piece};
use crate::document::{Coverage, Document, Herd};
use crate::view::color::Style;
use crate::view::sanitize;
use crate::view::units;

/// Herds that are named.
const MOST: usize = 3;

/// Fewer wakes for nothing than this are not worth a line.
const FEW: u64 = 10;

/// One line per herd.
pub(super) fn write(page: &mut Page, document: &Document, all: bool) {
    let herds = document.herds.iter().flatten();
    let herds: Vec<&Herd> = herds.filter(|herd| all || herd.wasted >= FEW).collect();
    let most = if all { herds.len() } else { MOST };
    for (at, herd) in herds.iter().take(most).enumerate() {
        let label = label(if at == 0 { "herds" } else { "" });
        let text = sentence(herd, &document.coverage);
        page.flow(label, TEXT, " ", Piece::words(&text, Style::Warning));
    }
    more(page, herds.len(), most, ("herd", "herds"));
}

/// `epoll of nginx (8 processes): 8 woken at once by ab, 7 for nothing (140 of 160 wakes,
/// 1.2 ms of CPU; 31 µs of the waker each time); EPOLLEXCLUSIVE or SO_REUSEPORT would wake one`.
fn sentence(herd: &Herd, coverage: &Coverage) -> String {
    let count = |n| at_least(n, coverage.lost_total() > 0);
    let each = |n: u64| n.saturating_add(herd.events / 2) / herd.events.max(1);
    let woken = each(herd.wakes);
    let most = match herd.fan_out_max {
        most if most > woken => format!(" (at most {})", units::count(most)),
        _ => String::new(),
    };
    let advice = herd.advice.as_deref().map(sanitize::text);
    let advice = advice.map_or_else(String::new, |advice| format!("; {advice}"));
    format!(
        "{}: {} woken at once{most} by {}, {} for nothing ({} of {} wakes, {} of CPU; {} of the \
         waker each time){advice}",
        sanitize::text(&herd.object),
        units::count(woken),
        sanitize::text(&herd.waker),
        units::count(each(herd.wasted)),
        count(herd.wasted),
        count(herd.wakes),
        units::time(herd.wasted_cpu_ns),
        units::time(each(herd.waker_ns)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::WaitKind;

    fn herd() -> Herd {
        Herd {
            object: "poll on tcp 127.0.0.1:8080".to_owned(),
            kind: WaitKind::Poll,
            wakes: 1_280,
            useful: 20,
            wasted: 1_260,
            events: 20,
            fan_out_max: 64,
            wasted_cpu_ns: 4_900_000,
            waker_ns: 8_360_000,
            waker: "client".to_owned(),
            exclusive: Some(false),
            advice: Some("sleep".to_owned()),
        }
    }

    #[test]
    fn herds_are_one_sentence() {
        let coverage = Coverage::default();
        assert_eq!(
            sentence(&herd(), &coverage),
            "poll on tcp 127.0.0.1:8080: 64 woken at once by client, 63 for nothing (1,260 of \
             1,280 wakes, 4.90 ms of CPU; 418 µs of the waker each time); sleep"
        );
        let uneven = Herd {
            wakes: 900,
            advice: None,
            ..herd()
        };
        let text = sentence(&uneven, &coverage);
        assert!(
            text.contains(": 45 woken at once (at most 64) by client, 63"),
            "{text}"
        );
        assert!(text.ends_with("of the waker each time)"), "{text}");
    }

    #[test]
    fn herds_are_lower_bounds_where_records_are_lost() {
        let mut coverage = Coverage::default();
        coverage.lost.insert("switch".to_owned(), 1);
        let text = sentence(&herd(), &coverage);
        assert!(text.contains("(≥ 1,260 of ≥ 1,280 wakes"), "{text}");
    }

    #[test]
    fn herds_that_cost_little_are_seen_on_request() {
        let few = Herd {
            wasted: FEW - 1,
            ..herd()
        };
        let document = Document {
            herds: Some(vec![few]),
            ..Document::default()
        };
        let lines = |all| {
            let mut page = Page::new(80, false);
            write(&mut page, &document, all);
            page.render().lines().count()
        };
        assert_eq!(lines(false), 0);
        assert!(lines(true) > 0);
    }
}
