//! Knowing less never turns a verdict: it can only withhold it.

use proptest::prelude::*;

use crate::claim::{
    expression::evaluate::Values,
    file::{self, ClaimFile, Given},
    interval::Interval,
    verdict::decide,
};
use crate::document::Decision;

/// What may stand on either side of a comparison.
fn number() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0..4).prop_map(|n| format!("run:tree.syscalls_seen(c{n})")),
        (-5..5).prop_map(|n| format!("{n}")),
        (0..5).prop_map(|n| format!("{n}.5")),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/"]);
        (inner.clone(), operator, inner).prop_map(|(a, by, b)| format!("({a} {by} {b})"))
    })
}

fn truth() -> impl Strategy<Value = String> {
    let operator = prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]);
    let leaf = (number(), operator, number()).prop_map(|(a, by, b)| format!("{a} {by} {b}"));
    leaf.prop_recursive(2, 6, 2, |inner| {
        let join = prop::sample::select(vec!["and", "or"]);
        let joined = (inner.clone(), join, inner.clone());
        prop_oneof![
            inner.prop_map(|a| format!("not ({a})")),
            joined.prop_map(|(a, by, b)| format!("({a}) {by} ({b})")),
        ]
    })
}

fn claims() -> impl Strategy<Value = ClaimFile> {
    let formulas = (
        prop::option::of(truth()),
        truth(),
        prop::option::of(truth()),
    );
    formulas.prop_map(|(seen, holds, refuted)| {
        let line = |key: &str, formula: Option<String>| {
            formula.map_or_else(String::new, |text| format!("{key} = \"{text}\"\n"))
        };
        let (seen, refuted) = (line("seen", seen), line("refuted", refuted));
        let text = format!(
            "schema = \"waitscope.claims/1\"\n[[claim]]\nid = \"A\"\nsays = \"so\"\n\
             holds = \"{holds}\"\n{seen}{refuted}"
        );
        file::read(&text, Given::One).unwrap_or_else(|errors| panic!("{text}\n{errors:?}"))
    })
}

/// Numbers, and how much less is known of each.
fn measured() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
    let less = prop_oneof![2 => Just(0.0), 3 => 0.0..3.0, 1 => Just(f64::INFINITY)];
    let number = (-6_i32..6).prop_map(f64::from);
    prop::collection::vec((number, less.clone(), less), 16)
}

fn verdict(file: &ClaimFile, values: Values<'_>) -> Option<Decision> {
    decide(file.claims[0].findings(values))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn verdicts_of_what_is_known_less_are_the_same_or_withheld(file in claims(), measured in measured(), share in 0.0..1.0) {
        let wide: Vec<Interval> =
            measured.iter().map(|(n, below, above)| Interval::new(n - below, n + above)).collect();
        let narrow: Vec<Interval> = measured
            .iter()
            .map(|(n, below, above)| {
                let part = |less: f64| if less.is_finite() { less * share } else { share };
                Interval::new(n - part(*below), n + part(*above))
            })
            .collect();
        let exact: Vec<Interval> = measured.iter().map(|(n, _, _)| Interval::point(*n)).collect();
        let (wide, narrow, exact) = (verdict(&file, &wide), verdict(&file, &narrow), verdict(&file, &exact));
        // A file that contradicts itself has no verdict.
        if let (Some(wide), Some(narrow), Some(exact)) = (wide, narrow, exact) {
            prop_assert!(wide == Decision::CannotTell || wide == narrow);
            prop_assert!(narrow == Decision::CannotTell || narrow == exact);
        }
    }

    #[test]
    fn what_decides_has_the_value_of_the_whole(file in claims(), measured in measured()) {
        let values: Vec<Interval> =
            measured.iter().map(|(n, below, above)| Interval::new(n - below, n + above)).collect();
        let holds = &file.claims[0].holds;
        let decisive = holds.decisive(&values);
        prop_assert!(!decisive.is_empty());
        for comparison in decisive {
            prop_assert_eq!(comparison.truth(&values), holds.truth(&values));
        }
        prop_assert_eq!(holds.negated().truth(&values), !holds.truth(&values));
    }
}
