//! Connections and listeners, against what the workload saw and what the kernel counted
//! in each network namespace.

use std::fs::File;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use waitscope_tests::report::{Connection, Listener, Report};
use waitscope_tests::{audit, live};

/// What the workload says of one listener.
#[derive(Debug, Deserialize)]
struct Truth {
    #[expect(dead_code, reason = "for messages")]
    name: String,
    netns: u64,
    port: u16,
    family: u16,
    served: u64,
    refused: u64,
    unanswered: u64,
    closed_early: u64,
    reset_early: u64,
    overflows: u64,
    syn_retransmits: u64,
    acceptor: u32,
    slept: bool,
}

#[test]
fn connections_have_the_fates_that_their_ends_saw() -> Result<()> {
    for tier in ["full", "tracepoint"] {
        let dir = live::shared_dir()?;
        let (truth, out) = (dir.path().join("truth.json"), dir.path().join("out.json"));
        let mut run = live::waitscope()?;
        run.args(["run", "--tier", tier, "-o"]).arg(&out).arg("--");
        run.arg(env!("CARGO_BIN_EXE_actor"))
            .arg("connections")
            .arg(&truth);
        live::finish(&mut run)?.expect_code(0)?;
        let truths: Vec<Truth> = serde_json::from_reader(File::open(truth)?)?;
        let report = Report::read(&out)?;
        assert_eq!(audit::violations(&report), Vec::<String>::new());
        for truth in &truths {
            check(&report, truth).with_context(|| format!("{truth:?}"))?;
        }
        ensure!(
            blame_of_silence(&report) > 0,
            "no wait is blamed on segments without an answer"
        );
        if report.tier == "tracepoint" && tier == "full" {
            // The best there is.
            break;
        }
    }
    Ok(())
}

fn check(report: &Report, truth: &Truth) -> Result<()> {
    let connections = report.connections.as_ref().context("connections")?;
    let is_it = |c: &&Connection| c.netns == Some(truth.netns) && c.port == truth.port;
    let found: Vec<&Connection> = connections.iter().filter(is_it).collect();
    let &[found] = found.as_slice() else {
        anyhow::bail!("{connections:?}");
    };
    let skipped = report.skipped_runs();
    let fate = |name: &str| found.fates.get(name).copied();
    let mut others = 0;
    for (name, expected) in [
        ("served", truth.served),
        ("refused", truth.refused),
        ("unanswered", truth.unanswered),
        ("closed-early", truth.closed_early),
        ("reset-early", truth.reset_early),
        ("open", 0),
        ("failed", 0),
    ] {
        others += fate(name).context("a fate")?.abs_diff(expected);
    }
    // One that the kernel skipped a probe of is missing, or has another fate; and of the rest
    // nothing more is certain then.
    ensure!(others <= 2 * skipped, "{found:?}");
    if skipped > 0 {
        return Ok(());
    }
    ensure!(found.family == truth.family, "{found:?}");
    if truth.overflows > 0 {
        // A kernel may hide what happens while one of its own tasks is current: that a
        // connection came about, and the segment sent again just before.
        let hidden = truth.served.saturating_sub(found.connect.count);
        ensure!(hidden <= 2, "{found:?}");
        let least = truth.syn_retransmits - hidden;
        let counted = least..=truth.syn_retransmits;
        ensure!(counted.contains(&found.syn_retransmits), "{found:?}");
        // Sent again after a second, and again.
        ensure!(found.syn_wait_ns >= least * 800_000_000, "{found:?}");
        ensure!(found.connect.max_ns >= 1_900_000_000, "{found:?}");
    }
    let Some(listeners) = &report.listeners else {
        // Said, with its reason.
        ensure!(!report.coverage.problems.is_empty());
        return Ok(());
    };
    let listener = found.listener.context("the listener")?;
    check_listener(&listeners[listener], report, truth)
}

fn check_listener(listener: &Listener, report: &Report, truth: &Truth) -> Result<()> {
    ensure!(
        listener.ours && listener.netns == Some(truth.netns),
        "{listener:?}"
    );
    ensure!(listener.dropped_accept == truth.overflows, "{listener:?}");
    if truth.overflows > 0 {
        let netstat = listener.netstat.as_ref().context("netstat")?;
        ensure!(
            netstat["ListenOverflows"] == truth.overflows,
            "{listener:?}"
        );
        ensure!(listener.full_ns >= Some(900_000_000), "{listener:?}");
    }
    if report.tier == "full" || truth.slept {
        ensure!(listener.acceptors == [truth.acceptor], "{listener:?}");
    }
    Ok(())
}

/// Time of waits for connections whose first segment had to be sent again, ns.
fn blame_of_silence(report: &Report) -> u64 {
    let blame = report.threads.iter().flat_map(|t| &t.account.blame);
    let silent = blame.filter(|b| {
        let detail = b.detail.as_deref().unwrap_or_default();
        b.cause == "network" && detail.starts_with("SYN unanswered ")
    });
    silent.map(|b| b.ns).sum()
}
