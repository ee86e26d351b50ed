//! What is shown of which group: in full, in one line, or together with others.
//!
//! By default the report has about fifty lines for any program. Groups stand in the order
//! of what they cost. Small ones share a line, and so do those that work for a runtime where
//! that took less than a twentieth of the critical path; of those that only waited for what nobody
//! would want to be shorter each has one, and more than three share it. The others
//! have their budget in full, with the causes behind their largest waits, as long as
//! there is room, and then a line each. The first has it always.

use super::Options;
use super::full::Full;
use crate::document::Document;
use crate::view::order::Cost;

/// Lines that the groups have at least.
const LEAST: usize = 16;
/// Groups in one line each, at most, and where there is no room.
const BRIEF: usize = 10;
const LEAST_BRIEF: usize = 3;
/// Of those that had nothing to do.
const QUIET: usize = 3;
/// Helpers on less than such a part of the path stand aside.
const ASIDE: u64 = 20;

/// The groups by how they are shown, each in order of what they cost.
#[derive(Default)]
pub(super) struct Plan<'a> {
    /// In full.
    pub full: Vec<Full<'a>>,
    /// In one line.
    pub brief: Vec<Cost<'a>>,
    /// Together, for they work for a runtime, and the run did not wait for them.
    pub helpers: Vec<Cost<'a>>,
    /// Together, for they had nothing to do.
    pub quiet: Vec<Cost<'a>>,
    /// Together, for they are small or there is no room.
    pub rest: Vec<Cost<'a>>,
}

impl<'a> Plan<'a> {
    /// For so many lines.
    pub(super) fn new(
        document: &'a Document,
        costs: &[Cost<'a>],
        options: &Options,
        lines: usize,
    ) -> Plan<'a> {
        let mut costs = costs.to_vec();
        // Of a thousand small ones there is a dearest.
        if let Some(first) = costs.first_mut() {
            first.is_small = false;
        }
        if options.all {
            let full = costs.iter().map(|cost| Full::new(cost, document, true));
            return Plan {
                full: full.collect(),
                ..Plan::default()
            };
        }
        let (mut rest, shown): (Vec<Cost>, Vec<Cost>) =
            costs.into_iter().partition(|cost| cost.is_small);
        if options.per_thread {
            let full = shown.iter().map(|cost| Full::new(cost, document, false));
            return Plan {
                full: full.collect(),
                rest,
                ..Plan::default()
            };
        }
        let (helpers, shown): (Vec<Cost>, Vec<Cost>) = shown.into_iter().partition(is_aside);
        let (mut quiet, loud): (Vec<Cost>, Vec<Cost>) = shown.into_iter().partition(Cost::is_quiet);
        // A line for one says more than that there is one more.
        let mut brief: Vec<Cost> = Vec::new();
        if rest.len() == 1 {
            brief.append(&mut rest);
        }
        let some = match quiet.len() {
            n if n <= QUIET + 1 => n,
            _ => QUIET,
        };
        let quiet_rest = quiet.split_off(some);
        quiet.append(&mut brief);
        let mut plan = Plan {
            helpers,
            brief: quiet,
            quiet: quiet_rest,
            rest,
            full: Vec::new(),
        };
        plan.fill(document, loud, lines.max(LEAST));
        plan
    }

    /// As many in full as there is room for beside a line for each of the others.
    fn fill(&mut self, document: &'a Document, mut loud: Vec<Cost<'a>>, lines: usize) {
        let together = [&self.helpers, &self.quiet, &self.rest];
        let together = together.iter().filter(|costs| !costs.is_empty());
        let mut left = lines.saturating_sub(self.brief.len() + together.count());
        for (at, cost) in loud.iter().enumerate() {
            let after = (loud.len() - at - 1).min(BRIEF);
            let mut full = Full::new(cost, document, false);
            // And an empty line before it.
            let fits = full.shorten(left.saturating_sub(after + 1));
            if !fits && !self.full.is_empty() {
                break;
            }
            left = left.saturating_sub(full.lines() + 1);
            self.full.push(full);
        }
        let mut brief = loud.split_off(self.full.len());
        let over = brief.split_off(brief.len().min(left.clamp(LEAST_BRIEF, BRIEF)));
        brief.append(&mut self.brief);
        self.brief = brief;
        self.rest.extend(over);
    }
}

/// It works for a runtime, and took next to nothing of the path.
fn is_aside(cost: &Cost) -> bool {
    cost.group.helper && cost.path_share_below(ASIDE)
}
