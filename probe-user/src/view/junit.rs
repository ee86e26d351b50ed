//! Verdicts as JUnit XML, which CI systems show as tests: WRONG and PARTIAL have failed,
//! CANNOT TELL is an error, NOT SEEN was skipped.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::claims::{also, files, places};
use crate::document::{Check, Decision, Verdict};

/// The file. Ends with a newline.
pub fn check(check: &Check) -> Vec<u8> {
    let name = files(check).join(" ");
    let mut suite = TestSuite::new(name.as_str());
    for run in &check.runs {
        suite.add_property((format!("run {}", run.name), run.command.join(" ")));
    }
    suite.add_test_cases(check.claims.iter().map(|claim| case(claim, &name)));
    let mut report = Report::new("waitscope check");
    report.add_test_suite(suite);
    let mut out = Vec::new();
    let written = report.serialize(&mut out);
    // What XML cannot hold is left out by the crate, and memory takes it all.
    debug_assert!(written.is_ok(), "{written:?}");
    out
}

fn case(claim: &Verdict, file: &str) -> TestCase {
    let failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let mut status = match claim.verdict {
        Decision::Correct => TestCaseStatus::success(),
        Decision::Partial | Decision::Wrong => failed,
        Decision::NotSeen => TestCaseStatus::skipped(),
        Decision::CannotTell => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let mut lines = vec![claim.because.clone()];
    lines.extend(also(claim));
    lines.extend(places(&claim.evidence));
    if claim.verdict != Decision::Correct {
        status.set_type(claim.verdict.as_str());
        status.set_message(claim.because.as_str());
    }
    let mut case = TestCase::new(format!("{}: {}", claim.id, claim.says), status);
    case.set_classname(file);
    case.set_system_out(lines.join("\n"));
    case
}
