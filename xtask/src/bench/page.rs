//! The runs as a page and as JSON.

use anyhow::Result;
use serde_json::{Value, json};

use super::growth::Growth;
use super::programs::Programs;
use super::report::median;
use super::start::Start;
use super::{Own, Series, Workload};
use crate::table::{Column, markdown as table};

/// Each run against the one of the same round that nobody observed.
fn ratios(series: &Series, alone: &Series) -> Vec<f64> {
    let pairs = series.runs.iter().zip(&alone.runs);
    let mut ratios: Vec<f64> = pairs
        .map(|(run, alone)| run.seconds / alone.seconds)
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios
}

pub(super) fn markdown(about: &str, workloads: &[Workload], all: &[Series], own: &Own) -> String {
    let mut text = format!(
        "# What observing costs\n\n\
         Written by `cargo xtask bench --update`: {about}. Each workload alone and under every observer, in \
         turn;\nthe time is the workload's own, without the start and the report of its observer. The ratio is \
         the median of\nthe rounds, each against the run alone of the same round, with the least and the \
         greatest.\n"
    );
    let columns = [
        Column::left("observer"),
        Column::right("median s"),
        Column::right("ratio"),
        Column::right("least"),
        Column::right("greatest"),
        Column::right("lost"),
    ];
    for workload in workloads {
        let of_it: Vec<&Series> = all.iter().filter(|s| s.workload == workload.name).collect();
        let Some(alone) = of_it.iter().find(|series| series.observer.is_none()) else {
            continue;
        };
        let rows: Vec<Vec<String>> = of_it.iter().map(|series| row(series, alone)).collect();
        let Workload { name, about, .. } = workload;
        text += &format!("\n## {name}: {about}\n\n{}", table(&columns, &rows));
        for series in &of_it {
            if let (Some(name), Some(why)) = (series.observer, &series.refusal) {
                text += &format!("\n{name} did not run here: {why}\n");
            }
        }
    }
    let own = [
        own.start.as_ref().map(Start::markdown),
        own.programs.as_ref().map(Programs::markdown),
        own.growth.as_ref().map(Growth::markdown),
    ];
    text.extend(own.into_iter().flatten());
    text
}

fn row(series: &Series, alone: &Series) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    let ratios = ratios(series, alone);
    let lost = series.runs.iter().filter_map(|run| run.lost).max();
    vec![
        series.observer.unwrap_or("(alone)").to_owned(),
        number(median(series.runs.iter().map(|run| run.seconds))),
        number(median(ratios.iter().copied())),
        number(ratios.first().copied()),
        number(ratios.last().copied()),
        lost.map_or_else(|| "-".to_owned(), |lost| lost.to_string()),
    ]
}

pub(super) fn json(about: &str, all: &[Series], own: &Own) -> Result<String> {
    let series: Vec<Value> = all
        .iter()
        .map(|series| {
            let seconds: Vec<f64> = series.runs.iter().map(|run| run.seconds).collect();
            let lost: Vec<Option<u64>> = series.runs.iter().map(|run| run.lost).collect();
            json!({
                "workload": series.workload,
                "observer": series.observer,
                "seconds": seconds,
                "lost": lost,
                "refusal": series.refusal,
            })
        })
        .collect();
    let whole = json!({
        "about": about,
        "series": series,
        "start": own.start.as_ref().map(Start::json),
        "programs": own.programs.as_ref().map(Programs::json),
        "growth": own.growth.as_ref().map(Growth::json),
    });
    Ok(serde_json::to_string_pretty(&whole)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::super::Run;
    use super::*;

    fn series(seconds: &[f64]) -> Series {
        let run = |&seconds: &f64| Run {
            seconds,
            lost: None,
        };
        Series {
            workload: "pipe",
            observer: None,
            runs: seconds.iter().map(run).collect(),
            refusal: None,
        }
    }

    #[test]
    fn each_run_is_held_against_its_own_round() {
        // The machine became half as fast; the observer cost nothing.
        let (alone, observed) = (series(&[1.0, 2.0]), series(&[1.0, 2.0]));
        assert_eq!(ratios(&observed, &alone), [1.0, 1.0]);
        assert_eq!(ratios(&series(&[]), &alone), [0.0; 0]);
    }
}
